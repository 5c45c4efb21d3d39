/** How long a credential is used from the cache. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import type { Options } from "../../TokenCache.js"
import { expiryOf } from "../service/grantKey.js"

/** Settings of the lifetimes. Durations are in milliseconds. */
export interface Settings {
  readonly timeToLive: number | undefined
  readonly providers: ReadonlyMap<string, number>
  readonly workloadAccessTokens: number | undefined
  readonly skew: number
  readonly jitter: number
  readonly refresh: number
}

/** The times of an entry, or `None` if the credential is not kept. */
export interface Times {
  readonly expiresAt: number
  readonly refreshAt: number
}

/**
 * Computes the times of a credential that was received at `now`. It ends `skew` before the expiry that it states, or after
 * `timeToLive`, whichever is first; with neither it is not kept. Its life is shortened by a random part, so that the entries of many
 * processes do not end at the same time.
 */
export const timesOf = (
  { jitter, refresh, skew }: Settings,
  stated: Redacted.Redacted,
  timeToLive: number | undefined,
  now: number
): Effect.Effect<Option.Option<Times>> =>
  Effect.map(Random.next, (random) => {
    const exp = expiryOf(stated)
    const ends = [
      ...Option.toArray(exp).map((at) => at - skew),
      ...(timeToLive === undefined ? [] : [now + timeToLive])
    ]
    const life = (Math.min(...ends) - now) * (1 - jitter * random)
    if (ends.length === 0 || !(life > 0)) return Option.none()
    return Option.some({ expiresAt: now + life, refreshAt: refresh === 0 ? Infinity : now + life * (1 - refresh) })
  })

/** The setting of a provider, or that of all. */
export const ofProvider = ({ providers, timeToLive }: Settings, providerName: string): number | undefined =>
  providers.get(providerName) ?? timeToLive

const millis = (duration: Duration.DurationInput | undefined) =>
  duration === undefined ? undefined : Duration.toMillis(duration)

/** @internal */
export const decode = (options: Options): Settings => ({
  timeToLive: millis(options.timeToLive),
  providers: new Map(Object.entries(options.providers ?? {}).map(([name, life]) => [name, Duration.toMillis(life)])),
  workloadAccessTokens: millis(options.workloadAccessTokens),
  skew: Duration.toMillis(options.skew ?? "1 minute"),
  jitter: options.jitter ?? 0.1,
  refresh: options.refresh ?? 0.2
})
