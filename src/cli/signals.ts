/** The signal that ended the process, and its exit code: 128 plus the number of the signal, as in shells. */
import * as Option from "effect/Option"

const codes: ReadonlyArray<readonly [signal: NodeJS.Signals, code: number]> = [["SIGINT", 130], ["SIGTERM", 143]]

let received = Option.none<(typeof codes)[number]>()

let isExpected = false

/** Records the signals that end the process. Call it before anything that they interrupt. */
export const watch = (): void =>
  codes.forEach((entry) =>
    process.once(entry[0], () => {
      received = Option.orElse(received, () => Option.some(entry))
    })
  )

/** Marks a signal as the regular end of the command. */
export const markExpected = (): void => {
  isExpected = true
}

/** The signal that interrupted the command. */
export const unexpected = (): Option.Option<NodeJS.Signals> =>
  isExpected ? Option.none() : Option.map(received, ([signal]) => signal)

/** The exit code of an interrupted process. */
export const exitCode = (): number =>
  isExpected ? 0 : Option.match(received, { onNone: () => 1, onSome: ([, code]) => code })
