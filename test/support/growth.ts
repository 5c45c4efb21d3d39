/** How the time that a parser takes grows with its input: measured by ratios, never by an absolute time. */

import { Record } from "effect"
import { setImmediate } from "node:timers/promises"

type Parser = (input: string) => unknown

/** An input of about `size` characters. */
export type Input = (size: number) => string

/** Each is 16 times the one before it; the last is 1 MiB. */
const sizes = [4096, 65_536, 1_048_576]

/** A shorter time is too short to compare, in milliseconds: it counts as this one. */
const floor = 10

/** For an input that is 16 times as long: a linear parser takes 16 times as long, a quadratic one 256 times. */
const mostGrowth = 64

const tries = 3

/** The processor's time, which other processes do not lengthen, in milliseconds. */
const time = async (parser: Parser, input: string): Promise<number> => {
  // Between two measurements the test runner reports.
  await setImmediate()
  const start = process.cpuUsage()
  await parser(input)
  const { system, user } = process.cpuUsage(start)
  return (system + user) / 1000
}

/**
 * What is wrong with the growth of a parser's time, if anything. A size at which the time grew too much is tried again,
 * so that a pause of the machine is not taken for the parser's; and the larger sizes are not tried any more, so that a
 * parser of quadratic time is found in seconds.
 */
export const growth = async (parser: Parser, input: Input): Promise<string | undefined> => {
  await time(parser, input(1024))
  const times: Array<number> = []
  for (const [index, size] of sizes.entries()) {
    const text = input(size)
    const before = times[index - 1]
    const most = before === undefined ? Infinity : mostGrowth * Math.max(before, floor)
    let taken = await time(parser, text)
    for (let turn = 1; turn < tries && taken > most; turn++) taken = Math.min(taken, await time(parser, text))
    if (taken > most) return `${size} characters take ${taken} ms, a sixteenth of them ${before} ms`
    times.push(taken)
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

export { near, repeat }
