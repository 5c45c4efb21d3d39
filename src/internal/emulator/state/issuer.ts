/** The vendors' authorization servers, as the engine sees them: simulated ones, and the seam for those that are real. */
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
import type { CustomParameters, Oauth2Provider, Target } from "./state.js"

/**
 * The vendor does not give the token. What it said is for whoever runs the server; AgentCore hands on little of it.
 *
 * @internal
 */
export class ProviderError extends Data.TaggedError("ProviderError")<Omit<ProviderFailure, "at" | "providerName">> {}

/** @internal */
export interface IssuedToken {
  readonly accessToken: Redacted.Redacted
  /** In seconds; `undefined` where the vendor does not tell. */
  readonly expiresIn: number | undefined
  readonly refreshToken?: Redacted.Redacted | undefined
  /** In seconds; without it the refresh token is good until it is refused. */
  readonly refreshExpiresIn?: number | undefined
}

/**
 * A provider, what its client authenticates with, and who answers for it.
 *
 * @internal
 */
export interface Client {
  readonly provider: Oauth2Provider
  readonly secret: Redacted.Redacted | undefined
  /** A JSON Web Key: what stands here for a key of AWS KMS. */
  readonly privateKey: Redacted.Redacted | undefined
  /** Where the authorization server is. */
  readonly discovery: Discovery | undefined
  readonly issuer: Issuer
}

/** @internal */
export interface Issuer {
  readonly machine: (
    client: Client,
    request: { readonly target: Target; readonly customParameters: CustomParameters }
  ) => Effect.Effect<IssuedToken, ProviderError>
  /** What the person's consent is exchanged for. */
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
  /** How people answer who are sent to the vendor's own pages; without it, they answer here. */
  readonly browser?: {
    /** Where the person's browser goes, and the verifier of the code that it comes back with. */
    readonly authorization: (
      client: Client,
      session: Pending,
      state: string
    ) => Effect.Effect<{ readonly url: Redacted.Redacted; readonly codeVerifier: Redacted.Redacted }, ProviderError>
    /** The code in what the browser came back with. */
    readonly code: (
      client: Client,
      session: Pending,
      state: string,
      parameters: URLSearchParams
    ) => Effect.Effect<Redacted.Redacted, ProviderError>
  } | undefined
}

/**
 * Who answers for real, if anybody, and who checks the tokens that people come with.
 *
 * @internal
 */
export class Issuers extends Context.Reference<Issuers>()("effect-agentcore-identity/internal/Issuers", {
  defaultValue: (): {
    readonly federated: Issuer | undefined
    readonly verify: ((token: Redacted.Redacted) => Effect.Effect<void, ProviderError>) | undefined
  } => ({ federated: undefined, verify: undefined })
}) {}

const access = (kind: string): Effect.Effect<IssuedToken> =>
  Effect.map(simulatedValues.simulated(kind), (accessToken) => ({
    accessToken,
    expiresIn: Duration.toSeconds(assumptions.accessTokenLifetime)
  }))

/**
 * Gives everybody what they ask for, without any network.
 *
 * @internal
 */
export const simulated: Issuer = {
  machine: () => access("machine"),
  user: () =>
    Effect.zipWith(access("user"), simulatedValues.simulated("refresh"), (issued, refreshToken) => ({
      ...issued,
      refreshToken,
      refreshExpiresIn: Duration.toSeconds(assumptions.refreshTokenLifetime)
    })),
  refresh: () => access("user"),
  onBehalfOf: () => access("on-behalf-of")
}
