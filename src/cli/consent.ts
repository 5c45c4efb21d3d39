/** The command `consent`: completes a consent, and answers consents of a local server. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Credential from "../Credential.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import * as LocalServer from "./localServer.js"
import { flag, number, optional, optionalValue, required } from "./option.js"
import * as Output from "./output.js"
import * as User from "./user.js"

const requireUser = (given: Pick<User.Options, "user" | "userToken">) =>
  Option.isNone(given.user) && Option.isNone(given.userToken)
    ? Effect.fail(Output.usageInvalid("--user or --user-token is required"))
    : User.check(given)

const completeNames: OptionNames = [
  ["sessionUri", "--session"],
  ["userIdentifier.userToken", "--user-token"],
  ["userIdentifier.userId", "--user"]
]

const complete = Command.make("complete", {
  session: required("session", "URI", "the decoded session_id parameter of the return URL"),
  user: User.options.user,
  userToken: User.options.userToken,
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const jwt = yield* User.readToken(given.userToken)
      const userIdentifier = Option.match(jwt, {
        onSome: Credential.userToken,
        onNone: () => Credential.userId(Option.getOrElse(given.user, () => ""))
      })
      yield* identity.completeResourceTokenAuth({ sessionUri: Redacted.make(given.session), userIdentifier })
      return yield* Output.done(given.json, { outcome: "completed" }, "completed")
    }), { check: requireUser(given), names: completeNames })).pipe(
    Command.withDescription("Completes a session for the user of the workload access token.")
  )

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

/** The pending session that the options select. */
const select = (given: Selectors, sessions: ReadonlyArray<LocalServer.Session>) =>
  Effect.gen(function*() {
    if (Option.isSome(given.session)) {
      const { value: number } = given.session
      const found = sessions.find(({ id }) => id === number)
      if (found === undefined) {
        return yield* notPending(
          `there is no session ${number}: 'agentcore-identity consent list' prints the numbers`
        )
      }
      return found.status === "pending"
        ? found
        : yield* notPending(`session ${found.id} is ${found.status}, not pending: request the token again`)
    }
    const pending = sessions.filter((session) => session.status === "pending" && isSelected(given, session))
    const [first, second] = pending
    if (first === undefined) {
      return yield* notPending(
        "no pending session is selected: request a token with --flow user first, or see 'agentcore-identity consent list'"
      )
    }
    return second === undefined
      ? first
      : yield* notPending(
        `several pending sessions are selected: pass the number of one as --session: ${
          pending.map(({ id }) => id).join(", ")
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

const approve = Command.make("approve", {
  ...selectors,
  complete: flag("complete", "also complete the session as its user, as the page at the return URL does"),
  ...local
}, (given) =>
  Effect.gen(function*() {
    yield* checkSelectors(given)
    const server = yield* LocalServer.connect(given)
    const { id } = yield* select(given, yield* server.sessions)
    const returnUrl = yield* server.approve(id, given.complete)
    yield* given.complete
      ? Output.done(given.json, { session: id, outcome: "completed" }, `completed session ${id}`)
      : Output.secret(given.json, "returnUrl", returnUrl)
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

/** @internal */
export const subcommands = [list, approve, deny, complete] as const

/** @internal */
export const command = Command.make("consent").pipe(
  Command.withDescription("Completes the consent of a user, and answers consents of a local server."),
  Command.withSubcommands(subcommands)
)
