/** The keys with which an issuer signs JWTs: discovered, fetched once for concurrent tokens, and kept for a limited time. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as jose from "jose"
import { ProviderError } from "../emulator/state/issuer.js"
import * as singleFlight from "../lib/singleFlight.js"
import { oauthUrl, openIdUrl } from "../model/discoveryUrl.js"
import type { AddressPolicy } from "./addressPolicy.js"
import { discover, document, type OutboundPolicy } from "./discovery.js"
import { parse as parseKeySet } from "./keySet.js"
import { malformed } from "./providerError.js"

const step = "verification"

/** The lifetime of keys whose response states none. */
const defaultLifetime = 60

/** The longest lifetime, so that a withdrawn key is rejected after a day. */
const maxLifetime = 24 * 60 * 60

/** Keys are not fetched again for an unknown key id until this time has passed: anyone can send such a token. */
const unknownKeyInterval = Duration.minutes(1)

/** The number of issuers whose keys are kept, and the size of their key sets in characters. */
const maxIssuers = 100
const maxSize = 4 * 1_048_576

/** Messages must not quote the host, which is part of the claim `iss`. */
const addressPolicy = ({ hosts }: OutboundPolicy, hostLabel: string): AddressPolicy => ({
  hosts,
  // A token may name any issuer, so loopback must be in `hosts`.
  loopbackOrigins: [],
  hostLabel
})

const isNotFound = ({ reason, status }: ProviderError) => reason === "Malformed" && (status === 404 || status === 410)

/**
 * Fetches the metadata of the issuer by OpenID Connect Discovery 1.0, or by RFC 8414 if that document does not exist. Both
 * requests share the time limit.
 */
const metadataOf = (policy: OutboundPolicy, iss: string) =>
  Effect.gen(function*() {
    const allowed = addressPolicy(policy, "the issuer's host")
    const attempt = (limit: Duration.Duration, url: string) =>
      discover({ ...policy, limit }, allowed, url, (issuer) =>
        issuer === iss ? undefined : "the discovery document has another issuer")
    const [elapsed, first] = yield* Effect.timed(Effect.either(attempt(policy.limit, openIdUrl(iss))))
    if (Either.isRight(first)) {
      return first.right
    }
    return yield* isNotFound(first.left)
      ? attempt(Duration.subtract(policy.limit, elapsed), oauthUrl(iss))
      : first.left
  }).pipe(
    Effect.mapError(({ description, reason, status, step }) => {
      const details = description === undefined ? "" : `: ${description}`
      return new ProviderError({ step, reason, status, description: `no metadata of the issuer (claim iss)${details}` })
    })
  )

/** Finds the key for the header of a token. */
export type KeySet = ReturnType<typeof jose.createLocalJWKSet>

interface Entry {
  readonly keys: KeySet
  readonly size: number
  /** The time of the last request, also if it failed. */
  readonly requestedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

const fetchKeys = (policy: OutboundPolicy, iss: string): Effect.Effect<Entry, ProviderError> =>
  Effect.gen(function*() {
    const { jwks_uri } = yield* metadataOf(policy, iss)
    if (jwks_uri === undefined) return yield* malformed(step, "the metadata of the issuer contains no jwks_uri")
    const allowed = addressPolicy(policy, "the host of the issuer's keys")
    const { freshness, text } = yield* document(step, policy, allowed, "the key set of the issuer", jwks_uri)
    const parsed = yield* Either.mapLeft(parseKeySet(text), (problem) => malformed(step, problem))
    const keys = yield* Effect.try({
      try: () => jose.createLocalJWKSet(parsed),
      catch: () => malformed(step, "the keys of the issuer are not a JSON Web Key Set")
    })
    const fetchedAt = yield* DateTime.now
    const lifetime = Math.min(freshness ?? defaultLifetime, maxLifetime)
    return {
      keys,
      size: text.length,
      requestedAt: fetchedAt,
      expiresAt: DateTime.add(fetchedAt, { seconds: lifetime })
    }
  })

/** Tests for a key that may have signed a token with this header. */
const hasKeyFor = (keys: KeySet, header: jose.JWSHeaderParameters): Effect.Effect<boolean> =>
  Effect.promise(() => keys(header).then(() => true, (error) => !(error instanceof jose.errors.JWKSNoMatchingKey)))

/** @internal */
export interface IssuerKeys {
  /** The keys of the issuer `iss` for a token with this header. */
  readonly get: (iss: string, header: jose.JWSHeaderParameters) => Effect.Effect<KeySet, ProviderError>
}

/** @internal */
export const make = (policy: OutboundPolicy): Effect.Effect<IssuerKeys> =>
  Effect.map(singleFlight.make<KeySet, ProviderError>(), (flight) => {
    // The issuer whose keys were fetched last is the last one.
    const entries = new Map<string, Entry>()
    let size = 0

    const remove = (iss: string) => {
      size -= entries.get(iss)?.size ?? 0
      entries.delete(iss)
    }

    const add = (iss: string, entry: Entry) => {
      remove(iss)
      entries.set(iss, entry)
      size += entry.size
      for (const oldest of entries.keys()) {
        if (entries.size <= maxIssuers && size <= maxSize) break
        remove(oldest)
      }
    }

    return {
      get: (iss, header) =>
        Effect.gen(function*() {
          const entry = entries.get(iss)
          if (entry !== undefined) {
            const now = yield* DateTime.now
            const isUsable = (yield* hasKeyFor(entry.keys, header))
              ? DateTime.lessThan(now, entry.expiresAt)
              : DateTime.lessThan(now, DateTime.addDuration(entry.requestedAt, unknownKeyInterval))
            if (isUsable) return entry.keys
            entries.set(iss, { ...entry, requestedAt: now })
          }
          const fetched = Effect.map(fetchKeys(policy, iss), (entry) => {
            add(iss, entry)
            return entry.keys
          })
          return yield* flight.run(iss, fetched)
        })
    }
  })
