/**
 * `token`, `api-key` and `consent`: credentials for the shell.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Credential from "../Credential.js"
import type { IdentityService } from "../IdentityService.js"
import * as TokenPoller from "../TokenPoller.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import * as Output from "./output.js"

const provider = Options.text("provider").pipe(Options.withDescription("the credential provider, by name"))

const who = {
  workload: Options.text("workload").pipe(Options.withDescription("the workload identity, by name")),
  user: Options.text("user").pipe(Options.withDescription("the user's id"), Options.optional),
  userToken: Options.text("user-token").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("the file of the user's JWT, or - for standard input"),
    Options.optional
  )
}

interface Who {
  readonly workload: string
  readonly user: Option.Option<string>
  readonly userToken: Option.Option<string>
}

const readUserToken = (given: Option.Option<string>) =>
  Effect.transposeOption(Option.map(given, (path) => Input.secret(path, "the user's JWT")))

const workloadAccessToken = (identity: IdentityService["Type"], { user, userToken, workload }: Who) =>
  Effect.flatMap(readUserToken(userToken), (jwt) =>
    identity.getWorkloadAccessToken({
      workloadName: workload,
      userId: Option.isSome(jwt) ? undefined : Option.getOrUndefined(user),
      userToken: Option.getOrUndefined(jwt)
    }))

const flows: ReadonlyArray<[string, Credential.Oauth2Flow]> = [
  ["m2m", "M2M"],
  ["user", "USER_FEDERATION"],
  ["obo", "ON_BEHALF_OF_TOKEN_EXCHANGE"]
]

/** @internal */
export const token = Command.make("token", {
  provider,
  scopes: Options.text("scope").pipe(
    Options.withDescription("what it should allow; repeat for more"),
    Options.repeated
  ),
  flow: Options.choiceWithValue("flow", flows).pipe(
    Options.withDescription("whose token: the machine's, a user's by consent, or on behalf of a user's JWT")
  ),
  ...who,
  resources: Options.text("resource").pipe(
    Options.withDescription("a resource indicator (RFC 8707)"),
    Options.repeated
  ),
  audiences: Options.text("audience").pipe(Options.withDescription("an intended recipient"), Options.repeated),
  callbackUrl: Options.text("callback-url").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription("where the user's browser goes afterwards; it has to be registered"),
    Options.optional
  ),
  force: Options.boolean("force").pipe(Options.withDescription("ask the user again, and forget what is stored")),
  wait: Options.boolean("wait").pipe(Options.withDescription("wait for the user's consent, for at most 10 minutes")),
  pollInterval: Options.float("poll-interval").pipe(
    Options.withPseudoName("SECONDS"),
    Options.withDescription("how long to wait between two looks"),
    Options.withDefault(5)
  ),
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const { flow, json, provider, scopes } = given
      const options = {
        workloadAccessToken: yield* workloadAccessToken(identity, given),
        providerName: provider,
        scopes,
        ...(given.resources.length > 0 && { resources: given.resources }),
        ...(given.audiences.length > 0 && { audiences: given.audiences }),
        callbackUrl: Option.getOrUndefined(given.callbackUrl),
        ...(given.force && { forceAuthentication: true })
      }
      const interval = Duration.seconds(Math.max(given.pollInterval, 0.05))
      const token = yield* given.wait && flow === "USER_FEDERATION"
        ? identity.getToken({
          ...options,
          authFlow: flow,
          onAuthUrl: (_, required) => Output.consent(json, required),
          tokenPoller: TokenPoller.fromSchedule(Schedule.spaced(interval).pipe(Schedule.upTo("10 minutes")))
        })
        : identity.getToken({ ...options, authFlow: flow })
      yield* Output.secret(json, "accessToken", token)
    }))).pipe(
    Command.withDescription(
      "Prints an OAuth2 token, and nothing else. Where a user has to consent, their URL goes to stderr; " +
        "without --wait the exit code is 2."
    )
  )

/** @internal */
export const apiKey = Command.make(
  "api-key",
  { provider, ...who, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const token = yield* workloadAccessToken(identity, given)
        const key = yield* identity.getApiKey({ providerName: given.provider, workloadAccessToken: token })
        yield* Output.secret(given.json, "apiKey", key)
      }))
).pipe(Command.withDescription("Prints an API key, and nothing else."))

const complete = Command.make("complete", {
  session: Options.text("session").pipe(
    Options.withPseudoName("URI"),
    Options.withDescription("the session_id with which the browser came back, decoded")
  ),
  user: who.user,
  userToken: who.userToken,
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const jwt = yield* readUserToken(given.userToken)
      const userIdentifier = Option.match(jwt, {
        onSome: Credential.UserTokenIdentifier,
        onNone: () => Credential.UserIdIdentifier(Option.getOrElse(given.user, () => ""))
      })
      if (Option.isNone(jwt) && Option.isNone(given.user)) {
        return yield* new Output.CommandFailed({ reason: "InputInvalid", message: "give --user or --user-token" })
      }
      yield* identity.completeResourceTokenAuth({ sessionUri: Redacted.make(given.session), userIdentifier })
      return yield* Output.done(given.json, { outcome: "completed" }, "completed")
    }))).pipe(
    Command.withDescription("Finishes a consent, for the very user that the workload access token was minted for.")
  )

/** @internal */
export const consent = Command.make("consent").pipe(
  Command.withDescription("A user's consent."),
  Command.withSubcommands([complete])
)
