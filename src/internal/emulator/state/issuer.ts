/** The authorization servers of the vendors: the simulated one, and the interface of the real ones. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { ProviderFailure } from "../../../IdentityControls.js"
import * as assumptions from "./assumptions.js"
import type { Discovery } from "./endpoints.js"
import type { Completing, Pending } from "./session.js"
import * as simulatedValues from "./simulatedValues.js"
import type { CustomParameters, Oauth2Provider } from "./state.js"
import type { Target } from "./target.js"

/**
 * A failed request to a vendor. The details are for the operator of the server; AgentCore reports few of them to callers.
 */
export class ProviderError extends Data.TaggedError("ProviderError")<Omit<ProviderFailure, "at" | "providerName">> {}

/** @internal */
export interface IssuedToken {
  readonly accessToken: Redacted.Redacted
  /** In seconds; `undefined` if the vendor does not state it. */
  readonly expiresIn: number | undefined
  readonly refreshToken?: Redacted.Redacted | undefined
  /** In seconds; without it the refresh token is used until the vendor rejects it. */
  readonly refreshExpiresIn?: number | undefined
}

/** A provider with the credentials of its client and its issuer. */
export interface Client {
  readonly provider: Oauth2Provider
  readonly secret: Redacted.Redacted | undefined
  /** A JSON Web Key, which replaces the key in AWS KMS. */
  readonly privateKey: Redacted.Redacted | undefined
  readonly discovery: Discovery | undefined
  readonly issuer: Issuer
}

/** @internal */
export interface Issuer {
  readonly machine: (
    client: Client,
    request: { readonly target: Target; readonly customParameters: CustomParameters }
  ) => Effect.Effect<IssuedToken, ProviderError>
  /** Exchanges the user's consent for a token. */
  readonly user: (client: Client, session: Completing) => Effect.Effect<IssuedToken, ProviderError>
  readonly refresh: (
    client: Client,
    request: { readonly target: Target; readonly refreshToken: Redacted.Redacted }
  ) => Effect.Effect<IssuedToken, ProviderError>
  readonly onBehalfOf: (
    client: Client,
    request: {
      readonly target: Target
      readonly customParameters: CustomParameters
      readonly userToken: Redacted.Redacted
    }
  ) => Effect.Effect<IssuedToken, ProviderError>
  /** Consent on the vendor's own pages. Without it, users consent on the pages of this library. */
  readonly browser?: {
    /** Builds the authorization URL, and the verifier of the code (RFC 7636). */
    readonly authorization: (
      client: Client,
      session: Pending,
      state: string
    ) => Effect.Effect<{ readonly url: Redacted.Redacted; readonly codeVerifier: Redacted.Redacted }, ProviderError>
    /** Reads the code from the parameters with which the browser returns. */
    readonly code: (
      client: Client,
      session: Pending,
      state: string,
      parameters: URLSearchParams
    ) => Effect.Effect<Redacted.Redacted, ProviderError>
  } | undefined
}

/** The issuer for federated providers, if there is one, and the check of inbound user JWTs. */
export class Issuers extends Context.Reference<Issuers>()("effect-agentcore-identity/internal/Issuers", {
  defaultValue: (): {
    readonly federated: Issuer | undefined
    readonly verify: ((token: Redacted.Redacted) => Effect.Effect<void, ProviderError>) | undefined
  } => ({ federated: undefined, verify: undefined })
}) {}

const accessToken = (kind: string): Effect.Effect<IssuedToken> =>
  Effect.map(simulatedValues.simulated(kind), (accessToken) => ({
    accessToken,
    expiresIn: Duration.toSeconds(assumptions.accessTokenLifetime)
  }))

/** Issues every requested token, without any network. */
export const simulated: Issuer = {
  machine: () => accessToken("machine"),
  user: () =>
    Effect.zipWith(accessToken("user"), simulatedValues.simulated("refresh"), (issued, refreshToken) => ({
      ...issued,
      refreshToken,
      refreshExpiresIn: Duration.toSeconds(assumptions.refreshTokenLifetime)
    })),
  refresh: () => accessToken("user"),
  onBehalfOf: () => accessToken("on-behalf-of")
}
