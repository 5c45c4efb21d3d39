/** The commands `token`, `api-key` and `workload-token`: credentials for the shell. */
import * as Command from "@effect/cli/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Consent from "../Consent.js"
import { operations } from "../IdentityApi.js"
import { withOptionNames } from "../internal/model/optionNames.js"
import { sessionLifetime } from "../internal/model/session.js"
import * as Client from "./client.js"
import * as Output from "./output.js"
import * as TokenRequest from "./tokenRequest.js"
import * as User from "./user.js"

const defaultPollInterval = 5

/** @internal */
export const token = Command.make(
  "token",
  { ...TokenRequest.options, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        const { flow, json, pollInterval, wait } = given
        const request = yield* TokenRequest.read(given)
        yield* TokenRequest.validate(request, flow)
        const options = { ...request, workloadAccessToken: yield* User.workloadAccessToken(identity, given) }
        const interval = Duration.seconds(Option.getOrElse(pollInterval, () => defaultPollInterval))
        const token = yield* wait && flow === "USER_FEDERATION"
          ? identity.getToken({
            ...options,
            authFlow: flow,
            consent: Consent.wait({
              onAuthUrl: (_, required) => Output.waiting(json, required),
              tokenPoller: Schedule.spaced(interval).pipe(Schedule.upTo(sessionLifetime))
            })
          })
          : identity.getToken({ ...options, authFlow: flow })
        yield* Output.secret(json, "accessToken", token)
      }), { check: TokenRequest.check(given), names: TokenRequest.names })
).pipe(
  Command.withDescription(
    "Prints an OAuth2 token and nothing else. If the consent of a user is required, the authorization URL is printed on " +
      "stderr; without --wait the exit code is 2."
  )
)

/** @internal */
export const apiKey = Command.make(
  "api-key",
  { provider: TokenRequest.options.provider, ...User.options, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        yield* Client.validate(operations.getResourceApiKey, {
          resourceCredentialProviderName: given.provider,
          workloadIdentityToken: User.anyToken
        }).pipe(Effect.mapError(withOptionNames))
        const token = yield* User.workloadAccessToken(identity, given)
        const key = yield* identity.getApiKey({ providerName: given.provider, workloadAccessToken: token })
        yield* Output.secret(given.json, "apiKey", key)
      }), { check: User.check(given), names: [...User.names, ["providerName", "--provider"]] })
).pipe(Command.withDescription("Prints an API key and nothing else."))

/** @internal */
export const workloadToken = Command.make(
  "workload-token",
  { ...User.options, ...Client.common },
  (given) =>
    Client.run(
      given,
      (identity) =>
        Effect.flatMap(
          User.workloadAccessToken(identity, given),
          (token) => Output.secret(given.json, "workloadAccessToken", token)
        ),
      { check: User.check(given), names: User.names }
    )
).pipe(
  Command.withDescription(
    "Prints a workload access token and nothing else: of the workload identity, or of the workload identity and a user."
  )
)
