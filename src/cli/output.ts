/** The output of the commands, as text or JSON: results on stdout, everything else on stderr. */
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
import { type ConsentRequired, IdentityError, InvalidField } from "../IdentityError.js"
import { forShell } from "./cliDiagnosis.js"

/** A local failure: invalid arguments, a file, a port or standard input. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>("effect-agentcore-identity/cli/CommandFailed")(
  "CommandFailed",
  {
    reason: Schema.Literal(
      "InputInvalid",
      "InputUnreadable",
      "Interrupted",
      "NotRegistered",
      "PackageUnusable",
      "PortInUse",
      "SeedFailed",
      "ServerFailed",
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

/** Replaces white space and control characters, so that the text is one line. */
// oxlint-disable-next-line no-control-regex
const oneLine = (text: string) => text.replaceAll(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim()

const configMessage = (error: ConfigError.ConfigError) =>
  error._op === "MissingData" || error._op === "InvalidData"
    ? `${error.path.join(".")}: ${error.message}`
    : String(error)

interface Line {
  readonly tag: string
  readonly message: string
  readonly diagnosis: Option.Option<Diagnosis.Diagnosis>
}

const lineOf = (error: Failure): Line =>
  ConfigError.isConfigError(error)
    ? { tag: "ConfigError", message: configMessage(error), diagnosis: Option.none() }
    : error._tag === "CommandFailed"
    ? { tag: error.reason, message: error.message, diagnosis: Option.none() }
    : { tag: error._tag, message: error.message, diagnosis: Option.map(Diagnosis.diagnose(error), forShell) }

const toText = (error: Failure) => {
  const { diagnosis, message, tag } = lineOf(error)
  const help = Option.match(diagnosis, {
    onNone: () => "",
    onSome: ({ explanation, fix }) => ` (${explanation} ${fix})`
  })
  return oneLine(`${tag}: ${message}${help}`)
}

const toJson = (error: Failure) => {
  const { diagnosis, message, tag } = lineOf(error)
  const encoded = ConfigError.isConfigError(error)
    ? Effect.succeed({ _tag: tag })
    : Effect.orDie(Schema.encode(Reported)(error))
  return Effect.map(
    encoded,
    (encoded) =>
      JSON.stringify({
        ...encoded,
        message,
        ...Option.match(diagnosis, { onNone: () => ({}), onSome: (diagnosis) => ({ diagnosis }) })
      })
  )
}

/** Prints the authorization URL. It is secret, so it is printed on stderr only, never to stdout or a log. */
export const consent = (json: boolean, required: ConsentRequired): Effect.Effect<void> =>
  json
    ? Effect.flatMap(toJson(required), (line) => Console.error(line))
    : Console.error(`${toText(required)}\n${Redacted.value(required.authorizationUrl)}`)

/** Prints how a command failed. */
export const report = (json: boolean, error: Failure): Effect.Effect<void> =>
  !ConfigError.isConfigError(error) && error._tag === "ConsentRequired"
    ? consent(json, error)
    : json
    ? Effect.flatMap(toJson(error), (line) => Console.error(line))
    : Console.error(toText(error))

const exitCode = (error: Failure) => {
  if (ConfigError.isConfigError(error)) return 1
  if (error._tag === "ConsentRequired") return 2
  return error._tag === "CommandFailed" && error.reason === "UsageInvalid" ? 64 : 1
}

/**
 * Prints the failure of a command and sets the exit code: 2 for a required consent, 64 (`EX_USAGE` of `sysexits.h`) for
 * invalid arguments, 1 for all others.
 */
export const reporting = (json: boolean) => <A, E extends Failure, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.catchAll(
    effect,
    (error: Failure) => Effect.zipRight(report(json, error), new Exited({ code: exitCode(error) }))
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
export const value = <A, I>(json: boolean, schema: Schema.Schema<A, I>, value: A): Effect.Effect<void> =>
  json
    ? Effect.flatMap(encode(schema, value), (encoded) => Console.log(JSON.stringify(encoded)))
    : Console.log(flatten(value, "").map(([name, text]) => `${name}: ${oneLine(text)}`).join("\n"))

/** Prints the secret only, so that a shell can capture it. */
export const secret = (json: boolean, member: string, value: Redacted.Redacted): Effect.Effect<void> =>
  Console.log(json ? JSON.stringify({ [member]: Redacted.value(value) }) : Redacted.value(value))

/** Prints the success of a command without a result. */
export const done = (json: boolean, what: { readonly [member: string]: string }, text: string): Effect.Effect<void> =>
  Console.log(json ? JSON.stringify(what) : text)
