/**
 * Real OAuth 2.0 for the local service: tokens come from the authorization servers of the credential providers. Requires
 * Node.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { Issuers } from "./internal/emulator/state/issuer.js"
import * as certificates from "./internal/lib/certificates.js"
import { hostnameOf } from "./internal/lib/url.js"
import * as issuer from "./internal/oauth/federatedIssuer.js"
import * as verifyJwt from "./internal/oauth/verifyJwt.js"

/**
 * The options of requests to authorization servers, and of the verification of JWTs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The time limit of one request. Default: 10 seconds. The limit also holds in an uninterruptible region, such as a handler
   * of `@effect/platform`. `Duration.infinity` disables the limit.
   */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * Host names or IP addresses in a private network to which requests may be sent; letter case is ignored. Default: none.
   * Loopback is allowed if the configuration of the provider is on loopback: the origins that it names, and no other origin that a
   * discovery document names.
   */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /**
   * Certificate authorities that are trusted for authorization servers, in addition to those of Node, as PEM text with one
   * or more certificates. Default: none. No other part of the program trusts them. Text that is not PEM, contains no
   * certificate or contains a private key is a defect when the layer is built.
   */
  readonly certificateAuthorities?: ReadonlyArray<string> | undefined
  /**
   * Accepted audiences (`aud`) of the JWTs that are passed to `getWorkloadAccessTokenForJWT`. Default: none.
   *
   * With this option or `verifyJwtClients`, signatures are verified with the keys of the issuer, and `exp` and `sub` are
   * required. The keys are found by OpenID Connect Discovery, or by RFC 8414 if that document does not exist, and are kept as
   * long as their response allows (`max-age`; default: 60 seconds, at most one day). An unknown key id leads to at most one
   * request per minute and issuer. An invalid token fails with `Unauthorized`, and `IdentityControls.providerFailures`
   * contains the claim. Without both options, JWTs are not verified. A header of more than 16,384 characters, an `iss` of more
   * than 2,048 characters and an issuer with more than 100 keys are rejected.
   */
  readonly verifyJwtFor?: ReadonlyArray<string> | undefined
  /**
   * Accepted clients (`client_id`) of JWTs without `aud`, such as the access tokens of Amazon Cognito. Default: none. A token
   * with `aud` is validated against `verifyJwtFor` only.
   */
  readonly verifyJwtClients?: ReadonlyArray<string> | undefined
  /**
   * Accepted issuers (`iss`) of JWTs that are verified, compared as text. Default: every issuer. Without it, a token may name
   * any public issuer, which then receives requests. Without `verifyJwtFor` or `verifyJwtClients` it is a defect when the layer
   * is built.
   */
  readonly verifyJwtIssuers?: ReadonlyArray<string> | undefined
}

const secureContext = (authorities: ReadonlyArray<string>) =>
  Either.match(certificates.secureContext(authorities), {
    onLeft: (problem) => Effect.dieMessage(`FederatedIssuer.layer: certificateAuthorities${problem}`),
    onRight: Effect.succeed
  })

/**
 * Federates providers of the in-memory and the stored service. A provider is federated if its endpoints are on loopback, or
 * if `IdentityControls.setIssuer` says so. All others stay simulated, so that no request leaves the machine unexpectedly. The
 * user consents on the pages of the provider, to which the authorization URL of the local server redirects.
 *
 * Supports authorization code with PKCE, client credentials, refresh, token exchange (RFC 8693) and JWT bearer (RFC 7523).
 * Requests go to the endpoints of the provider only, by https unless on loopback. Redirects, responses of more than 1 MiB and
 * private addresses are rejected. `IdentityControls.providerFailures` lists the errors of providers; callers receive the
 * errors of AWS.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { IdentityControls, IdentityService } from "effect-agentcore-identity"
 * import * as FederatedIssuer from "effect-agentcore-identity/FederatedIssuer"
 *
 * const Identity = IdentityService.layerTest.pipe(
 *   Layer.provide(FederatedIssuer.layer({ timeout: "5 seconds" }))
 * )
 *
 * export const program = Effect.gen(function*() {
 *   const { setIssuer } = yield* IdentityControls.IdentityControls
 *   yield* setIssuer("github", { discoveryUrl: "http://127.0.0.1:9000/.well-known/openid-configuration" })
 * }).pipe(Effect.provide(Identity))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  {
    allowedHosts = [],
    certificateAuthorities = [],
    timeout = "10 seconds",
    verifyJwtClients: clients = [],
    verifyJwtFor: audiences = [],
    verifyJwtIssuers: issuers = []
  }: Options = {}
): Layer.Layer<never> =>
  Layer.effect(
    Issuers,
    Effect.gen(function*() {
      const policy = {
        limit: Duration.decode(timeout),
        hosts: allowedHosts.map(hostnameOf),
        secureContext: yield* secureContext(certificateAuthorities)
      }
      const isVerifying = audiences.length + clients.length > 0
      if (issuers.length > 0 && !isVerifying) {
        return yield* Effect.dieMessage(
          "FederatedIssuer.layer: verifyJwtIssuers requires verifyJwtFor or verifyJwtClients"
        )
      }
      return {
        federated: issuer.make(policy),
        verify: isVerifying ? yield* verifyJwt.make(policy, { audiences, clients, issuers }) : undefined
      }
    })
  )
