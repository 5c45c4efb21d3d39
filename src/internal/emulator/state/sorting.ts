/**
 * Sorts long lists. A typed array sorts numbers many times faster than an array calls a function that compares, so a sort is
 * reduced to one of numbers where possible. Both sorts are stable: equal items keep their order.
 */

/** The items in the order of their numbers, which are whole. */
export const byNumber = <A>(items: ReadonlyArray<A>, numberOf: (item: A) => number): ReadonlyArray<A> => {
  const numbers = Float64Array.from(items, numberOf)
  let first = Infinity
  let last = -Infinity
  for (const number of numbers) {
    first = Math.min(first, number)
    last = Math.max(last, number)
  }
  if (first >= last) return items
  const count = items.length
  if ((last - first + 1) * count > Number.MAX_SAFE_INTEGER) {
    const sorted = [...items]
    sorted.sort((one, other) => numberOf(one) - numberOf(other))
    return sorted
  }
  // The number and the position as one number.
  const packed = numbers.map((number, position) => (number - first) * count + position)
  packed.sort()
  const sorted: Array<A> = []
  for (const number of packed) {
    const item = items[number % count]
    if (item !== undefined) sorted.push(item)
  }
  return sorted
}

const commonPrefixLength = <A>(items: ReadonlyArray<A>, textOf: (item: A) => string): number => {
  const [one] = items
  if (one === undefined) return 0
  const first = textOf(one)
  let length = first.length
  for (const item of items) {
    const text = textOf(item)
    let common = 0
    while (common < length && text.charCodeAt(common) === first.charCodeAt(common)) common++
    length = common
  }
  return length
}

/** The items in the order of their texts. */
export const byText = <A>(items: ReadonlyArray<A>, textOf: (item: A) => string): ReadonlyArray<A> => {
  const start = commonPrefixLength(items, textOf)
  // The first two characters that may differ. None counts as NUL, so the texts with the same number are compared.
  const numberOf = (item: A) => {
    const text = textOf(item)
    return (text.charCodeAt(start) || 0) * 0x1_00_00 + (text.charCodeAt(start + 1) || 0)
  }
  const compare = (one: A, other: A) => {
    const text = textOf(one)
    const otherText = textOf(other)
    return text < otherText ? -1 : text > otherText ? 1 : 0
  }
  const sorted: Array<A> = []
  let equal: Array<A> = []
  let number = -1
  const flush = () => {
    equal.sort(compare)
    for (const item of equal) sorted.push(item)
  }
  for (const item of byNumber(items, numberOf)) {
    const next = numberOf(item)
    if (next !== number) {
      flush()
      equal = []
      number = next
    }
    equal.push(item)
  }
  flush()
  return sorted
}
