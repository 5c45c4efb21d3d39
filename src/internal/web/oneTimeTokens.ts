/** One-time tokens, each bound to the browser that received it: in the forms of pages, and as the `state` of redirects. */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as secureToken from "../lib/secureToken.js"

/** @internal */
export class RefusedToken extends Data.TaggedError("RefusedToken")<{
  /** `foreign`: another browser received the token. */
  readonly reason: "unknown" | "foreign" | "used" | "expired"
}> {}

/** @internal */
export interface OneTimeTokens<in out Subject> {
  /** Registers a token that was chosen elsewhere. It must be impossible to guess. */
  readonly put: (token: string, browser: string, subject: Subject) => Effect.Effect<void>
  readonly issue: (browser: string, subject: Subject) => Effect.Effect<string>
  /** Returns the subject of a token, once. The browser that received the token uses it up even if it has expired. */
  readonly consume: (token: string, browser: string) => Effect.Effect<Subject, RefusedToken>
}

interface Entry<Subject> {
  readonly browser: string
  readonly subject: Subject
  readonly expiresAt: number
  readonly isUsed: boolean
}

const isFor = (entry: Entry<unknown>, browser: string) => secureToken.timingSafeEqual(entry.browser, browser)

// Used and expired tokens are kept too, so that the page can give the reason. The oldest are removed first.
const maxEntries = 1000

/** @internal */
export const make = <Subject>(lifetime: Duration.Duration): Effect.Effect<OneTimeTokens<Subject>> =>
  Effect.map(Ref.make<ReadonlyMap<string, Entry<Subject>>>(new Map()), (entries) => {
    const put: OneTimeTokens<Subject>["put"] = (token, browser, subject) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.update(entries, (before) =>
          new Map([
            ...[...before].slice(1 - maxEntries),
            [token, { browser, subject, expiresAt: now + Duration.toMillis(lifetime), isUsed: false }]
          ])))
    return {
      put,
      issue: (browser, subject) => Effect.tap(secureToken.token, (token) => put(token, browser, subject)),
      consume: (token, browser) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          // A lookup in a map, not a comparison: its duration reveals nothing about other tokens.
          const entry = yield* Ref.modify(entries, (before) => {
            const entry = before.get(token)
            return [
              entry,
              entry === undefined || !isFor(entry, browser)
                ? before
                : new Map(before).set(token, { ...entry, isUsed: true })
            ]
          })
          if (entry === undefined) return yield* new RefusedToken({ reason: "unknown" })
          if (!isFor(entry, browser)) return yield* new RefusedToken({ reason: "foreign" })
          if (entry.isUsed) return yield* new RefusedToken({ reason: "used" })
          if (now > entry.expiresAt) return yield* new RefusedToken({ reason: "expired" })
          return entry.subject
        })
    }
  })
