/** The vendors' authorization servers, as the engine sees them, and simulated ones. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as choices from "./choices.js"
import * as random from "./random.js"
import type { CustomParameters, Oauth2Provider, Session, Target } from "./state.js"

/**
 * The vendor does not give the token.
 *
 * @internal
 */
export class Refused extends Data.TaggedError("Refused")<{ readonly status: number }> {}

/** @internal */
export interface IssuedToken {
  readonly accessToken: Redacted.Redacted
  /** In seconds. */
  readonly expiresIn: number
  readonly refreshToken?: Redacted.Redacted
  /** In seconds; without it the refresh token is good until it is refused. */
  readonly refreshExpiresIn?: number
}

/**
 * A provider, and the secret its client authenticates with, where it has one.
 *
 * @internal
 */
export interface Client {
  readonly provider: Oauth2Provider
  readonly secret: Redacted.Redacted | undefined
}

/** @internal */
export interface Issuer {
  readonly machine: (
    client: Client,
    request: { readonly target: Target; readonly customParameters: CustomParameters }
  ) => Effect.Effect<IssuedToken, Refused>
  /** What the person's consent is exchanged for. */
  readonly user: (client: Client, session: Session) => Effect.Effect<IssuedToken, Refused>
  readonly refresh: (
    client: Client,
    request: { readonly target: Target; readonly refreshToken: Redacted.Redacted }
  ) => Effect.Effect<IssuedToken, Refused>
  readonly onBehalfOf: (
    client: Client,
    request: {
      readonly target: Target
      readonly customParameters: CustomParameters
      readonly userToken: Redacted.Redacted
    }
  ) => Effect.Effect<IssuedToken, Refused>
}

const access = (kind: string): Effect.Effect<IssuedToken> =>
  Effect.map(random.simulated(kind), (accessToken) => ({
    accessToken,
    expiresIn: Duration.toSeconds(choices.accessTokenLifetime)
  }))

/**
 * Gives everybody what they ask for, without any network.
 *
 * @internal
 */
export const simulated: Issuer = {
  machine: () => access("machine"),
  user: () =>
    Effect.zipWith(access("user"), random.simulated("refresh"), (issued, refreshToken) => ({
      ...issued,
      refreshToken,
      refreshExpiresIn: Duration.toSeconds(choices.refreshTokenLifetime)
    })),
  refresh: () => access("user"),
  onBehalfOf: () => access("on-behalf-of")
}
