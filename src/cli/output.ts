/**
 * The output of the commands, as text or JSON: results on stdout, everything else on stderr. No other module prints, since
 * this one escapes the characters that change what a terminal shows.
 */
import * as Arr from "effect/Array"
import * as ConfigError from "effect/ConfigError"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Diagnosis from "../Diagnosis.js"
import { type ConsentRequired, IdentityError, InvalidField, ValidationError } from "../IdentityError.js"
import { forShell } from "./cliDiagnosis.js"
import { escapeText, isPrintable, toJson } from "./printable.js"

/** A local failure: invalid arguments, a file, a port or standard input. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>("effect-agentcore-identity/cli/CommandFailed")(
  "CommandFailed",
  {
    reason: Schema.Literal(
      "InputInvalid",
      "InputUnreadable",
      "Interrupted",
      "LocalServerRefused",
      "LocalServerUnavailable",
      "NotRegistered",
      "PackageUnusable",
      "PortInUse",
      "SeedFailed",
      "SecretUnprintable",
      "ServerFailed",
      "SessionNotPending",
      "Unexpected",
      "UsageInvalid"
    ),
    message: Schema.String,
    fieldList: Schema.optional(Schema.Array(InvalidField))
  }
) {}

/** The failure was printed. Carries the exit code of the process. */
export class Exited extends Data.TaggedError("Exited")<{ readonly code: number }> {}

/** @internal */
export type Failure = IdentityError | CommandFailed | ConfigError.ConfigError

/** The failure for invalid arguments. */
export const usageInvalid = (message: string): CommandFailed => new CommandFailed({ reason: "UsageInvalid", message })

const Reported = Schema.Union(...IdentityError.members, CommandFailed)

/** Prints lines on stdout. */
export const lines = (texts: ReadonlyArray<string>): Effect.Effect<void> =>
  texts.length === 0 ? Effect.void : Console.log(texts.map(escapeText).join("\n"))

/** Prints a value as JSON on stdout. */
export const json = (value: unknown): Effect.Effect<void> => Console.log(toJson(value))

/** Prints lines on stderr. */
export const note = (...texts: ReadonlyArray<string>): Effect.Effect<void> =>
  Console.error(texts.map(escapeText).join("\n"))

/** Replaces the line breaks and tabs of a message by spaces, so that it is one line. */
const oneLine = (text: string) => text.replaceAll(/[ \t\r\n]+/g, " ").trim()

const configMessage = (error: ConfigError.ConfigError) =>
  error._op === "MissingData" || error._op === "InvalidData"
    ? `${error.path.join(".")}: ${error.message}`
    : String(error)

interface Line {
  readonly tag: string
  readonly message: string
  readonly diagnosis: Option.Option<Diagnosis.Diagnosis>
}

/** The URL of the local server that the command called, if it called one. */
type LocalServer = string | undefined

const lineOf = (error: Failure, server: LocalServer): Line =>
  ConfigError.isConfigError(error)
    ? { tag: "ConfigError", message: configMessage(error), diagnosis: Option.none() }
    : error._tag === "CommandFailed"
    ? { tag: error.reason, message: error.message, diagnosis: Option.none() }
    : { tag: error._tag, message: error.message, diagnosis: Option.map(Diagnosis.diagnose(error), forShell(server)) }

const textOf = (error: Failure, server: LocalServer) => {
  const { diagnosis, message, tag } = lineOf(error, server)
  const help = Option.match(diagnosis, {
    onNone: () => "",
    onSome: ({ explanation, fix }) => ` (${explanation} ${fix})`
  })
  return oneLine(`${tag}: ${message}${help}`)
}

const jsonOf = (error: Failure, server: LocalServer) => {
  const { diagnosis, message, tag } = lineOf(error, server)
  const encoded = ConfigError.isConfigError(error)
    ? Effect.succeed({ _tag: tag })
    : Effect.orDie(Schema.encode(Reported)(error))
  return Effect.map(encoded, (encoded) => ({
    ...encoded,
    message,
    ...Option.match(diagnosis, { onNone: () => ({}), onSome: (diagnosis) => ({ diagnosis }) })
  }))
}

const errorJson = (error: Failure, server: LocalServer) =>
  Effect.flatMap(jsonOf(error, server), (value) => Console.error(toJson(value)))

/** Prints the authorization URL. It is secret, so it is printed on stderr only, never to stdout or a log. */
export const consent = (json: boolean, required: ConsentRequired): Effect.Effect<void> =>
  json
    ? errorJson(required, undefined)
    : note(textOf(required, undefined), Redacted.value(required.authorizationUrl))

