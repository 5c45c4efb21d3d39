/**
 * Servers that speak the wire protocol of AWS over any `IdentityApi`. One port serves the data and the control API: use
 * its address as the endpoint of any AWS SDK.
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
import * as hostGuard from "./internal/server/api/hostGuard.js"
import * as signature from "./internal/server/api/signature.js"
import * as wire from "./internal/server/api/wire.js"
import { withUnknownPage } from "./internal/server/pages/unknownPath.js"
import { router } from "./internal/server/router.js"
import * as faultInjection from "./internal/server/state/faultInjection.js"
import * as movableClock from "./internal/server/state/movableClock.js"
import * as pageTokens from "./internal/server/state/pageTokens.js"
import * as publicUrl from "./internal/web/publicUrl.js"
import { withoutToken } from "./internal/web/redactRequest.js"

/**
 * Serves the operations, without a check of signatures or host names. Each request is validated against the limits of the
 * model. A successful response has a request id, by which `AwsIdentity` recognises a reply of the service. A client that
 * disconnects interrupts its operation, here and in the other servers.
 *
 * @example
 * ```ts
 * import { HttpServer } from "@effect/platform"
 * import { Layer } from "effect"
 * import { IdentityServer, MemoryIdentity } from "effect-agentcore-identity"
 *
 * // Requires an `HttpServer`, such as `NodeHttpServer.layer` of @effect/platform-node.
 * export const Emulator = HttpServer.serve(IdentityServer.api).pipe(Layer.provide(MemoryIdentity.layerApi()))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const api: HttpApp.Default<never, IdentityApi> = Effect.flatMap(IdentityApi, (api) => wire.handle(api)).pipe(
  hostGuard.withSuccessRequestIds,
  withoutToken
)

/**
 * The accepted signatures and host names.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The credentials with which requests must be signed, at most 5 minutes ago. By default, any well-formed signature for
   * the service `bedrock-agentcore` is accepted.
   */
  readonly requireSignature?: {
    readonly accessKeyId: string
    readonly secretAccessKey: Redacted.Redacted
  } | undefined
  /** Host names of the server, besides `localhost`, `127.0.0.1` and `[::1]`. */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
}

/**
 * The options of a local server.
 *
 * @since 0.1.0
 * @category models
 */
export interface LocalOptions extends Options {
  /**
   * The URL at which browsers reach the server through a port mapping, a tunnel or a TLS terminator: scheme, host and
   * port, without a path. By default, browsers use the address on which the server listens.
   *
   * The host of the URL is allowed without an entry in `allowedHosts`. The server answers at both addresses. If the URL is
   * https, its cookies are `Secure`. Pass the same URL as `endpoint` to `MemoryIdentity.layerApi` or
   * `StoredIdentity.layerApi`, which create the authorization URLs and the callback URLs. The proxy must preserve the
   * `Host` header, with or without the port; `X-Forwarded-Host` and `X-Forwarded-Proto` are ignored.
   */
  readonly publicUrl?: string | undefined
  /** Persists the offset of the movable clock, for a state that outlives the server. By default, the offset is zero. */
  readonly clock?: {
    /** The offset at the start. */
    readonly offset: Duration.Duration
    /** Receives the whole offset after each move. The request that moves the clock waits for it. */
    readonly onMove: (offset: Duration.Duration) => Effect.Effect<void>
  } | undefined
}

/**
 * Serves the operations, for use on a network. Requests must be signed, and must have an allowed `Host` header, which
 * prevents DNS rebinding. Responses have a request id and security headers. An invalid or missing signature is answered
 * with the error of AWS.
 *
 * `NodeHttpServer` of @effect/platform-node listens for `upgrade`. After such a request, a client that resets its connection
 * ends the process. This server has no WebSockets: call `server.removeAllListeners("upgrade")` on the `node:http` server
 * after this app is served. Node then treats an upgrade request like any other.
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
  return withoutToken(hostGuard.make({ hosts: options.allowedHosts })(hostGuard.withRequestIds(operations)))
}

/**
 * Creates a server for development: the operations, the consent pages (`/identities/oauth2/authorize`), a dashboard at `/`,
 * and the test controls as an HTTP API under `/_local/`. With the API, a test in any language can approve, deny, expire and
 * revoke, move the clock, and make calls fail, slow or lose their connection. Each execution creates a server with its own
 * clock and pending failures. Signatures are validated against the real clock.
 *
 * Fails with a `ConfigError` at `publicUrl` unless it is an http or https URL with only scheme, host and port.
 *
 * With `NodeHttpServer`, remove the `upgrade` listeners as described for {@link make}.
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
    const faults = yield* faultInjection.make
    const movable = yield* movableClock.make(options.clock)
    const authenticate = signature.make({ required: options.requireSignature })
    const pages = router.pipe(
      Effect.provideService(faultInjection.FaultInjection, faults),
      Effect.provideService(movableClock.MovableClock, movable),
      Effect.provideService(pageTokens.PageTokens, yield* pageTokens.make),
      Effect.provideService(publicUrl.PublicAddress, address),
      Effect.catchTag("RouteNotFound", () => withUnknownPage(wire.unknownOperationResponse))
    )
    const operation = ({ key, labels, serve }: wire.Match, request: HttpServerRequest.HttpServerRequest) =>
      Effect.flatMap(Effect.clock, (real) => {
        // Clients sign with the real time.
        const authenticateNow: wire.Authenticate = (body) => Effect.withClock(authenticate(body), real)
        return Effect.flatMap(IdentityApi, (api) => serve(api, authenticateNow, labels, request)).pipe(
          faults.aroundOperation(key),
          // A disconnect of the client interrupts the operation, including an injected delay.
          Effect.interruptible,
          hostGuard.withRequestIds,
          Effect.withClock(movable.clock)
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
    return withoutToken(hostGuard.make({ hosts })(app))
  })
