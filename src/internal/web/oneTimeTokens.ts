/** One-time tokens, each bound to the browser that received it: in the forms of pages, and as the `state` of redirects. */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
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
  readonly size: number
}

/** The limit of a collection. A token that exceeds it removes the oldest ones, which are also the first to expire. */
interface Limit<in Subject> {
  /** The largest sum of the sizes of the tokens that are not used. */
  readonly maxSize: number
  readonly sizeOf: (subject: Subject) => number
}

/** For subjects of a small, constant size. */
const tenThousand: Limit<unknown> = { maxSize: 10_000, sizeOf: () => 1 }

/** The number of used tokens that are kept, without their subjects, so that the page can give the reason. */
const maxUsed = 1000

/** A map that can remove its oldest entry. */
const makeQueue = <A>() => {
  const entries = new Map<string, A>()
  // One iterator for all removals: a new one would first skip the places of the removed entries.
  const keys = entries.keys()
  return {
    entries,
    /** Removes the oldest entry. There must be one. */
    removeFirst: (): A | undefined => {
      const { value: key = "" } = keys.next()
      const entry = entries.get(key)
      entries.delete(key)
      return entry
    }
  }
}

/** @internal */
export const make = <Subject>(
  lifetime: Duration.Duration,
  { maxSize, sizeOf }: Limit<Subject> = tenThousand
): Effect.Effect<OneTimeTokens<Subject>> =>
  Effect.sync(() => {
    // Tokens that are not used; those that have expired are kept, so that the page can give the reason.
    const unused = makeQueue<Entry<Subject>>()
    /** The browsers that received the used tokens. */
    const used = makeQueue<string>()
    let size = 0

    const put: OneTimeTokens<Subject>["put"] = (token, browser, subject) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const entry = { browser, subject, expiresAt: now + Duration.toMillis(lifetime), size: sizeOf(subject) }
        size += entry.size - (unused.entries.get(token)?.size ?? 0)
        unused.entries.set(token, entry)
        while (size > maxSize && unused.entries.size > 1) size -= unused.removeFirst()?.size ?? 0
      })

    const use = (token: string, { browser, size: freed }: Entry<Subject>) => {
      unused.entries.delete(token)
      size -= freed
      used.entries.set(token, browser)
      if (used.entries.size > maxUsed) used.removeFirst()
    }

    const consumeAt = (token: string, browser: string, now: number): Effect.Effect<Subject, RefusedToken> => {
      // A lookup in a map, not a comparison: its duration reveals nothing about other tokens.
      const entry = unused.entries.get(token)
      const owner = entry?.browser ?? used.entries.get(token)
      if (owner === undefined) return new RefusedToken({ reason: "unknown" })
      if (!secureToken.timingSafeEqual(owner, browser)) return new RefusedToken({ reason: "foreign" })
      if (entry === undefined) return new RefusedToken({ reason: "used" })
      use(token, entry)
      return now > entry.expiresAt ? new RefusedToken({ reason: "expired" }) : Effect.succeed(entry.subject)
    }

    return {
      put,
      issue: (browser, subject) => Effect.tap(secureToken.token, (token) => put(token, browser, subject)),
      consume: (token, browser) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.suspend(() => consumeAt(token, browser, now)))
    }
  })
