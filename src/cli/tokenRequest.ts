/** How the options of `token` fill the request of `GetResourceOauth2Token`. */
import type * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import type { Oauth2Flow } from "../Credential.js"
import { operations, type Request } from "../IdentityApi.js"
import { type OptionNames, withOptionNames } from "../internal/model/optionNames.js"
import type { TokenOptions } from "../TokenOptions.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import { choice, flag, number, optional, optionalValue, repeated, required, requiredValue } from "./option.js"
import { type CommandFailed, usageInvalid } from "./output.js"
import * as User from "./user.js"

const flows: ReadonlyArray<readonly [text: string, flow: Oauth2Flow]> = [
  ["m2m", "M2M"],
  ["user", "USER_FEDERATION"],
  ["obo", "ON_BEHALF_OF_TOKEN_EXCHANGE"]
]

const pollInterval = number("SECONDS", "1 to 600 seconds", (seconds) =>
  // Shorter intervals overload the service. A longer interval than the wait would never poll.
  seconds >= 1 && seconds <= 600)

/** @internal */
export const options = {
  provider: required("provider", "NAME", "the name of the credential provider"),
  scopes: repeated("scope", "SCOPE", "a scope to request"),
  flow: requiredValue(
    "flow",
    choice(flows),
    "m2m: a token of the machine; user: a token with the consent of a user, requires --user or --user-token; obo: a token " +
      "on behalf of a user, requires --user-token"
  ),
  ...User.options,
  resources: repeated("resource", "URI", "a resource indicator (RFC 8707)"),
  audiences: repeated("audience", "AUDIENCE", "an audience of the token"),
  customParameters: repeated(
    "custom-parameter",
    "KEY=VALUE",
    "a parameter to add to the request to the authorization server, such as access_type=offline"
  ),
  callbackUrl: optional(
    "callback-url",
    "URL",
    "the registered return URL of the consent, for --flow user; required unless the token is stored"
  ),
  customState: optional(
    "custom-state",
    "FILE",
    "the file with the value of state at the return URL, or - for standard input, for --flow user"
  ),
  force: flag("force", "discard the stored token and request another; with --flow user this requires consent again"),
  wait: flag("wait", "wait for the consent of the user, for at most 10 minutes, for --flow user"),
  pollInterval: optionalValue(
    "poll-interval",
    pollInterval,
    "the time between two polls of --wait, 1 to 600 seconds",
    "5 seconds"
  )
}

/** @internal */
export interface Given extends Command.Command.ParseConfig<typeof options> {}

/** The flows that use an option, if not all of them do. */
interface Limit {
  readonly flows: ReadonlyArray<Oauth2Flow>
  readonly isGiven: (given: Given) => boolean
}

interface Filled {
  readonly option: `--${string}`
  /** The name of the member in the errors of `IdentityService`. */
  readonly name: keyof TokenOptions | "authFlow"
  readonly only?: Limit
}

interface NotAnOption {
  readonly reason: string
}

const isUserFlow: ReadonlyArray<Oauth2Flow> = ["USER_FEDERATION"]

/**
 * The option for each member of the request. A member without an option states the reason. The compiler reports a member
 * that is missing here.
 */
export const members: { readonly [Member in keyof Request<"getResourceOauth2Token">]-?: Filled | NotAnOption } = {
  workloadIdentityToken: {
    reason: "a secret that the command requests itself, for --workload and --user or --user-token"
  },
  resourceCredentialProviderName: { option: "--provider", name: "providerName" },
  scopes: { option: "--scope", name: "scopes" },
  oauth2Flow: { option: "--flow", name: "authFlow" },
  sessionUri: {
    reason: "a secret of the session that the command itself opened: --wait sends it in each poll"
  },
  resourceOauth2ReturnUrl: {
    option: "--callback-url",
    name: "callbackUrl",
    only: { flows: isUserFlow, isGiven: ({ callbackUrl }) => Option.isSome(callbackUrl) }
  },
  forceAuthentication: {
    option: "--force",
    name: "forceAuthentication",
    // The token of an exchange is never stored.
    only: { flows: ["M2M", "USER_FEDERATION"], isGiven: ({ force }) => force }
  },
  customParameters: { option: "--custom-parameter", name: "customParameters" },
  customState: {
    option: "--custom-state",
    name: "customState",
    only: { flows: isUserFlow, isGiven: ({ customState }) => Option.isSome(customState) }
  },
  resources: { option: "--resource", name: "resources" },
  audiences: { option: "--audience", name: "audiences" }
}

const filled: ReadonlyArray<Filled> = Record.values(members).filter((member) => "option" in member)

