/** The input of the commands: files, standard input, and JSON that is validated against a schema. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { invalidFields } from "../internal/model/validation.js"
import { CommandFailed } from "./output.js"
import { mayBeQuoted } from "./quoted.js"

const unreadable = (name: string) => () =>
  new CommandFailed({
    reason: "InputUnreadable",
    message: `${name} cannot be read: check its path and its permissions`
  })

const readStdin = Effect.tryPromise({
  try: async () => {
    const chunks: Array<Uint8Array> = []
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  },
  catch: unreadable("standard input")
})

/** Decodes UTF-8 without a byte order mark. A replaced character would change a secret. */
const decoded = (name: string, bytes: Uint8Array) =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => new CommandFailed({ reason: "InputInvalid", message: `${name} is not UTF-8 text` })
  })

const fileOf = (path: string) => mayBeQuoted(path) ? `the file ${path}` : "the file that the argument names"

/** Reads a file, or standard input for `-`. */
export const text = (path: string): Effect.Effect<string, CommandFailed, FileSystem.FileSystem> =>
  path === "-"
    ? Effect.flatMap(readStdin, (bytes) => decoded("standard input", bytes))
    : Effect.flatMap(FileSystem.FileSystem, (files) => Effect.mapError(files.readFile(path), unreadable(fileOf(path))))
      .pipe(
        Effect.flatMap((bytes) => decoded(fileOf(path), bytes))
      )

/** Reads a secret, without the line end that `echo` adds. */
export const secret = (
  path: string,
  what: string
): Effect.Effect<Redacted.Redacted, CommandFailed, FileSystem.FileSystem> =>
  Effect.flatMap(text(path), (text) => {
    const value = text.replace(/\r?\n$/, "")
    return value === ""
      ? new CommandFailed({
        reason: "InputInvalid",
        message: `${what} is empty: pass it in ${path === "-" ? "standard input" : `the file ${path}`}`
      })
      : Effect.succeed(Redacted.make(value))
  })

// The message of the parser may quote the file, and thus a secret. Only the position is reported.
const position = (text: string, cause: unknown) => {
  const [, at] = /at position (\d+)/.exec(String(cause)) ?? []
  if (at === undefined) return ""
  const lines = text.slice(0, Number(at)).split("\n")
  return ` at line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`
}

/** Reads JSON and validates it against a schema. Errors contain paths, never values. */
export const json = <A, I>(
  path: string,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, CommandFailed, FileSystem.FileSystem> => {
  const name = path === "-" ? "standard input" : path
  const decode = Schema.decodeUnknown(schema, { errors: "all", onExcessProperty: "error" })
  return Effect.gen(function*() {
    const given = yield* text(path)
    const value: unknown = yield* Effect.try({
      try: (): unknown => JSON.parse(given),
      catch: (cause) =>
        new CommandFailed({ reason: "InputInvalid", message: `${name} is not JSON${position(given, cause)}` })
    })
    return yield* Effect.mapError(decode(value), ({ issue }) => {
      const fieldList = invalidFields(issue)
      return new CommandFailed({
        reason: "InputInvalid",
        message: `${name}: ${fieldList.map(({ message, name }) => `${name}: ${message}`).join("; ")}`,
        fieldList
      })
    })
  })
}
