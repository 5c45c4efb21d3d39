/** Outputs that are closed, or cannot be written. Without a listener, Node ends the process with a stack. */
import * as Predicate from "effect/Predicate"

/** The exit code of a process whose reader has ended: 128 plus the number of SIGPIPE, as in shells. */
const pipeClosed = 141

const codeOf = (error: unknown): unknown => Predicate.hasProperty(error, "code") ? error.code : undefined

/** Ends the process if its result cannot be written. The server continues without its log. */
export const watch = (): void => {
  process.stderr.on("error", () => {})
  process.stdout.on("error", (error) => {
    if (codeOf(error) === "EPIPE") return process.exit(pipeClosed)
    process.stderr.write(`OutputFailed: the output cannot be written (${String(codeOf(error))})\n`)
    return process.exit(1)
  })
}
