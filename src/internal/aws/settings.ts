/** Region and endpoints: from an option, from `Config` of Effect, or from the SDK. */
import type * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { parseUrl } from "../lib/url.js"

// A value and the name of its option or variable.
interface Setting {
  readonly name: string
  readonly value: string
}

interface Source {
  readonly option: string
  readonly given: string | undefined
  readonly variables: Arr.NonEmptyReadonlyArray<string>
}

const variable = (name: string): Config.Config<Setting> =>
  Config.map(Config.nonEmptyString(name), (value) => ({ name, value }))

// An empty string is treated as absent.
const setting = ({ given, option, variables: [first, ...rest] }: Source): Config.Config<Option.Option<Setting>> =>
  given === undefined || given === ""
    ? Config.option(rest.reduce((found, name) => Config.orElse(found, () => variable(name)), variable(first)))
    : Config.succeed(Option.some({ name: option, value: given }))

// The error does not contain the value, since a URL may contain a password.
const checked = (found: Config.Config<Option.Option<Setting>>, holds: (value: string) => boolean, message: string) =>
  Effect.flatMap(found, (setting) => {
    if (Option.isNone(setting)) return Effect.succeed(undefined)
    const { name, value } = setting.value
    return holds(value) ? Effect.succeed(value) : Effect.fail(ConfigError.InvalidData([name], message))
  })

// Characters of a host name.
const isRegion = (value: string) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(value)

/**
 * Reads the region from the option, then from the two variables. Older tools use `AWS_DEFAULT_REGION`; the SDK does not read it.
 */
export const region = (given: string | undefined): Effect.Effect<string | undefined, ConfigError.ConfigError> =>
  checked(
    setting({ option: "region", given, variables: ["AWS_REGION", "AWS_DEFAULT_REGION"] }),
    isRegion,
    "expected the name of an AWS region"
  )

/** Reads the region from the chain of the SDK, which includes the AWS profile. */
export const regionOf = (client: {
  readonly config: { readonly region: () => Promise<string> }
}): Effect.Effect<string, ConfigError.ConfigError> =>
  Effect.tryPromise({
    try: () => client.config.region(),
    catch: () =>
      ConfigError.MissingData(
        ["AWS_REGION"],
        "no AWS region: pass the option `region`, or set AWS_REGION or AWS_DEFAULT_REGION, or `region` in the profile"
      )
  })

const endpoints = {
  data: {
    option: "dataEndpoint",
    service: "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
    python: "BEDROCK_AGENTCORE_DP_ENDPOINT"
  },
  control: {
    option: "controlEndpoint",
    service: "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
    python: "BEDROCK_AGENTCORE_CP_ENDPOINT"
  }
}

const ignored = Config.map(
  Config.option(Config.nonEmptyString("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")),
  Option.exists((value) => value.toLowerCase() === "true")
)

const isHttpUrl = (value: string) =>
  Option.exists(parseUrl(value), ({ protocol }) => protocol === "https:" || protocol === "http:")

/**
 * Reads the endpoint from the option, then from the variable of AWS for the service, that of the Python SDK, and that of AWS for
 * all services. Without them the SDK uses the profile, then the endpoint of the region. If
 * `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`, the variables of AWS are ignored.
 */
export const endpoint = (
  plane: keyof typeof endpoints,
  given: string | undefined
): Effect.Effect<string | undefined, ConfigError.ConfigError> =>
  Effect.flatMap(ignored, (ignored) => {
    const { option, python, service } = endpoints[plane]
    const variables: Source["variables"] = ignored ? [python] : [service, python, "AWS_ENDPOINT_URL"]
    return checked(setting({ option, given, variables }), isHttpUrl, "expected an http or https URL")
  })
