/** The commands `token`, `api-key` and `consent`: credentials for the shell. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Consent from "../Consent.js"
import * as Credential from "../Credential.js"
import type { IdentityService } from "../IdentityService.js"
import type { OptionNames } from "../internal/model/optionNames.js"
import { sessionLifetime } from "../internal/model/session.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import { choice, number } from "./option.js"
import * as Output from "./output.js"

const provider = Options.text("provider").pipe(Options.withDescription("the name of the credential provider"))

const userOptions = {
  workload: Options.text("workload").pipe(Options.withDescription("the name of the workload identity")),
  user: Options.text("user").pipe(
    Options.withDescription("the id of the user, instead of --user-token"),
    Options.optional
  ),
  userToken: Options.text("user-token").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("the file with the JWT of the user, or - for standard input, instead of --user"),
    Options.optional
  )
}

interface UserOptions {
  readonly workload: string
  readonly user: Option.Option<string>
  readonly userToken: Option.Option<string>
}

// The id and the JWT may belong to different users.
const checkUser = ({ user, userToken }: Pick<UserOptions, "user" | "userToken">) =>
  Option.isSome(user) && Option.isSome(userToken)
    ? Effect.fail(Output.usageInvalid("--user and --user-token exclude each other: pass one of them"))
    : Effect.void

const userOptionNames: OptionNames = [["workloadName", "--workload"], ["userId", "--user"], [
  "userToken",
  "--user-token"
]]

const readUserToken = (given: Option.Option<string>) =>
  Effect.transposeOption(Option.map(given, (path) => Input.secret(path, "the JWT of the user")))

const workloadAccessToken = (identity: IdentityService["Type"], { user, userToken, workload }: UserOptions) =>
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

const checkFlow = (flow: Credential.Oauth2Flow, { user, userToken }: UserOptions) => {
  if (flow === "USER_FEDERATION" && Option.isNone(user) && Option.isNone(userToken)) {
    return Effect.fail(Output.usageInvalid("--flow user requires --user or --user-token"))
  }
  return flow === "ON_BEHALF_OF_TOKEN_EXCHANGE" && Option.isNone(userToken)
    ? Effect.fail(Output.usageInvalid("--flow obo requires --user-token"))
    : Effect.void
}

const tokenNames: OptionNames = [
  ...userOptionNames,
  ["providerName", "--provider"],
  ["scopes", "--scope"],
  ["authFlow", "--flow"],
  ["resources", "--resource"],
  ["audiences", "--audience"],
  ["callbackUrl", "--callback-url"],
  ["forceAuthentication", "--force"]
]

// Shorter intervals overload the service. A longer interval than the wait would never poll.
const isPollInterval = (seconds: number) => seconds >= 1 && seconds <= 600

/** @internal */
export const token = Command.make("token", {
  provider,
  scopes: Options.text("scope").pipe(
    Options.withDescription("a scope to request; may be repeated"),
    Options.repeated
  ),
  flow: choice("flow", flows).pipe(
    Options.withDescription(
      "m2m: a token of the machine; user: a token with the consent of a user (requires --user or --user-token); obo: a " +
        "token on behalf of a user (requires --user-token)"
    )
  ),
  ...userOptions,
  resources: Options.text("resource").pipe(
    Options.withDescription("a resource indicator (RFC 8707); may be repeated"),
    Options.repeated
  ),
  audiences: Options.text("audience").pipe(
    Options.withDescription("an audience of the token; may be repeated"),
    Options.repeated
  ),
  callbackUrl: Options.text("callback-url").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription(
      "the registered return URL of the consent; required for --flow user unless the token is stored"
    ),
    Options.optional
  ),
  force: Options.boolean("force").pipe(Options.withDescription("request a new consent, and discard the stored token")),
  wait: Options.boolean("wait").pipe(
    Options.withDescription("wait for the consent of the user, for at most 10 minutes")
  ),
  pollInterval: number("poll-interval", "1 to 600 seconds", isPollInterval).pipe(
    Options.withPseudoName("SECONDS"),
    Options.withDescription("the time between two polls of --wait: 1 to 600 (default: 5)"),
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
      const interval = Duration.seconds(given.pollInterval)
      const token = yield* given.wait && flow === "USER_FEDERATION"
        ? identity.getToken({
          ...options,
          authFlow: flow,
          consent: Consent.wait({
            onAuthUrl: (_, required) => Output.consent(json, required),
            tokenPoller: Schedule.spaced(interval).pipe(Schedule.upTo(sessionLifetime))
          })
        })
        : identity.getToken({ ...options, authFlow: flow })
      yield* Output.secret(json, "accessToken", token)
    }), { check: Effect.zipRight(checkUser(given), checkFlow(given.flow, given)), names: tokenNames })).pipe(
    Command.withDescription(
      "Prints an OAuth2 token and nothing else. If the consent of a user is required, the authorization URL is printed on " +
        "stderr; without --wait the exit code is 2."
    )
  )

/** @internal */
export const apiKey = Command.make(
  "api-key",
  { provider, ...userOptions, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const token = yield* workloadAccessToken(identity, given)
        const key = yield* identity.getApiKey({ providerName: given.provider, workloadAccessToken: token })
        yield* Output.secret(given.json, "apiKey", key)
      }), { check: checkUser(given), names: [...userOptionNames, ["providerName", "--provider"]] })
).pipe(Command.withDescription("Prints an API key and nothing else."))

const requireUser = (given: Pick<UserOptions, "user" | "userToken">) =>
  Option.isNone(given.user) && Option.isNone(given.userToken)
    ? Effect.fail(Output.usageInvalid("--user or --user-token is required"))
    : checkUser(given)

const completeNames: OptionNames = [
  ["sessionUri", "--session"],
  ["userIdentifier.userToken", "--user-token"],
  ["userIdentifier.userId", "--user"]
]

const complete = Command.make("complete", {
  session: Options.text("session").pipe(
    Options.withPseudoName("URI"),
    Options.withDescription("the decoded session_id parameter of the return URL")
  ),
  user: userOptions.user,
  userToken: userOptions.userToken,
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      const jwt = yield* readUserToken(given.userToken)
      const userIdentifier = Option.match(jwt, {
        onSome: Credential.userToken,
        onNone: () => Credential.userId(Option.getOrElse(given.user, () => ""))
      })
      yield* identity.completeResourceTokenAuth({ sessionUri: Redacted.make(given.session), userIdentifier })
      return yield* Output.done(given.json, { outcome: "completed" }, "completed")
    }), { check: requireUser(given), names: completeNames })).pipe(
    Command.withDescription("Completes a session for the user of the workload access token.")
  )

/** @internal */
export const consent = Command.make("consent").pipe(
  Command.withDescription("Completes the consent of a user."),
  Command.withSubcommands([complete])
)