/** Prints the authorization URL while a command waits. It is on a line of its own, so that it can be copied. */
export const waiting = (json: boolean, required: ConsentRequired): Effect.Effect<void> =>
  json
    ? errorJson(required, undefined)
    : note("waiting for the consent of the user at", Redacted.value(required.authorizationUrl))

/** Prints how a command failed. */
export const report = (json: boolean, error: Failure, server?: LocalServer): Effect.Effect<void> =>
  !ConfigError.isConfigError(error) && error._tag === "ConsentRequired"
    ? consent(json, error)
    : json
    ? errorJson(error, server)
    : note(textOf(error, server))

// A request that this library rejected has no request id, which the reply of a service has, and its message lists the fields.
const isUnsent = (error: Failure) =>
  error instanceof ValidationError && error.requestId === undefined && error.fieldList !== undefined &&
  /^\d+ validation errors? detected: /.test(error.message)

const exitCode = (error: Failure) => {
  if (ConfigError.isConfigError(error)) return 1
  if (error._tag === "ConsentRequired") return 2
  if (isUnsent(error)) return 64
  return error._tag === "CommandFailed" && error.reason === "UsageInvalid" ? 64 : 1
}

/**
 * Prints the failure of a command and sets the exit code: 2 for a required consent, 64 (`EX_USAGE` of `sysexits.h`) for
 * invalid arguments, also if a value violates the model, 1 for all others. A failure that was printed before is passed on.
 */
export const reporting =
  (json: boolean, server?: LocalServer) =>
  <A, E extends Failure | Exited, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, Exited, R> =>
    Effect.catchAll(
      effect,
      (error: Failure | Exited) =>
        error instanceof Exited
          ? Effect.fail(error)
          : Effect.zipRight(report(json, error, server), new Exited({ code: exitCode(error) }))
    )

const flatten = (value: unknown, path: string): ReadonlyArray<readonly [string, string]> => {
  if (value === undefined) return []
  if (DateTime.isDateTime(value)) return [[path, DateTime.formatIso(value)]]
  if (Redacted.isRedacted(value) || typeof value !== "object" || value === null) return [[path, String(value)]]
  return Arr.flatMap(
    Object.entries(value),
    ([name, member]) =>
      flatten(member, path === "" ? name : Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`)
  )
}

// The wire has epoch seconds. Users read ISO 8601 everywhere else.
const withIsoTimes = (value: unknown, encoded: unknown): unknown => {
  if (DateTime.isDateTime(value)) return DateTime.formatIso(value)
  if (Array.isArray(value) && Array.isArray(encoded)) {
    return encoded.map((member: unknown, index) => withIsoTimes(value[index], member))
  }
  return Predicate.isRecord(value) && Predicate.isRecord(encoded)
    ? Object.fromEntries(Object.entries(encoded).map(([name, member]) => [name, withIsoTimes(value[name], member)]))
    : encoded
}

/** Encodes a value with its schema, but with times in ISO 8601. */
export const encode = <A, I>(schema: Schema.Schema<A, I>, value: A): Effect.Effect<unknown> =>
  Effect.map(Effect.orDie(Schema.encode(schema)(value)), (encoded) => withIsoTimes(value, encoded))

/** Prints one value: a line for each member, or its JSON with times in ISO 8601. */
export const value = <A, I>(asJson: boolean, schema: Schema.Schema<A, I>, value: A): Effect.Effect<void> =>
  asJson
    ? Effect.flatMap(encode(schema, value), json)
    : lines(flatten(value, "").map(([name, text]) => `${name}: ${text}`))

/**
 * Prints the secret only, so that a shell can capture it. The text is exact. A secret with a character that a terminal
 * would interpret is printed in JSON only.
 */
export const secret = (
  asJson: boolean,
  member: string,
  value: Redacted.Redacted
): Effect.Effect<void, CommandFailed> => {
  const text = Redacted.value(value)
  if (asJson) return json({ [member]: text })
  return isPrintable(text) ? Console.log(text) : new CommandFailed({
    reason: "SecretUnprintable",
    message:
      `${member} contains a control character or an invisible character, and was not printed: use --json, which ` +
      "escapes it"
  })
}

/** Prints the success of a command without a result. */
export const done = (
  asJson: boolean,
  what: { readonly [member: string]: string | number },
  text: string
): Effect.Effect<void> => asJson ? json(what) : lines([text])

/** Prints rows below a header, in aligned columns. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Effect.Effect<void> => {
  const cells = [header, ...rows].map((row) => row.map(escapeText))
  const widths = header.map((_, column) => cells.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0))
  return lines(cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()))
}
