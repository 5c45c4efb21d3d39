/**
 * Real OAuth 2.0 behind the local service: credential providers are asked for tokens at their own authorization servers,
 * instead of simulated. It needs Node.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { Issuers } from "./internal/emulator/state/issuer.js"
import * as certificates from "./internal/oauth/certificates.js"
import * as issuer from "./internal/oauth/federatedIssuer.js"
import { verify } from "./internal/oauth/verifyJwt.js"

/**
 * How authorization servers are asked.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * How long one answer may take; 10 seconds unless given. The limit also holds in an uninterruptible region, such as a
   * handler of `@effect/platform`. `Duration.infinity` sets no limit.
   */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * Hosts, as they stand in a URL, that are asked although their address is not on the internet: one in a company's own
   * network, for example. This machine is asked where a provider's own configuration names it.
   */
  readonly allowedHosts?: ReadonlyArray<string> | undefined
  /**
   * Certificate authorities that are trusted for authorization servers, in addition to Node's: PEM text, one certificate
   * or more in each; none unless given. Nothing else in the program trusts them. Text that is not PEM, has no certificate
   * or has a private key is a defect when the layer is built.
   */
  readonly certificateAuthorities?: ReadonlyArray<string> | undefined
  /**
   * Accepted audiences of the JWTs with which `getWorkloadAccessTokenForJWT` is called: `aud` has to have one of them.
   *
   * With this option, or with `verifyJwtClients`, signatures are verified with the keys of the issuers, and `exp` and
   * `sub` are required. The keys are found by OpenID Connect Discovery, or where RFC 8414 has them if that document is not
   * there. A token that fails is `Unauthorized`; `IdentityControls.providerFailures` names the claim. With neither option
   * JWTs are not verified. A header of more than 16,384 characters, an `iss` of more than 2,048 and an issuer with more
   * than 100 keys are rejected as well.
   */
  readonly verifyJwtFor?: ReadonlyArray<string> | undefined
  /**
   * Accepted clients of those JWTs that have no `aud`: `client_id` has to be one of them. Access tokens of Amazon Cognito
   * are of that kind. A token with `aud` is accepted by its audience alone.
   */
  readonly verifyJwtClients?: ReadonlyArray<string> | undefined
}

const secureContext = (authorities: ReadonlyArray<string>) =>
  Either.match(certificates.secureContext(authorities), {
    onLeft: (problem) => Effect.dieMessage(`FederatedIssuer.layer: certificateAuthorities${problem}`),
    onRight: Effect.succeed
  })

/**
 * Provides the in-memory and the stored service with it: a provider whose endpoints are on loopback is asked for real, as
 * is one for which somebody says so (`IdentityControls.setIssuer`); all others stay simulated, so that no request leaves
 * the machine by surprise. A person consents on the provider's own pages, behind the authorization URL of a local server.
 *
 * Authorization code with PKCE, client credentials, refresh, token exchange (RFC 8693) and JWT bearer (RFC 7523). Only
 * the provider's endpoints are asked, by https unless on loopback; redirects are not followed, answers of more than 1 MiB
 * and addresses inside the network are refused. What a provider answered is told by
 * `IdentityControls.providerFailures`; callers are told what AWS tells.
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
  { allowedHosts = [], certificateAuthorities = [], timeout = "10 seconds", verifyJwtClients = [], verifyJwtFor = [] }:
    Options = {}
): Layer.Layer<never> =>
  Layer.effect(
    Issuers,
    Effect.map(secureContext(certificateAuthorities), (secureContext) => {
      const reach = { limit: Duration.decode(timeout), hosts: allowedHosts, secureContext }
      const isVerifying = verifyJwtFor.length + verifyJwtClients.length > 0
      return {
        federated: issuer.make(reach),
        verify: isVerifying ? verify(reach, { audiences: verifyJwtFor, clients: verifyJwtClients }) : undefined
      }
    })
  )
