/** The command `serve`: a local server for any AWS SDK. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import { isIP } from "node:net"
import { IdentityControls } from "../IdentityControls.js"
import { isLoopback, isLoopbackAddress } from "../internal/lib/loopback.js"
import { expectedText, fromText } from "../internal/model/issuerChoice.js"
import * as PublicUrl from "../internal/web/publicUrl.js"
import * as Authority from "./authority.js"
import * as Backend from "./backend.js"
import * as CallLog from "./callLog.js"
import { jsonOption } from "./client.js"
import { choice, number, optional, optionalValue, repeated, type Value, valueOr } from "./option.js"
import * as Output from "./output.js"
import { CommandFailed, reporting, usageInvalid } from "./output.js"
import * as PersistedClock from "./persistedClock.js"
import * as Quota from "./quota.js"
import * as Seed from "./seed.js"

const Signature = Schema.Redacted(
  Schema.String.pipe(Schema.pattern(/^[^:/,\s]+:\S+$/, { message: () => "expected KEY:SECRET" }))
)

const signatureOf = (given: Redacted.Redacted): Backend.Signature => {
  const text = Redacted.value(given)
  const colon = text.indexOf(":")
  return { accessKeyId: text.slice(0, colon), secretAccessKey: Redacted.make(text.slice(colon + 1)) }
}

const issuerOf = (given: string) => {
  const [, name = "", text = ""] = /^([^=]+)=(.+)$/.exec(given) ?? []
  return Effect.mapBoth(fromText(text), {
    onSuccess: (choice) => [name, choice] as const,
    onFailure: () => usageInvalid(`--issuer: expected NAME=ISSUER, where ISSUER is ${expectedText}`)
  })
}

const levels: ReadonlyArray<[string, LogLevel.LogLevel]> = [
  ["debug", LogLevel.Debug],
  ["info", LogLevel.Info],
  ["warning", LogLevel.Warning],
  ["error", LogLevel.Error],
  ["none", LogLevel.None]
]

const matching = (placeholder: string, expected: string, pattern: RegExp): Value<string> => ({
  placeholder,
  expected,
  parse: (text) => pattern.test(text) ? text : undefined
})

const port = number(
  "PORT",
  "a whole number from 0 to 65535",
  (port) => Number.isInteger(port) && port >= 0 && port <= 65_535
)

const options = {
  host: valueOr("host", matching("HOST", "an address", /^/), "the address to listen on", "127.0.0.1"),
  port: valueOr("port", port, "the port to listen on; 0 selects a free port", 4599),
  allowedHosts: repeated(
    "allowed-host",
    "HOST",
    "one more accepted host name of the server",
    "localhost, 127.0.0.1, [::1] and the address of --host"
  ),
  publicUrl: optional(
    "public-url",
    "URL",
    "the URL at which browsers reach the server through a port mapping, a tunnel or TLS termination",
    "the address on which the server listens"
  ),
  data: optional(
    "data",
    "DIR",
    "the folder for the state; requires the package classic-level@3",
    "the state is in memory"
  ),
  seed: optional(
    "seed",
    "FILE",
    "a JSON file with the initial workload identities and credential providers"
  ),
  account: valueOr(
    "account",
    matching("ID", "an account id of 12 digits", /^\d{12}$/),
    "the AWS account in ARNs",
    "123456789012"
  ),
  region: valueOr(
    "region",
    matching("REGION", "the name of an AWS region", /^[a-z0-9-]+$/),
    "the AWS region in ARNs",
    "us-east-1"
  ),
  requireSignature: Options.redacted("require-signature").pipe(
    Options.withPseudoName("KEY:SECRET"),
    Options.withFallbackConfig(Config.redacted("AGENTCORE_IDENTITY_REQUIRE_SIGNATURE")),
    Options.withDescription(
      "reject calls that are not signed with these AWS credentials (default: AGENTCORE_IDENTITY_REQUIRE_SIGNATURE; " +
        "otherwise any well-formed signature is accepted)"
    ),
    Options.optional
  ),
  issuers: repeated(
    "issuer",
    "NAME=ISSUER",
    "the issuer of an OAuth2 provider: simulated, federated (its own authorization server), or the discovery URL of another",
    "federated if the provider is on loopback, otherwise simulated"
  ),
  issuerHosts: repeated(
    "issuer-host",
    "HOST",
    "a host in a private network to which requests may be sent, for authorization servers",
    "loopback hosts of providers"
  ),
  authorities: repeated(
    "ca",
    "FILE",
    "PEM certificates of a private certificate authority, trusted for authorization servers only",
    "the certificate authorities of Node"
  ),
  verifyJwt: repeated(
    "verify-jwt",
    "AUDIENCE",
    "verify the JWTs of users: signature, expiry, and the audience AUDIENCE",
    "JWTs are not verified"
  ),
  verifyJwtClients: repeated(
    "verify-jwt-client",
    "ID",
    "verify the JWTs of users, and accept those of client ID without an audience"
  ),
  verifyJwtIssuers: repeated(
    "verify-jwt-issuer",
    "URL",
    "accept JWTs of the issuer URL only, with --verify-jwt or --verify-jwt-client",
    "any issuer"
  ),
  quotas: repeated("quota", "NAME=N", Quota.description, Quota.defaults),
  // The parser has a global option of this name. It consumes the option only as the first argument; otherwise the option
  // arrives here. A default here would override the global option.
  logLevel: optionalValue(
    "log-level",
    choice(levels),
    "the lowest level of the log; debug includes requests for pages",
    "info"
  ),
  json: jsonOption
}

interface Settings extends Command.Command.ParseConfig<typeof options> {}

// A wildcard address is not a destination, so the URL contains the loopback address.
const urlHost = (host: string) => {
  const name = ["", "0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host
  return isIP(name) === 6 ? `[${name}]` : name
}

const listenFailure = ({ host, port }: Settings) => ({ cause }: { readonly cause: unknown }) => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown"
  return code === "EADDRINUSE"
    ? new CommandFailed({
      reason: "PortInUse",
      message: `port ${port} of ${host} is in use: choose another with --port, or 0 for a free port`
    })
    : new CommandFailed({
      reason: "ServerFailed",
      message: `cannot listen on ${host}, port ${port} (${code}): check --host and --port`
    })
}

const listen = (settings: Settings) =>
  Effect.gen(function*() {
    const NodeHttpServer = yield* Effect.promise(() => import("@effect/platform-node/NodeHttpServer"))
    const server = createServer()
    const { host, port } = settings
    const context = yield* Layer.build(NodeHttpServer.layer(() => server, { host, port })).pipe(
      Effect.mapError(listenFailure(settings))
    )
    // Otherwise the shutdown waits for open connections.
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    return {
      context,
      // This server has no WebSockets. With a listener, Node passes on the raw connection of an upgrade request, and a reset
      // of that connection is an unhandled error that ends the process. Without one, Node handles it like any request.
      refuseUpgrades: Effect.sync(() => server.removeAllListeners("upgrade"))
    }
  })

const publicUrlOf = (given: string) =>
  Either.mapLeft(PublicUrl.parse(given), (message) => usageInvalid(`--public-url: ${message}`))

// boto3 reads `AWS_DEFAULT_REGION` only. A profile can set `ignore_configured_endpoint_urls`; the variable overrides it.
const environment = (origin: string, { region, requireSignature }: Settings) => ({
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: origin,
  AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: origin,
  BEDROCK_AGENTCORE_DP_ENDPOINT: origin,
  BEDROCK_AGENTCORE_CP_ENDPOINT: origin,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "false",
  ...(Option.isNone(requireSignature) && { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" })
})

// The AWS SDK for JavaScript prefers a profile to the keys. A session token does not belong to these keys.
const unset = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]

const printEnvironment = (origin: string, publicOrigin: string, settings: Settings) => {
  const variables = environment(origin, settings)
  if (settings.json) {
    return Output.json({ endpoint: origin, publicUrl: publicOrigin, environment: variables, unset })
  }
  return Output.lines([
    `# AgentCore Identity listens on ${origin}`,
    `# Dashboard: ${publicOrigin}/  Test controls: ${origin}/_local/`,
    "# Set these variables where your agent starts:",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${value}`),
    `unset ${unset.join(" ")}`,
    ...(Option.isSome(settings.requireSignature)
      ? ["# Also set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to the values of --require-signature."]
      : [])
  ])
}

const withLogLevel = ({ logLevel }: Settings) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Option.isSome(logLevel) ? Logger.withMinimumLogLevel(effect, logLevel.value) : effect

const readSeed = (path: string) =>
  Effect.mapError(Seed.read(path), (failed) =>
    failed.reason === "InputUnreadable"
      ? new CommandFailed({ reason: failed.reason, message: `--seed: ${failed.message}` })
      : failed)

const serve = (settings: Settings) =>
  Effect.gen(function*() {
    const { account, allowedHosts, data, host, region } = settings
    if (settings.verifyJwtIssuers.length > 0 && settings.verifyJwt.length + settings.verifyJwtClients.length === 0) {
      return yield* usageInvalid("--verify-jwt-issuer requires --verify-jwt or --verify-jwt-client")
    }
    if (Option.isSome(data)) yield* Backend.checkPackage
    // Errors of the file are reported before the server starts.
    const seed = yield* Effect.transposeOption(Option.map(settings.seed, readSeed))
    const signature = yield* Effect.transposeOption(Option.map(settings.requireSignature, (given) =>
      Effect.mapBoth(Schema.encode(Signature)(given).pipe(Effect.flatMap(Schema.decode(Signature))), {
        onFailure: () =>
          usageInvalid("--require-signature: expected KEY:SECRET"),
        onSuccess: signatureOf
      })))
    const issuers = yield* Effect.forEach(settings.issuers, issuerOf)
    const authorities = yield* Effect.forEach(settings.authorities, Authority.read)
    const quotas = yield* Quota.fromText(settings.quotas)
    const publicUrl = yield* Either.transposeOption(Option.map(settings.publicUrl, publicUrlOf))
    const { context: http, refuseUpgrades } = yield* listen(settings)
    const { address } = Context.get(http, HttpServer.HttpServer)
    const origin = `http://${urlHost(host)}:${address._tag === "TcpAddress" ? address.port : settings.port}`
    const publicOrigin = Option.getOrElse(
      Option.map(publicUrl, ({ origin }) =>
        origin),
      () => origin
    )
    const api = yield* Layer.build(
      Backend.layerApi({
        accountId: account,
        region,
        endpoint: publicOrigin,
        quotas,
        directory: Option.getOrUndefined(data),
        federation: {
          allowedHosts: settings.issuerHosts,
          certificateAuthorities: authorities,
          verifyJwtFor: settings.verifyJwt,
          verifyJwtClients: settings.verifyJwtClients,
          verifyJwtIssuers: settings.verifyJwtIssuers
        }
      })
    )
    const app = yield* Backend.app({
      requireSignature: Option.getOrUndefined(signature),
      allowedHosts: [host, ...allowedHosts],
      publicUrl: Option.getOrUndefined(Option.map(publicUrl, ({ origin }) => origin)),
      clock: Option.getOrUndefined(yield* Effect.transposeOption(Option.map(data, PersistedClock.open)))
    })
    if (!isLoopbackAddress(host)) {
      yield* Effect.logWarning(
        `--host ${host}: the dashboard and /_local/ require no signature, and are open to everyone who can reach this port`
      )
    }
    if (Option.exists(publicUrl, ({ hostname }) => !isLoopback(hostname))) {
      yield* Effect.logWarning(
        `--public-url ${publicOrigin}: the dashboard and /_local/ require no signature, and are open to everyone who can reach this URL`
      )
    }
    if (Option.isSome(seed)) {
      yield* Effect.provide(Seed.apply(seed.value), api)
    }
    // `--issuer` overrides the seed and the stored state.
    const { setIssuer } = Context.get(api, IdentityControls)
    yield* Effect.forEach(issuers, ([name, issuer]) => setIssuer(name, issuer), { discard: true })
    yield* HttpServer.serveEffect(CallLog.logCalls(app)).pipe(
      Effect.provide(Context.merge(http, api)),
      Effect.zipRight(refuseUpgrades)
    )
    yield* printEnvironment(origin, publicOrigin, settings)
    return yield* Effect.never
  }).pipe(
    Effect.scoped,
    withLogLevel(settings)
  )

/** @internal */
export const command = Command.make("serve", options, (settings) => reporting(settings.json)(serve(settings))).pipe(
  Command.withDescription("Runs a local AgentCore Identity server until Ctrl-C.")
)
