/** How the time that a parser takes grows with its input: measured by ratios, never by an absolute time. */

import { Record } from "effect"
import { setImmediate } from "node:timers/promises"

type Parser = (input: string) => unknown

/** An input of about `size` characters. */
export type Input = (size: number) => string

const factor = 16

/**
 * `sizes` are numbers of characters: the last is 1 MiB, and each is 16 times the previous one. `floor` is in milliseconds:
 * a shorter time is too short to compare, and counts as this one.
 */
const measure = { sizes: [65_536, 1_048_576], floor: 4 }

/** Limit of the growth for an input that is 16 times as long: linear time grows by 16, quadratic time by 256. */
const mostGrowth = 64

const tries = 3

/** CPU time in milliseconds: other processes do not lengthen it. */
const time = async (parser: Parser, input: string): Promise<number> => {
  // Between two measurements the test runner reports.
  await setImmediate()
  const start = process.cpuUsage()
  await parser(input)
  const { system, user } = process.cpuUsage(start)
  return (system + user) / 1000
}

/** The shortest of several times, measured until one is at most `enough`. */
const shortest = async (parser: Parser, text: string, enough: number, first = Infinity): Promise<number> => {
  let taken = first
  for (let turn = first === Infinity ? 0 : 1; turn < tries && taken > enough; turn++) {
    taken = Math.min(taken, await time(parser, text))
  }
  return taken
}

/**
 * Describes a growth that is more than linear; `undefined` if there is none.
 *
 * A time of at most `mostGrowth * floor` passes whatever the shorter input takes, so the shorter input is measured only
 * after a longer time. A time above the limit is measured again, because a pause of the machine can cause it. The larger
 * size is skipped after a failure, so that quadratic time is found within seconds.
 */
export const growth = async (
  parser: Parser,
  input: Input,
  { floor, sizes }: { readonly floor: number; readonly sizes: ReadonlyArray<number> } = measure
): Promise<string | undefined> => {
  for (const size of sizes) {
    const text = input(size)
    const first = await time(parser, text)
    if (first <= mostGrowth * floor) continue
    const before = await shortest(parser, input(size / factor), floor)
    const most = mostGrowth * Math.max(before, floor)
    const taken = await shortest(parser, text, most, first)
    if (taken > most) return `${size} characters take ${taken} ms, a sixteenth of them ${before} ms`
  }
  return undefined
}

/** Each input is made once for each size: every parser gets the same. */
const once = (input: Input): Input => {
  const made = new Map<number, string>()
  return (size) => {
    const known = made.get(size) ?? input(size)
    made.set(size, known)
    return known
  }
}

const repeat = (unit: string): Input => (size) => unit.repeat(Math.ceil(Math.max(size, 0) / unit.length)).slice(0, size)

/** `unit` over and over, and an end that no repetition leads to. */
const near = (unit: string, end: string): Input => (size) => repeat(unit)(Math.max(size - end.length, 0)) + end

const nested = (open: string, close: string): Input => (size) => {
  const depth = Math.floor(size / (open.length + close.length))
  return open.repeat(depth) + close.repeat(depth)
}

const distinct = (separator: string): Input => (size) => {
  const parts: Array<string> = []
  for (let length = 0, n = 0; length < size; n++) {
    const part = n.toString(36)
    parts.push(part)
    length += part.length + separator.length
  }
  return parts.join(separator)
}

const units = [
  "/",
  "a",
  "=",
  ".",
  "%",
  "&",
  ";",
  ",",
  "\"",
  "\\",
  "<",
  " ",
  "\n",
  "\u0301\u0323",
  "a=b&",
  "&a",
  "/../",
  "%2F",
  "&#65;"
]

/** What no parser may take longer than linear time over. */
export const hostile: Readonly<Record<string, Input>> = Record.map(
  Object.fromEntries<Input>([
    ...units.map((
      unit
    ): readonly [string, Input] => [`${JSON.stringify(unit)}, then another end`, near(unit, "\u0000\na=b")]),
    ...["/", "a", " "].map((unit): readonly [string, Input] => [JSON.stringify(unit), repeat(unit)]),
    ["nested lists", nested("[", "]")],
    ["nested objects", nested("{\"a\":", "}")],
    ["distinct parameters", distinct("&")],
    ["distinct pairs", distinct("=1;")],
    ["distinct lines", distinct("\n")]
  ]),
  once
)

/** `prefix`, and then hostile text. */
export const after = (prefix: string, inputs = hostile): Readonly<Record<string, Input>> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      `${JSON.stringify(prefix.slice(0, 40))}, then ${name}`,
      (size: number) => prefix + input(size - prefix.length)
    ])
  )

/** The parts of a text that fit into a document as long as the text, where each part takes `extra` more characters. */
export const parts = (text: string, separator: string, extra: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  let left = text.length
  for (const part of text.split(separator, Math.ceil(text.length / extra))) {
    left -= part.length + extra
    if (left < 0 && found.length > 0) break
    found.push(part)
  }
  return found
}

/** The hostile texts that have many parts, and one that is a single part. */
export const separated = (separator: string): Readonly<Record<string, Input>> => ({
  ...Record.filter(hostile, (input) => input(1024).split(separator).length > 4),
  "a single part": repeat("/")
})

export { near, repeat }
