/** The connection of the commands to AWS or to a local server. */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ValidationError } from "../IdentityError.js"
import * as IdentityService from "../IdentityService.js"
import * as settings from "../internal/aws/settings.js"
import { isLoopbackUrl } from "../internal/lib/loopback.js"
import { parseUrl } from "../internal/lib/url.js"
import { type OptionNames, renameFields } from "../internal/model/optionNames.js"
import * as validation from "../internal/model/validation.js"
import type { ModelledTag, Operation } from "../Operation.js"
import * as CliDiagnosis from "./cliDiagnosis.js"
import { flag, optional } from "./option.js"
import { CommandFailed, Exited, reporting, usageInvalid } from "./output.js"
import type { Failure } from "./output.js"

/** @internal */
export const jsonOption = flag("json", "print JSON: results on stdout, errors on stderr; otherwise plain text")

/** @internal */
export const common = {
  endpoint: optional(
    "endpoint",
    "URL",
    "the URL of the service",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE and AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, BEDROCK_AGENTCORE_DP_ENDPOINT " +
      "and BEDROCK_AGENTCORE_CP_ENDPOINT, or AWS_ENDPOINT_URL; otherwise AWS"
  ),
  region: optional(
    "region",
    "REGION",
    "the AWS region",
    "AWS_REGION, AWS_DEFAULT_REGION or the region of the profile; us-east-1 for a local server"
  ),
  json: jsonOption
}

/** @internal */
export interface Common {
  readonly endpoint: Option.Option<string>
  readonly region: Option.Option<string>
  readonly json: boolean
}

const variable = (name: string) => Effect.map(Config.option(Config.nonEmptyString(name)), Option.getOrUndefined)

/**
 * The credentials for a local server, which by default accepts any. They never come from a profile, which would have to be
 * usable.
 */
const localCredentials = Effect.gen(function*() {
  const accessKeyId = yield* variable("AWS_ACCESS_KEY_ID")
  const secretAccessKey = yield* variable("AWS_SECRET_ACCESS_KEY")
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    return { accessKeyId: "local", secretAccessKey: "local" }
  }
  const sessionToken = yield* variable("AWS_SESSION_TOKEN")
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
})

const options = (given: Common) =>
  Effect.gen(function*() {
    const url = Option.getOrUndefined(given.endpoint)
    const dataEndpoint = yield* settings.endpoint("data", url)
    const controlEndpoint = yield* settings.endpoint("control", url)
    const region = yield* settings.region(Option.getOrUndefined(given.region))
    if (!isLoopbackUrl(dataEndpoint) || !isLoopbackUrl(controlEndpoint)) {
      return { dataEndpoint, controlEndpoint, region }
    }
    return { dataEndpoint, controlEndpoint, region: region ?? "us-east-1", credentials: yield* localCredentials }
  })

/** Validates a request that is sent after another one, so that nothing is sent if it is invalid. */
export const validate = <A, I, B, J, Tag extends ModelledTag>(
  operation: Operation<A, I, B, J, Tag>,
  request: A
): Effect.Effect<void, ValidationError> => Effect.asVoid(validation.encode(operation)(request))

/** Reports an error by the names of the options. */
export const inOptions = (names: OptionNames) => (error: Failure): Failure => {
  if (ConfigError.isConfigError(error)) {
    const invalid = CliDiagnosis.invalidOption(error)
    return invalid === undefined ? CliDiagnosis.withRegionOption(error) : usageInvalid(invalid)
  }
  return error instanceof CommandFailed ? error : renameFields(names)(error)
}

/** The origin of a local server. AWS answers by https only, and no local server has the name of an AWS host. */
const localServer = (endpoint: string | undefined): string | undefined =>
  Option.getOrUndefined(
    Option.map(
      Option.filter(
        parseUrl(endpoint),
        (url) => !isAwsHost(url.hostname) && (url.protocol === "http:" || isLoopbackUrl(url.href))
      ),
      ({ origin }) => origin
    )
  )

/** Tests if a host belongs to AWS. */
export const isAwsHost = (hostname: string): boolean =>
  /(?:^|\.)(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|aws\.dev|on\.aws|amazonwebservices\.com\.cn)\.?$/i
    .test(hostname)

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
    const profile = yield* variable("AWS_PROFILE")
    const AwsIdentity = yield* Effect.promise(() => import("../AwsIdentity.js"))
    return yield* Effect.flatMap(IdentityService.IdentityService, use).pipe(
      Effect.provide(AwsIdentity.layer(settings)),
      Effect.mapError((error) => CliDiagnosis.withProfile(profile)(inOptions(names)(error))),
      reporting(given.json, localServer(settings.dataEndpoint))
    )
  }).pipe(
    Effect.mapError((error) => error instanceof Exited ? error : inOptions(names)(error)),
    reporting(given.json)
  )
