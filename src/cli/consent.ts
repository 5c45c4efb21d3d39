/** The command `consent`: completes a consent, and answers consents of a local server. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Credential from "../Credential.js"
import { parseUrl } from "../internal/lib/url.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import * as LocalServer from "./localServer.js"
import { flag, number, optional, optionalValue, required } from "./option.js"
import * as Output from "./output.js"
import * as User from "./user.js"

const requireUser = (given: Pick<User.Options, "user" | "userToken">) =>
  Option.isNone(given.user) && Option.isNone(given.userToken)
    ? Effect.fail(Output.usageInvalid("--user or --user-token is required"))
    : User.check(given)

const local = { endpoint: Client.common.endpoint, json: Client.jsonOption }

const selectors = {
  session: optionalValue(
    "session",
    number("N", "the number of a session, from 1", (n) => Number.isSafeInteger(n) && n >= 1),
    "the number of the session, as consent list prints it",
    "the only pending session that the other options select"
  ),
  user: optional("user", "USER", "the user of the session: an id, userId:ID or jwt:ISSUER|SUBJECT", "any"),
  provider: optional("provider", "NAME", "the credential provider of the session", "any"),
  workload: optional("workload", "NAME", "the workload identity of the session", "any")
}

interface Selectors extends Command.Command.ParseConfig<typeof selectors> {}

const userOf = (text: string) => /^(?:userId|jwt):/.test(text) ? text : `userId:${text}`

const isSelected = ({ provider, user, workload }: Selectors, session: LocalServer.Session) =>
  Option.getOrElse(provider, () => session.providerName) === session.providerName &&
  Option.getOrElse(workload, () => session.workloadName) === session.workloadName &&
  Option.getOrElse(Option.map(user, userOf), () => session.user) === session.user

const notPending = (message: string) => new Output.CommandFailed({ reason: "SessionNotPending", message })

const checkSelectors = ({ provider, session, user, workload }: Selectors) =>
  Option.isSome(session) && [provider, user, workload].some(Option.isSome)
    ? Effect.fail(
      Output.usageInvalid("--session excludes --user, --provider and --workload: pass the number or the others")
    )
    : Effect.void

const sessionWithNumber = (number: number, sessions: ReadonlyArray<LocalServer.Session>) =>
  Effect.mapError(
    Effect.fromNullable(sessions.find(({ id }) => id === number)),
    () => notPending(`there is no session ${number}: 'agentcore-identity consent list' prints the numbers`)
  )

const remedyOf = ({ id, status }: LocalServer.Session) =>
  status === "approved"
    ? `complete it with 'agentcore-identity consent complete --session ${id}'`
    : status === "completed"
    ? "its token is stored, and the next token request returns it"
    : status === "pending"
    ? `approve it first with 'agentcore-identity consent approve --session ${id}'`
    : "request the token again"

const hasStatus = (session: LocalServer.Session, statuses: ReadonlyArray<string>) =>
  statuses.includes(session.status)
    ? Effect.succeed(session)
    : notPending(`session ${session.id} is ${session.status}, not ${statuses.join(" or ")}: ${remedyOf(session)}`)

/** The pending session that the options select. With `orApproved`, an approved one if none is pending. */
const select = (given: Selectors, sessions: ReadonlyArray<LocalServer.Session>, orApproved = false) =>
  Effect.gen(function*() {
    if (Option.isSome(given.session)) {
      const found = yield* sessionWithNumber(given.session.value, sessions)
      return yield* hasStatus(found, orApproved ? ["pending", "approved"] : ["pending"])
    }
    const selected = sessions.filter((session) => isSelected(given, session))
    const pending = selected.filter(({ status }) => status === "pending")
    const approved = orApproved ? selected.filter(({ status }) => status === "approved") : []
    const candidates = pending.length > 0 ? pending : approved
    const [first, second] = candidates
    if (first === undefined) {
      return yield* notPending(
        "no pending session is selected: request a token with --flow user first, or see 'agentcore-identity consent list'"
      )
    }
    return second === undefined
      ? first
      : yield* notPending(
        `several ${first.status} sessions are selected: pass the number of one as --session: ${
          candidates.map(({ id }) => id).join(", ")
        }`
      )
  })

const running = (json: boolean) => <A, E extends Output.Failure, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.mapError(Client.inOptions([])), Output.reporting(json))

const header = ["SESSION", "STATUS", "WORKLOAD", "PROVIDER", "USER", "SCOPES", "EXPIRES"]

const list = Command.make("list", local, (given) =>
  Effect.gen(function*() {
    const sessions = yield* (yield* LocalServer.connect(given)).sessions
    if (given.json) return yield* Output.json({ sessions })
    if (sessions.length === 0) return yield* Output.note("no consent session")
    yield* Output.table(
      header,
      sessions.map(({ expiresAt, id, providerName, scopes, status, user = "-", workloadName }) => [
        String(id),
        status,
        workloadName,
        providerName,
        user,
        scopes.length === 0 ? "-" : scopes.join(","),
        expiresAt
      ])
    )
  }).pipe(running(given.json))).pipe(
    Command.withDescription("Lists the consent sessions of a local server, without their URLs, which are secret.")
  )

