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

/** Characters that a page does not show, or that change the order of others: control, format, filler, unusual spaces. */
const invisible = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu

/**
 * Replaces invisible characters by their escape (`\u{202E}`). Two names that differ only in such characters then look
 * different, and no name can reverse the text around it.
 */
export const visible = (text: string): string =>
  text.replace(invisible, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`)

/**
 * Text that UTF-8 can represent, and that differs for different texts: halves of surrogate pairs, which UTF-8 replaces by one
 * character, are escaped.
 */
export const wellFormed = (text: string): string => /\p{Cs}/u.test(text) ? `\0${JSON.stringify(text)}` : text
