/**
 * Which signal ended the process, for its exit code: 128 and the signal's number, as shells have it.
 */
import * as Option from "effect/Option"

const codes: ReadonlyArray<readonly [signal: NodeJS.Signals, code: number]> = [["SIGINT", 130], ["SIGTERM", 143]]

let received = Option.none<(typeof codes)[number]>()

let isExpected = false

/**
 * Watches for the signals that end the process; it has to begin before anything that is interrupted by them.
 *
 * @internal
 */
export const watch = (): void =>
  codes.forEach((entry) =>
    process.once(entry[0], () => {
      received = Option.orElse(received, () => Option.some(entry))
    })
  )

/**
 * What runs is meant to end by a signal.
 *
 * @internal
 */
export const expected = (): void => {
  isExpected = true
}

/**
 * The signal that came in between.
 *
 * @internal
 */
export const unexpected = (): Option.Option<NodeJS.Signals> =>
  isExpected ? Option.none() : Option.map(received, ([signal]) => signal)

/**
 * The exit code of a process that was interrupted.
 *
 * @internal
 */
export const exitCode = (): number =>
  isExpected ? 0 : Option.match(received, { onNone: () => 1, onSome: ([, code]) => code })
