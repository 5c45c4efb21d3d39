/**
 * `serve`: the service on this machine, for any AWS SDK.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
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
    onFailure: () => usageInvalid(`--issuer: expected NAME= and then ${expectedText}`)
  })
}

const levels: ReadonlyArray<[string, LogLevel.LogLevel]> = [
  ["debug", LogLevel.Debug],
  ["info", LogLevel.Info],
  ["warning", LogLevel.Warning],
  ["error", LogLevel.Error],
  ["none", LogLevel.None]
]

const options = {
  host: Options.text("host").pipe(
    Options.withDescription("the address to listen on"),
    Options.withDefault("127.0.0.1")
  ),
  port: Options.integer("port").pipe(
    Options.withSchema(Schema.Int.pipe(Schema.between(0, 65_535, { message: () => "--port: expected 0 to 65535" }))),
    Options.withDescription("the port to listen on; 0 takes any that is free"),
    Options.withDefault(4599)
  ),
  allowedHosts: Options.text("allowed-host").pipe(
    Options.withDescription("another name by which the server may be called; repeat for more"),
    Options.repeated
  ),
  publicUrl: Options.text("public-url").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription(
      "the URL at which browsers reach the server, if it is another: behind a port mapping, a tunnel or TLS termination"
    ),
    Options.optional
  ),
  data: Options.text("data").pipe(
    Options.withPseudoName("DIR"),
    Options.withDescription(
      "the folder that keeps the state (needs the package classic-level@3); without it the state is lost at the end"
    ),
    Options.optional
  ),
  seed: Options.text("seed").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("JSON of workload identities and credential providers to begin with"),
    Options.optional
  ),
  account: Options.text("account").pipe(
    Options.withSchema(
      Schema.String.pipe(
        Schema.pattern(/^\d{12}$/, { message: () => "--account: expected an account id of 12 digits" })
      )
    ),
    Options.withDescription("the AWS account of the ARNs"),
    Options.withDefault("123456789012")
  ),
  region: Options.text("region").pipe(
    Options.withSchema(
      Schema.String.pipe(
        Schema.pattern(/^[a-z0-9-]+$/, { message: () => "--region: expected the name of an AWS region" })
      )
    ),
    Options.withDescription("the AWS region of the ARNs"),
    Options.withDefault("us-east-1")
  ),
  requireSignature: Options.redacted("require-signature").pipe(
    Options.withPseudoName("KEY:SECRET"),
    Options.withFallbackConfig(Config.redacted("AGENTCORE_IDENTITY_REQUIRE_SIGNATURE")),
    Options.withDescription("refuse every call that is not signed with these AWS credentials"),
    Options.optional
  ),
  issuers: Options.text("issuer").pipe(
    Options.withPseudoName("NAME=ISSUER"),
    Options.withDescription(
      "who answers for an OAuth2 provider: simulated, federated (its own authorization server), or the discovery URL of another; repeat for more"
    ),
    Options.repeated
  ),
  issuerHosts: Options.text("issuer-host").pipe(
    Options.withPseudoName("HOST"),
    Options.withDescription(
      "a host of an authorization server inside your own network that may be asked; repeat for more"
    ),
    Options.repeated
  ),
  authorities: Options.text("ca").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription(
      "PEM certificates of a private certificate authority, trusted for authorization servers only; repeat for more"
    ),
    Options.repeated
  ),
  verifyJwt: Options.text("verify-jwt").pipe(
    Options.withPseudoName("AUDIENCE"),
    Options.withDescription(
      "check the JWTs of users: signature by the issuer's keys, expiry, and that they are for AUDIENCE; repeat for more"
    ),
    Options.repeated
  ),
  verifyJwtClients: Options.text("verify-jwt-client").pipe(
    Options.withPseudoName("ID"),
    Options.withDescription(
      "check the JWTs of users as --verify-jwt does, and accept those of client ID that have no audience; repeat for more"
    ),
    Options.repeated
  ),
  quotas: Options.text("quota").pipe(
    Options.withPseudoName("NAME=N"),
    Options.withDescription(Quota.description),
    Options.repeated
  ),
  // The parser has an option of this name for all commands, sets the level by itself and takes the option away. It looks
  // at the first argument alone: behind others it comes here. So a default of ours would undo what was said there.
  logLevel: Options.choiceWithValue("log-level", levels).pipe(
    Options.withDescription("how much is logged (default: info); debug also tells of pages"),
    Options.optional
  ),
  json: jsonOption
}

interface Settings extends Command.Command.ParseConfig<typeof options> {}

// Where everybody on this machine is heard, this machine's own name is what to call.
const urlHost = (host: string) => {
  const name = ["", "0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host
  return isIP(name) === 6 ? `[${name}]` : name
}

const listenFailure = ({ host, port }: Settings) => ({ cause }: { readonly cause: unknown }) => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown"
  return code === "EADDRINUSE"
    ? new CommandFailed({
      reason: "PortInUse",
      message: `port ${port} of ${host} is in use: choose another with --port, or 0 for any that is free`
    })
    : new CommandFailed({ reason: "ServerFailed", message: `cannot listen on ${host}, port ${port} (${code})` })
}

const listen = (settings: Settings) =>
  Effect.gen(function*() {
    const NodeHttpServer = yield* Effect.promise(() => import("@effect/platform-node/NodeHttpServer"))
    const server = createServer()
    const { host, port } = settings
    const context = yield* Layer.build(NodeHttpServer.layer(() => server, { host, port })).pipe(
      Effect.mapError(listenFailure(settings))
    )
    // Else the end would wait for whoever keeps a connection open.
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    return {
      context,
      // There are no WebSockets here. Node hands a connection that asks for an upgrade over as it is, and when that is
      // reset nobody listens for the error, which ends the process; where nobody waits for one, it asks like any other.
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

// The AWS SDK for JavaScript prefers a profile to the keys. A session token would be sent with keys that it is not for.
const unset = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]

const announce = (origin: string, browsers: string, settings: Settings) => {
  const variables = environment(origin, settings)
  if (settings.json) {
    return Console.log(JSON.stringify({ endpoint: origin, publicUrl: browsers, environment: variables, unset }))
  }
  return Console.log([
    `# AgentCore Identity listens on ${origin}`,
    `# Dashboard: ${browsers}/  Controls for tests: ${origin}/_local/`,
    "# Paste this where your agent starts:",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${value}`),
    `unset ${unset.join(" ")}`,
    ...(Option.isSome(settings.requireSignature)
      ? ["# and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as given by --require-signature"]
      : [])
  ].join("\n"))
}

const atLevel = ({ logLevel }: Settings) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Option.isSome(logLevel) ? Logger.withMinimumLogLevel(effect, logLevel.value) : effect

const readSeed = (path: string) =>
  Effect.mapError(Seed.read(path), (failed) =>
    failed.reason === "InputUnreadable"
      ? new CommandFailed({ reason: failed.reason, message: `--seed: ${failed.message}` })
      : failed)

const serve = (settings: Settings) =>
  Effect.gen(function*() {
    const { account, allowedHosts, data, host, region } = settings
    if (Option.isSome(data)) yield* Backend.checkPackage
    // What is wrong with the file is said before anything begins.
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
    const browsers = Option.getOrElse(
      Option.map(publicUrl, ({ origin }) =>
        origin),
      () => origin
    )
    const api = yield* Layer.build(
      Backend.layerApi({
        accountId: account,
        region,
        endpoint: browsers,
        quotas,
        directory: Option.getOrUndefined(data),
        federation: {
          allowedHosts: settings.issuerHosts,
          certificateAuthorities: authorities,
          verifyJwtFor: settings.verifyJwt,
          verifyJwtClients: settings.verifyJwtClients
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
        `--host ${host}: the dashboard and /_local/ ask for no signature, and are open to whoever reaches this port`
      )
    }
    if (Option.exists(publicUrl, ({ hostname }) => !isLoopback(hostname))) {
      yield* Effect.logWarning(
        `--public-url ${browsers}: the dashboard and /_local/ ask for no signature, and are open to all who reach this URL`
      )
    }
    if (Option.isSome(seed)) {
      yield* Effect.provide(Seed.apply(seed.value), api)
    }
    // What is said here goes before what the seed, or the folder, says.
    const { setIssuer } = Context.get(api, IdentityControls)
    yield* Effect.forEach(issuers, ([name, issuer]) => setIssuer(name, issuer), { discard: true })
    yield* HttpServer.serveEffect(CallLog.logged(app)).pipe(
      Effect.provide(Context.merge(http, api)),
      Effect.zipRight(refuseUpgrades)
    )
    yield* announce(origin, browsers, settings)
    return yield* Effect.never
  }).pipe(
    Effect.scoped,
    Effect.provide(CallLog.layerLogger(settings.json)),
    atLevel(settings)
  )

/** @internal */
export const command = Command.make("serve", options, (settings) => reporting(settings.json)(serve(settings))).pipe(
  Command.withDescription("Serves AgentCore Identity on this machine, until Ctrl-C.")
)
