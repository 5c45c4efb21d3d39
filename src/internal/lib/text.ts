/** Text operations that take linear time on any input. */

/**
 * Removes each `character` at the end of `text`. The regular expression `/x+$/` tries every position inside a run of `x`
 * that does not reach the end, and so takes quadratic time.
 */
export const trimTrailing = (text: string, character: string): string => {
  let end = text.length
  while (end > 0 && text[end - 1] === character) end--
  return text.slice(0, end)
}

/** Returns the part of `text` before the first `separator`, or `text` without one. */
export const textBefore = (text: string, separator: string): string => {
  const at = text.indexOf(separator)
  return at === -1 ? text : text.slice(0, at)
}
