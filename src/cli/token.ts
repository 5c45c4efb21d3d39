/**
 * `token`, `api-key` and `consent`: credentials for the shell.
 */
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
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
import * as Output from "./output.js"

const provider = Options.text("provider").pipe(Options.withDescription("the credential provider, by name"))

const who = {
  workload: Options.text("workload").pipe(Options.withDescription("the workload identity, by name")),
  user: Options.text("user").pipe(Options.withDescription("the user's id, instead of --user-token"), Options.optional),
  userToken: Options.text("user-token").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("the file of the user's JWT, or - for standard input, instead of --user"),
    Options.optional
  )
}

interface Who {
  readonly workload: string
  readonly user: Option.Option<string>
  readonly userToken: Option.Option<string>
}

// Who is given twice may be two people.
const checkWho = ({ user, userToken }: Pick<Who, "user" | "userToken">) =>
  Option.isSome(user) && Option.isSome(userToken)
    ? Effect.fail(Output.usageInvalid("--user and --user-token exclude each other: give one of them"))
    : Effect.void

const whoNames: OptionNames = [["workloadName", "--workload"], ["userId", "--user"], ["userToken", "--user-token"]]

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

const checkFlow = (flow: Credential.Oauth2Flow, { user, userToken }: Who) => {
  if (flow === "USER_FEDERATION" && Option.isNone(user) && Option.isNone(userToken)) {
    return Effect.fail(Output.usageInvalid("--flow user needs --user or --user-token"))
  }
  return flow === "ON_BEHALF_OF_TOKEN_EXCHANGE" && Option.isNone(userToken)
    ? Effect.fail(Output.usageInvalid("--flow obo needs --user-token"))
    : Effect.void
}

const tokenNames: OptionNames = [
  ...whoNames,
  ["providerName", "--provider"],
  ["scopes", "--scope"],
  ["authFlow", "--flow"],
  ["resources", "--resource"],
  ["audiences", "--audience"],
  ["callbackUrl", "--callback-url"],
  ["forceAuthentication", "--force"]
]

// More often than once in a second hammers the service, and more seldom than the wait is long never looks.
const isPollInterval = (seconds: number) => seconds >= 1 && seconds <= 600

/** @internal */
export const token = Command.make("token", {
  provider,
  scopes: Options.text("scope").pipe(
    Options.withDescription("what it should allow; repeat for more"),
    Options.repeated
  ),
  flow: Options.choiceWithValue("flow", flows).pipe(
    Options.withDescription(
      "whose token: the machine's, a user's by consent (needs --user or --user-token), or on behalf of a user's JWT " +
        "(needs --user-token)"
    )
  ),
  ...who,
  resources: Options.text("resource").pipe(
    Options.withDescription("a resource indicator (RFC 8707)"),
    Options.repeated
  ),
  audiences: Options.text("audience").pipe(Options.withDescription("an intended recipient"), Options.repeated),
  callbackUrl: Options.text("callback-url").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription(
      "where the user's browser goes afterwards; --flow user needs it to ask, and it has to be registered"
    ),
    Options.optional
  ),
  force: Options.boolean("force").pipe(Options.withDescription("ask the user again, and forget what is stored")),
  wait: Options.boolean("wait").pipe(Options.withDescription("wait for the user's consent, for at most 10 minutes")),
  // Not `float`, which does not say which option it found wrong.
  pollInterval: Options.text("poll-interval").pipe(
    Options.mapEffect((text) =>
      isPollInterval(Number(text))
        ? Effect.succeed(Number(text))
        : Effect.fail(ValidationError.invalidValue(HelpDoc.p("--poll-interval: expected 1 to 600 seconds")))
    ),
    Options.withPseudoName("SECONDS"),
    Options.withDescription("with --wait, how long to wait between two looks: 1 to 600 (default: 5)"),
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
    }), { check: Effect.zipRight(checkWho(given), checkFlow(given.flow, given)), names: tokenNames })).pipe(
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
      }), { check: checkWho(given), names: [...whoNames, ["providerName", "--provider"]] })
).pipe(Command.withDescription("Prints an API key, and nothing else."))

const checkSomebody = (given: Pick<Who, "user" | "userToken">) =>
  Option.isNone(given.user) && Option.isNone(given.userToken)
    ? Effect.fail(Output.usageInvalid("give --user or --user-token"))
    : checkWho(given)

const completeNames: OptionNames = [
  ["sessionUri", "--session"],
  ["userIdentifier.userToken", "--user-token"],
  ["userIdentifier.userId", "--user"]
]

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
        onSome: Credential.userToken,
        onNone: () => Credential.userId(Option.getOrElse(given.user, () => ""))
      })
      yield* identity.completeResourceTokenAuth({ sessionUri: Redacted.make(given.session), userIdentifier })
      return yield* Output.done(given.json, { outcome: "completed" }, "completed")
    }), { check: checkSomebody(given), names: completeNames })).pipe(
    Command.withDescription("Finishes a consent, for the very user that the workload access token was minted for.")
  )

/** @internal */
export const consent = Command.make("consent").pipe(
  Command.withDescription("A user's consent."),
  Command.withSubcommands([complete])
)
