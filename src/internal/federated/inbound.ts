/** The JWT that a user comes with: whether its issuer has signed it, for us, and until when (RFC 7519). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as jose from "jose"
import { openIdUrl } from "../discoveryUrl.js"
import { Refused } from "../engine/issuer.js"
import type { Allowed } from "./addresses.js"
import { discover, document, type Reach } from "./metadata.js"
import { malformed } from "./refusal.js"

const step = "verification"

const KeySet = Schema.parseJson(
  Schema.Struct({
    keys: Schema.mutable(
      Schema.Array(Schema.Struct({ kty: Schema.String }, { key: Schema.String, value: Schema.Unknown }))
    )
  })
)

// Never a symmetric one: its key would be a public document.
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

const refused = (description: string) => new Refused({ step, reason: "Refused", description })

const why = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : "the token is not a JWT"

const keySet = (reach: Reach, allowed: Allowed, jwksUri: string) =>
  Effect.gen(function*() {
    const none = malformed(step, "the keys of the issuer are none")
    const text = yield* document(step, reach, allowed, "the key set of the issuer", jwksUri)
    const keys = yield* Effect.mapError(Schema.decode(KeySet)(text), () => none)
    return yield* Effect.try({ try: () => jose.createLocalJWKSet(keys), catch: () => none })
  })

/**
 * Looks the keys up anew each time: what an issuer has withdrawn is good no longer.
 *
 * @internal
 */
export const verify = (reach: Reach, audiences: ReadonlyArray<string>) => (token: Redacted.Redacted) =>
  Effect.gen(function*() {
    const jwt = Redacted.value(token)
    const { iss } = yield* Effect.try({
      try: () => jose.decodeJwt(jwt),
      catch: () => refused("the token is not a JWT")
    })
    if (typeof iss !== "string" || !URL.canParse(iss) || /[?#]/.test(iss)) return yield* refused("its issuer is no URL")
    // Whoever comes with a token may name any issuer: this machine has to be allowed by name.
    const allowed = { hosts: reach.hosts, loopback: false }
    const { jwks_uri } = yield* discover(
      reach,
      allowed,
      openIdUrl(iss),
      (issuer) => issuer === iss ? undefined : "the discovery document is of another issuer"
    )
    if (jwks_uri === undefined) return yield* malformed(step, "the issuer names no keys")
    const keys = yield* keySet(reach, allowed, jwks_uri)
    const now = yield* DateTime.now
    yield* Effect.tryPromise({
      try: () =>
        jose.jwtVerify(jwt, keys, {
          issuer: iss,
          audience: [...audiences],
          algorithms,
          requiredClaims: ["exp", "sub"],
          currentDate: DateTime.toDate(now)
        }),
      catch: (error) => refused(why(error))
    })
  })
