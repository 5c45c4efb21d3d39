/**
 * AWS's wire protocol in front of any `IdentityApi`, both planes on one port: any AWS SDK that is given its address as
 * endpoint finds AgentCore Identity there.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { IdentityApi } from "./IdentityApi.js"
import type { IdentityControls } from "./IdentityControls.js"
import * as guard from "./internal/server/api/hostGuard.js"
import * as signature from "./internal/server/api/signature.js"
import * as wire from "./internal/server/api/wire.js"
import { router } from "./internal/server/router.js"
import * as trouble from "./internal/server/state/faultInjection.js"
import * as publicUrl from "./internal/web/publicUrl.js"
import { withoutToken } from "./internal/web/redactRequest.js"

/**
 * The operations, and nothing else: each request is checked against the model's limits, and answered as AWS answers. A
 * success has a request id, by which `AwsIdentity` recognises a reply of the service. A client that disconnects interrupts
 * its operation, here and in the other servers.
 *
 * @example
 * ```ts
 * import { HttpServer } from "@effect/platform"
 * import { Layer } from "effect"
 * import { IdentityServer, MemoryIdentity } from "effect-agentcore-identity"
 *
 * // Needs an `HttpServer`, such as `NodeHttpServer.layer` of @effect/platform-node.
 * export const Emulator = HttpServer.serve(IdentityServer.api).pipe(Layer.provide(MemoryIdentity.layerApi()))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const api: HttpApp.Default<never, IdentityApi> = Effect.flatMap(IdentityApi, (api) => wire.handle(api)).pipe(
  guard.identifySuccess,
  withoutToken
)

/**
 * Who may use the server, and how it may be addressed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The key with which requests have to be signed, no more than five minutes ago. Without it any well-formed signature
   * for the service `bedrock-agentcore` does.
   */
  readonly requireSignature?: {
    readonly accessKeyId: string
    readonly secretAccessKey: Redacted.Redacted
  } | undefined
  /** Names under which the server may be addressed, besides `localhost`, `127.0.0.1` and `[::1]`. */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
}

/**
 * How a local server begins.
 *
 * @since 0.1.0
 * @category models
 */
export interface LocalOptions extends Options {
  /**
   * The URL at which browsers reach the server, where a port mapping, a tunnel or a TLS terminator stands in between:
   * scheme, host and port, without a path. The default is that they use the address that the server listens on. Its host
   * is allowed without being in `allowedHosts`, both addresses answer, and if it is https the cookies that a browser gets
   * there are `Secure`. Give the same URL as `endpoint` to `MemoryIdentity.layerApi` or `StoredIdentity.layerApi`, which
   * make the authorization URLs and the callback URLs. Whatever stands in between has to pass on the `Host` header;
   * `X-Forwarded-Host` and `X-Forwarded-Proto` are not read.
   */
  readonly publicUrl?: string | undefined
  /** Where to take up a clock that was moved, if what is served outlives the server. Without it, it begins unmoved. */
  readonly clock?: {
    readonly moved: Duration.Duration
    /** Told of the whole distance each time that the clock is moved; the mover waits for it. */
    readonly keep: (moved: Duration.Duration) => Effect.Effect<void>
  } | undefined
}

/**
 * The operations as a server should offer them: requests have to be signed, and must come by one of the server's own
 * names, so that no page can reach it through a name of its own (DNS rebinding); answers carry a request id, and the headers
 * that keep a browser from storing, framing or sniffing them. A wrong or missing signature gets the error that AWS gives.
 *
 * `NodeHttpServer` of @effect/platform-node listens for `upgrade`, after which a client that resets its connection ends the
 * process: there are no WebSockets here, so call `server.removeAllListeners("upgrade")` on the `node:http` server once this
 * is served, and such a request is one like any other.
 *
 * @example
 * ```ts
 * import { HttpServer } from "@effect/platform"
 * import { Layer, Redacted } from "effect"
 * import { IdentityServer, MemoryIdentity } from "effect-agentcore-identity"
 *
 * const app = IdentityServer.make({
 *   requireSignature: { accessKeyId: "local", secretAccessKey: Redacted.make("local-secret") }
 * })
 *
 * export const Emulator = HttpServer.serve(app).pipe(Layer.provide(MemoryIdentity.layerApi()))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): HttpApp.Default<never, IdentityApi> => {
  const authenticate = signature.make({ required: options.requireSignature })
  const operations = Effect.flatMap(IdentityApi, (api) => wire.handle(api, authenticate))
  return withoutToken(guard.make({ hosts: options.allowedHosts })(guard.identify(operations)))
}

/**
 * The same for a developer's machine, with what AWS has behind its addresses: the pages on which a person allows or denies
 * (`/identities/oauth2/authorize`), a dashboard at `/`, and under `/_local/` its controls as an HTTP API, so that a test in
 * any language can consent, refuse, expire, revoke, move the clock, and make calls fail, be slow or be dropped. Each effect
 * makes a server with a clock and troubles of its own. Signatures are held against the real clock.
 *
 * Fails with a `ConfigError` that names `publicUrl` if that is not an http or https URL of scheme, host and port alone.
 *
 * On `NodeHttpServer`, remove the `upgrade` listeners as `make` says.
 *
 * @example
 * ```ts
 * import { HttpServer } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 * import { IdentityServer, MemoryIdentity } from "effect-agentcore-identity"
 *
 * export const Local = Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
 *   Layer.provide(MemoryIdentity.layerApi({ endpoint: "http://127.0.0.1:4599" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeLocal = (
  options: LocalOptions = {}
): Effect.Effect<HttpApp.Default<never, IdentityApi | IdentityControls>, ConfigError.ConfigError> =>
  Effect.gen(function*() {
    const address = yield* Either.transposeOption(
      Option.map(Option.fromNullable(options.publicUrl), publicUrl.parse)
    ).pipe(Either.mapLeft((message) => ConfigError.InvalidData(["publicUrl"], message)))
    const troubles = yield* trouble.make(options.clock)
    const authenticate = signature.make({ required: options.requireSignature })
    const pages = router.pipe(
      Effect.provideService(trouble.Trouble, troubles),
      Effect.provideService(publicUrl.PublicAddress, address),
      Effect.catchTag("RouteNotFound", () => wire.unknown)
    )
    const operation = ({ key, labels, serve }: wire.Match, request: HttpServerRequest.HttpServerRequest) =>
      Effect.flatMap(Effect.clock, (real) => {
        // Whoever signs knows nothing of the clock that was moved.
        const atTheRealTime: wire.Authenticate = (body) => Effect.withClock(authenticate(body), real)
        return Effect.flatMap(IdentityApi, (api) => serve(api, atTheRealTime, labels, request)).pipe(
          troubles.aroundOperation(key),
          // A client that disconnects ends what is done for it, a delay included.
          Effect.interruptible,
          guard.identify,
          Effect.withClock(troubles.clock)
        )
      })
    const app = Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      (
        request
      ): HttpApp.Default<never, IdentityApi | IdentityControls> =>
        Option.match(wire.match(request.method, request.url), {
          onNone: () => pages,
          onSome: (match) => operation(match, request)
        })
    )
    const hosts = [...(options.allowedHosts ?? []), ...Option.toArray(Option.map(address, ({ hostname }) => hostname))]
    return withoutToken(guard.make({ hosts })(app))
  })