const completed = (json: boolean, session: number) =>
  Output.done(json, { session, outcome: "completed" }, `completed session ${session}`)

const approve = Command.make("approve", {
  ...selectors,
  complete: flag(
    "complete",
    "also complete the session as its user, as the page at the return URL does, even if it is already approved"
  ),
  ...local
}, (given) =>
  Effect.gen(function*() {
    yield* checkSelectors(given)
    const server = yield* LocalServer.connect(given)
    const { id } = yield* select(given, yield* server.sessions, given.complete)
    if (given.complete) {
      yield* server.complete(id)
      return yield* completed(given.json, id)
    }
    return yield* Output.secret(given.json, "returnUrl", yield* server.approve(id))
  }).pipe(running(given.json))).pipe(
    Command.withDescription(
      "Approves a pending session of a local server, as its user would. Prints the return URL, which contains the URI of " +
        "the session: it is secret. With --complete there is nothing left to open, and it is not printed."
    )
  )

const deny = Command.make("deny", { ...selectors, ...local }, (given) =>
  Effect.gen(function*() {
    yield* checkSelectors(given)
    const server = yield* LocalServer.connect(given)
    const { id } = yield* select(given, yield* server.sessions)
    yield* server.deny(id)
    yield* Output.done(given.json, { session: id, outcome: "denied" }, `denied session ${id}`)
  }).pipe(running(given.json))).pipe(
    Command.withDescription("Denies a pending session of a local server, as its user would.")
  )

const completeNames: OptionNames = [
  ["sessionUri", "--session"],
  ["userIdentifier.userToken", "--user-token"],
  ["userIdentifier.userId", "--user"]
]

const completeOptions = {
  session: required(
    "session",
    "SESSION",
    "the return URL of the session, or its decoded session_id parameter, or - to read one of them from standard input; " +
      "for a local server also the number of the session, which is completed as its own user"
  ),
  user: User.options.user,
  userToken: User.options.userToken,
  ...Client.common
}

interface CompleteOptions extends Command.Command.ParseConfig<typeof completeOptions> {}

const numberOf = (session: string) => /^\d+$/.test(session) ? Option.some(Number(session)) : Option.none()

const checkComplete = ({ session, user, userToken }: CompleteOptions) =>
  session === "-" && Option.contains(userToken, "-")
    ? Effect.fail(
      Output.usageInvalid("--session and --user-token cannot both be standard input: pass --user-token in a file")
    )
    : requireUser({ user, userToken })

/** The URI of the session: the text itself, or the parameter `session_id` of a return URL. */
const sessionUriOf = (text: string) => {
  const url = parseUrl(text)
  if (Option.isNone(url) || url.value.protocol === "urn:") return Effect.succeed(Redacted.make(text))
  const id = url.value.searchParams.get("session_id")
  return id === null
    ? Effect.fail(
      Output.usageInvalid(
        "--session: this URL has no parameter session_id: pass the URL at which the browser arrives after the approval"
      )
    )
    : Effect.succeed(Redacted.make(id))
}

const completeByUri = (given: CompleteOptions) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const text = given.session === "-" ? yield* Input.secret("-", "the session") : Redacted.make(given.session)
      const sessionUri = yield* sessionUriOf(Redacted.value(text).trim())
      const jwt = yield* User.readToken(given.userToken)
      const userIdentifier = Option.match(jwt, {
        onSome: Credential.userToken,
        onNone: () => Credential.userId(Option.getOrElse(given.user, () => ""))
      })
      yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier })
      return yield* Output.done(given.json, { outcome: "completed" }, "completed")
    }), { check: checkComplete(given), names: completeNames })

const completeByNumber = (given: CompleteOptions, number: number) =>
  Effect.gen(function*() {
    if (Option.isSome(given.user) || Option.isSome(given.userToken)) {
      return yield* Output.usageInvalid(
        "--session with a number completes the session as its own user: omit --user and --user-token"
      )
    }
    const server = yield* LocalServer.connect(given)
    const session = yield* sessionWithNumber(number, yield* server.sessions)
    yield* hasStatus(session, ["approved"])
    yield* server.complete(number)
    return yield* completed(given.json, number)
  }).pipe(running(given.json))

const complete = Command.make("complete", completeOptions, (given) =>
  Option.match(numberOf(given.session), {
    onNone: () => completeByUri(given),
    onSome: (number) => completeByNumber(given, number)
  })).pipe(
    Command.withDescription(
      "Completes a session for the user of the workload access token, who is given by --user or --user-token. On a local " +
        "server, the number of an approved session is enough."
    )
  )

/** @internal */
export const subcommands = [list, approve, deny, complete] as const

/** @internal */
export const command = Command.make("consent").pipe(
  Command.withDescription("Completes the consent of a user, and answers consents of a local server."),
  Command.withSubcommands(subcommands)
)