/** The options that fill no member and apply to one flow. */
const others: ReadonlyArray<Pick<Filled, "option"> & { readonly only: Limit }> = [
  { option: "--wait", only: { flows: isUserFlow, isGiven: ({ wait }) => wait } },
  {
    option: "--poll-interval",
    only: { flows: isUserFlow, isGiven: ({ pollInterval }) => Option.isSome(pollInterval) }
  }
]

/** @internal */
export const names: OptionNames = [
  ...User.names,
  ...filled.map(({ name, option }) => [name, option] as const)
]

const textOf = (flow: Oauth2Flow) => flows.find(([, one]) => one === flow)?.[0] ?? flow

const findMisplaced = (given: Given) =>
  [...filled, ...others].find(({ only }) =>
    only !== undefined && only.isGiven(given) && !only.flows.includes(given.flow)
  )

/** Reports options that the flow does not use, and those that it requires. */
export const check = (given: Given): Effect.Effect<void, CommandFailed> =>
  Effect.gen(function*() {
    const { customState, flow, pollInterval, user, userToken, wait } = given
    yield* User.check(given)
    const misplaced = findMisplaced(given)
    if (misplaced?.only !== undefined) {
      return yield* usageInvalid(
        `${misplaced.option} requires --flow ${misplaced.only.flows.map(textOf).join(" or ")}, got --flow ${
          textOf(flow)
        }`
      )
    }
    if (Option.isSome(pollInterval) && !wait) return yield* usageInvalid("--poll-interval requires --wait")
    if (flow === "USER_FEDERATION" && Option.isNone(user) && Option.isNone(userToken)) {
      return yield* usageInvalid("--flow user requires --user or --user-token")
    }
    if (flow === "ON_BEHALF_OF_TOKEN_EXCHANGE" && Option.isNone(userToken)) {
      return yield* usageInvalid("--flow obo requires --user-token")
    }
    if (Option.contains(userToken, "-") && Option.contains(customState, "-")) {
      return yield* usageInvalid(
        "--user-token and --custom-state cannot both be standard input: pass one of them in a file"
      )
    }
    yield* parameters(given)
  })

/** Parses parameters in the form `KEY=VALUE`. The error does not contain the value, which may be a secret. */
const parameters = ({ customParameters }: Given) =>
  Effect.gen(function*() {
    const pairs = yield* Effect.forEach(customParameters, (text) => {
      const [, key, value] = /^([^=]+)=(.+)$/s.exec(text) ?? []
      return key === undefined || value === undefined
        ? usageInvalid("--custom-parameter: expected KEY=VALUE")
        : Effect.succeed([key, value] as const)
    })
    const repeated = pairs.find(([key], index) => pairs.findIndex(([first]) => first === key) !== index)
    return repeated === undefined
      ? Record.fromEntries(pairs)
      : yield* usageInvalid(`--custom-parameter: the key '${repeated[0]}' is given more than once: pass it once`)
  })

/** The options of the request, without the flow and the workload access token. */
export const read = (given: Given) =>
  Effect.gen(function*() {
    const { audiences, callbackUrl, customParameters, customState, force, provider, resources, scopes } = given
    const state = yield* Effect.transposeOption(
      Option.map(customState, (path) => Input.secret(path, "the custom state"))
    )
    const options: TokenOptions = {
      providerName: provider,
      scopes,
      ...(resources.length > 0 && { resources }),
      ...(audiences.length > 0 && { audiences }),
      ...(customParameters.length > 0 && { customParameters: yield* parameters(given) }),
      callbackUrl: Option.getOrUndefined(callbackUrl),
      customState: Option.getOrUndefined(state),
      ...(force && { forceAuthentication: true })
    }
    return options
  })

const redacted = (value: string | Redacted.Redacted) => typeof value === "string" ? Redacted.make(value) : value

/** Validates the request before the workload access token is requested, so that nothing is sent if an option is invalid. */
export const validate = (
  { audiences, callbackUrl, customParameters, customState, forceAuthentication, providerName, resources, scopes }:
    TokenOptions,
  oauth2Flow: Oauth2Flow
) =>
  Client.validate(operations.getResourceOauth2Token, {
    workloadIdentityToken: User.anyToken,
    resourceCredentialProviderName: providerName,
    scopes,
    oauth2Flow,
    resources,
    audiences,
    resourceOauth2ReturnUrl: callbackUrl,
    customParameters: customParameters && Record.map(customParameters, redacted),
    customState: customState === undefined ? undefined : redacted(customState),
    forceAuthentication
  }).pipe(Effect.mapError(withOptionNames))
