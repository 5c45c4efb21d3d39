import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option } from "effect"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as Redis from "../src/Redis.js"
import { assertEqual } from "./support/equality.js"
import { suite } from "./support/ledgerContract.js"
import { connection, server, shared } from "./support/redis.js"

const running = shared()

const ledgerAt = (url: string, options: Partial<Redis.Options> = {}) =>
  Layer.provide(Redis.layerLedger, connection(url, options))

suite("in Redis", Layer.suspend(() => ledgerAt(running().url)))

const use = <A, E>(
  layer: Layer.Layer<ConsentLedger.ConsentLedger>,
  body: (ledger: ConsentLedger.ConsentLedger["Type"]) => Effect.Effect<A, E>
) => Effect.provide(Effect.flatMap(ConsentLedger.ConsentLedger, body), layer)

describe("a ledger in Redis", () => {
  it.live("shares its entries between connections, under its prefix, and Redis removes them at their deadline", () =>
    Effect.gen(function*() {
      const { call, url } = running()
      const layer = ledgerAt(url, { prefix: "shared:" })
      const deadline = DateTime.add(yield* DateTime.now, { millis: 500 })
      assert.isTrue(yield* use(layer, ({ add }) => add("resumed/1", "value", deadline)))
      assertEqual(yield* use(layer, ({ get }) => get("resumed/1")), Option.some("value"))
      assertEqual(yield* call("KEYS", "shared:*"), ["shared:ledger:resumed/1"])
      yield* Effect.sleep("600 millis")
      assertEqual(yield* call("KEYS", "shared:*"), [])
    }))

  it.live("fails for a value that is not an entry, does not change it, and does not print it", () =>
    Effect.gen(function*() {
      const { call, url } = running()
      yield* call("SET", "strange:ledger:key", "canary")
      const later = DateTime.add(yield* DateTime.now, { minutes: 1 })
      const failures = yield* use(ledgerAt(url, { prefix: "strange:" }), (ledger) =>
        Effect.all([
          Effect.flip(ledger.get("key")),
          Effect.flip(ledger.take("key")),
          Effect.flip(ledger.add("key", "value", later)),
          Effect.flip(ledger.replace("key", "before", "after"))
        ]))
      for (const failure of failures) {
        assert.strictEqual(failure._tag, "LedgerFailure")
        assert.match(failure.message, /is not an entry of a ConsentLedger: remove it, or give Redis a prefix/)
        assert.notInclude(JSON.stringify(failure), "canary")
      }
      assert.strictEqual(yield* call("GET", "strange:ledger:key"), "canary")
    }))

  it.scopedLive("fails within its time limit while Redis is down, and works again when it is back", () =>
    Effect.gen(function*() {
      const { kill, start, url } = yield* server()
      yield* use(ledgerAt(url, { commandTimeout: "500 millis" }), (ledger) =>
        Effect.gen(function*() {
          const later = DateTime.add(yield* DateTime.now, { minutes: 1 })
          assert.isTrue(yield* ledger.add("key", "value", later))
          yield* kill
          const [duration, failure] = yield* Effect.timed(Effect.flip(ledger.get("key")))
          assert.match(
            failure.message,
            /^the ConsentLedger could not use Redis: (not connected|the connection was closed)$/
          )
          assert.isBelow(Duration.toMillis(duration), 1500)
          yield* start
          yield* Effect.retry(ledger.get("key"), { times: 10 })
          assert.isTrue(yield* ledger.add("key", "value", later))
        }))
    }))
})
