/** The connection of the commands to AWS or to a local server. */
import * as Options from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as IdentityService from "../IdentityService.js"
import * as settings from "../internal/aws/settings.js"
import { isLoopbackUrl } from "../internal/lib/loopback.js"
import { type OptionNames, renameFields } from "../internal/model/optionNames.js"
import * as CliDiagnosis from "./cliDiagnosis.js"
import { CommandFailed, reporting, usageInvalid } from "./output.js"
import type { Failure } from "./output.js"

/** @internal */
export const jsonOption = Options.boolean("json").pipe(
  Options.withDescription("print JSON: results on stdout, errors on stderr (default: plain text)")
)

/** @internal */
export const common = {
  endpoint: Options.text("endpoint").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription(
      "the URL of the service (default: AWS_ENDPOINT_URL_BEDROCK_AGENTCORE and AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, " +
        "BEDROCK_AGENTCORE_DP_ENDPOINT and BEDROCK_AGENTCORE_CP_ENDPOINT, or AWS_ENDPOINT_URL; otherwise AWS)"
    ),
    Options.optional
  ),
  region: Options.text("region").pipe(
    Options.withPseudoName("REGION"),
    Options.withDescription(
      "the AWS region (default: AWS_REGION, AWS_DEFAULT_REGION or the region of the profile; us-east-1 for a local server)"
    ),
    Options.optional
  ),
  json: jsonOption
}

/** @internal */
export interface Common {
  readonly endpoint: Option.Option<string>
  readonly region: Option.Option<string>
  readonly json: boolean
}

const isGiven = (name: string) => Effect.map(Config.option(Config.nonEmptyString(name)), Option.isSome)

const options = (given: Common) =>
  Effect.gen(function*() {
    const url = Option.getOrUndefined(given.endpoint)
    const dataEndpoint = yield* settings.endpoint("data", url)
    const controlEndpoint = yield* settings.endpoint("control", url)
    const region = yield* settings.region(Option.getOrUndefined(given.region))
    if (!isLoopbackUrl(dataEndpoint) || !isLoopbackUrl(controlEndpoint)) {
      return { dataEndpoint, controlEndpoint, region }
    }
    // A local server needs a region and a signature, and by default accepts any.
    const hasCredentials = (yield* isGiven("AWS_ACCESS_KEY_ID")) || (yield* isGiven("AWS_PROFILE"))
    return {
      dataEndpoint,
      controlEndpoint,
      region: region ?? "us-east-1",
      ...(!hasCredentials && { credentials: { accessKeyId: "local", secretAccessKey: "local" } })
    }
  })

const inOptions = (names: OptionNames) => (error: Failure): Failure => {
  if (ConfigError.isConfigError(error)) {
    const invalid = CliDiagnosis.invalidOption(error)
    return invalid === undefined ? CliDiagnosis.withRegionOption(error) : usageInvalid(invalid)
  }
  return error instanceof CommandFailed ? error : renameFields(names)(error)
}

/** @internal */
export interface Arguments {
  /** Checks the combination of the options, before anything else. */
  readonly check?: Effect.Effect<void, CommandFailed> | undefined
  readonly names?: OptionNames | undefined
}

/**
 * Runs a command against the service that the options select. Loads the AWS SDK here, so that `--help` does not load it.
 */
export const run = <A, E extends Failure, R>(
  given: Common,
  use: (identity: IdentityService.IdentityService["Type"]) => Effect.Effect<A, E, R>,
  { check = Effect.void, names = [] }: Arguments = {}
) =>
  Effect.gen(function*() {
    yield* check
    const settings = yield* options(given)
    const AwsIdentity = yield* Effect.promise(() => import("../AwsIdentity.js"))
    return yield* Effect.provide(Effect.flatMap(IdentityService.IdentityService, use), AwsIdentity.layer(settings))
  }).pipe(Effect.mapError(inOptions(names)), reporting(given.json))
