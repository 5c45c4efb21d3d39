// @effect-diagnostics anyUnknownInErrorContext:off
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Logger } from "effect"
import { randomUUID } from "node:crypto"
import { performance } from "node:perf_hooks"
import { machine } from "./support/cached.js"
import { server } from "./support/redis.js"
import { instance, pair, service } from "./support/redisCache.js"

/** Collects the messages that are logged. */
const recorded = <A, E, R>(use: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    lines.push(`${logLevel.label} ${String(message)}`)
  })
  return Effect.provide(use(lines), Logger.replace(Logger.defaultLogger, logger))
}

const warnings = (lines: ReadonlyArray<string>) => lines.filter((line) => line.startsWith("WARN"))

describe("without Redis", () => {
  for (const outage of ["kill", "freeze"] as const) {
    it.scopedLive(
      `(${outage}) calls are delayed by at most 250 ms, tokens are kept in memory, and one warning is logged`,
      () =>
        recorded((lines) =>
          Effect.gen(function*() {
            const redis = yield* server()
            const own = service()
            const [one, other] = yield* pair(own, { url: redis.url, store: {} })
            yield* one.get()
            yield* redis[outage]
            const durations: Array<number> = []
            // The time in which this process waits: on a loaded machine it also runs slowly.
            const timed = <A, E>(self: Effect.Effect<A, E>) =>
              Effect.suspend(() => {
                const before = performance.eventLoopUtilization()
                return Effect.tap(self, () =>
                  Effect.sync(() => {
                    durations.push(performance.eventLoopUtilization(before).idle)
                  }))
              })
            assert.strictEqual(yield* timed(one.get()), "token-1")
            for (let index = 0; index < 20; index++) {
              const options = { ...machine, scopes: [`scope-${index}`] }
              const token = yield* timed(one.get(options))
              assert.strictEqual(yield* timed(one.get(options)), token)
              if (index % 5 === 0) yield* Effect.sleep("300 millis")
            }
            yield* timed(one.cache.invalidate({ providerName: "github" }))
            assert.isBelow(Math.max(...durations), 250)
            assert.lengthOf(own.requests, 21)
            // A frozen server is noticed by the instance that uses it, a closed connection by both.
            assert.lengthOf(warnings(lines), outage === "kill" ? 2 : 1, lines.join("\n"))
            yield* outage === "kill" ? redis.start : redis.thaw
            yield* Effect.sleep("3 seconds")
            // Nothing from before the invalidation is used.
            const next = yield* other.get()
            assert.strictEqual(next, "token-22")
            assert.strictEqual(yield* one.get(), next)
            assert.lengthOf(own.requests, 22)
          })
        ),
      30_000
    )
  }

  it.live(
    "the layer is built, and its scope ends soon, also after a freeze",
    () =>
      recorded((lines) =>
        Effect.gen(function*() {
          const own = service()
          const at = randomUUID()
          const [built] = yield* Effect.timed(Effect.scoped(
            Effect.flatMap(
              instance(own, at, { url: "redis://127.0.0.1:1" }),
              ({ get }) => Effect.zipRight(get(), get())
            )
          ))
          assert.isBelow(Duration.toMillis(built), 1000)
          assert.lengthOf(own.requests, 1)
          assert.lengthOf(warnings(lines), 1)
          yield* Effect.scoped(Effect.gen(function*() {
            const redis = yield* server()
            const frozen = Effect.gen(function*() {
              const { get } = yield* instance(own, at, { url: redis.url })
              yield* get()
              yield* redis.freeze
            })
            const [closing] = yield* Effect.timed(Effect.scoped(frozen))
            assert.isBelow(Duration.toMillis(closing), 1500)
            yield* redis.thaw
          }))
        })
      ),
    30_000
  )
})
