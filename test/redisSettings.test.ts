import { assert, describe, it } from "@effect/vitest"
import {
  ConfigProvider,
  Context,
  Duration,
  Effect,
  Fiber,
  Layer,
  Logger,
  Option,
  Redacted,
  TestClock,
  TestServices
} from "effect"
import { inspect } from "node:util"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as Redis from "../src/Redis.js"
import * as TokenCache from "../src/TokenCache.js"
import { assertEqual } from "./support/equality.js"
import { connection, prefix, seal, server, shared, unhurriedConnection } from "./support/redis.js"
import { ensureRedis, type Facts } from "./support/redisHost.js"

const running = shared()

const failure = (options: Redis.Options) => Effect.flip(Effect.scoped(Layer.build(Redis.layer(options))))

describe("the options of Redis.layer", () => {
  it.effect("are rejected with the option and the rule, and without the URL", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [Redis.Options, RegExp]> = [
        [{ url: "localhost:6379/canary" }, /url must be redis:\/\/HOST:PORT or rediss:\/\/HOST:PORT/],
        [{ url: "https://canary" }, /url must be redis:/],
        [{ url: Redacted.make("redis://:canary@localhost/?x=1") }, /url must have no parameters/],
        [{ url: "redis://:canary@localhost/one" }, /the path of url must be the number of a database/],
        [{ url: "redis://:%@localhost/0" }, /percent-encoded/],
        [{ url: "redis://localhost", prefix: "" }, /prefix must not be empty/],
        [
          { url: "redis://localhost", certificateAuthorities: ["canary"] },
          /certificateAuthorities need a url with rediss/
        ],
        [
          { url: "rediss://localhost", certificateAuthorities: ["canary"] },
          /certificateAuthorities\[0\] is not PEM text/
        ],
        [{ url: "redis://localhost", connectTimeout: 0 }, /connectTimeout must be a finite duration/],
        [{ url: "redis://localhost", commandTimeout: Duration.infinity }, /commandTimeout must be a finite duration/]
      ]
      for (const [options, expected] of cases) {
        const error = yield* failure(options)
        assert.match(String(error), expected)
        assert.notInclude(String(error) + inspect(error, { depth: 9 }), "canary")
      }
    }))

  it.scopedLive("may come from REDIS_URL, with a password that is not printed, and the number of a database", () =>
    Effect.gen(function*() {
      const { url } = yield* server("--requirepass", "canary-password")
      const withPassword = `${url.replace("redis://", "redis://:canary-password@")}/3`
      const provider = ConfigProvider.fromMap(new Map([["REDIS_URL", withPassword]]))
      const context = yield* Layer.build(
        Redis.layerLedger.pipe(
          Layer.provide(Redis.layerConfig()),
          Layer.provide(Layer.setConfigProvider(provider))
        )
      )
      const ledger = Context.get(context, ConsentLedger.ConsentLedger)
      yield* ledger.get("key")
      assert.notInclude(inspect([context, ledger], { depth: 9 }), "canary")
    }))

  it.scopedLive("with a wrong password fail the ledger, and are logged once, without the password", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ cause, message }) => {
        lines.push(inspect([message, cause], { depth: 9 }))
      })
      const { url } = yield* server("--requirepass", "right")
      const password = Redacted.make("canary-password")
      const context = yield* Layer.build(
        Redis.layerLedger.pipe(
          Layer.provide(connection(url, { password, commandTimeout: "300 millis" })),
          Layer.provide(Logger.replace(Logger.defaultLogger, logger))
        )
      )
      const error = yield* Effect.flip(Context.get(context, ConsentLedger.ConsentLedger).get("key"))
      assert.strictEqual(error._tag, "LedgerFailure")
      yield* Effect.sleep("2500 millis")
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "error reply WRONGPASS")
      assert.notInclude(lines.join() + inspect(error, { depth: 9 }), "canary")
    }))
})

/** Moves the test clock by a second at a time, and lets the commands between end. */
const passing = (seconds: number) =>
  Effect.repeatN(
    Effect.zipRight(TestClock.adjust("1 second"), TestServices.provideLive(Effect.sleep("10 millis"))),
    seconds - 1
  )

describe("the lease of a request", () => {
  it.scopedLive("ends after its time if the process that has it ends", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(
        Redis.layerTokenStore({ lease: "500 millis" }).pipe(
          Layer.provide(connection(running().url, { prefix: prefix() })),
          Layer.provide(seal)
        )
      )
      const store = Context.get(context, TokenCache.SharedStore)
      if (store === undefined) return assert.fail("no store")
      const address = { key: "key", tags: ["key", "provider"] }
      const first = yield* store.find(address)
      const second = yield* store.find(address)
      assertEqual([first._tag, second._tag], ["Leased", "Busy"])
      yield* Effect.sleep("600 millis")
      const third = yield* store.find(address)
      assert.strictEqual(third._tag, "Leased")
      // The lease that has ended does not end that of another process.
      if (first._tag === "Leased") yield* store.release("key", first.lease)
      assert.strictEqual((yield* store.find(address))._tag, "Busy")
      if (third._tag === "Leased") yield* store.release("key", third.lease)
      assert.strictEqual((yield* store.find(address))._tag, "Leased")
    }))

  it.scoped("is renewed three times in its time, and not after the longest lease", () =>
    Effect.gen(function*() {
      let commands = 0
      const context = yield* Layer.build(
        Redis.layerTokenStore({ lease: "6 seconds", maxLease: "30 seconds" }).pipe(
          Layer.provide(unhurriedConnection(running().url, () => commands++)),
          Layer.provide(seal)
        )
      )
      const store = Context.get(context, TokenCache.SharedStore)
      if (store === undefined) return assert.fail("no store")
      const found = yield* store.find({ key: "kept", tags: ["kept"] })
      if (found._tag !== "Leased") return assert.fail(found._tag)
      commands = 0
      const keeper = yield* Effect.fork(store.keep("kept", found.lease))
      const counts: Array<number> = []
      for (const seconds of [1, 1, 4, 14, 60]) {
        yield* passing(seconds)
        counts.push(commands)
      }
      // The last one is at 22 seconds, so the lease ends at 28.
      assertEqual(counts, [0, 1, 3, 10, 11])
      yield* Fiber.join(keeper)
      // A lease that has ended is not renewed.
      yield* store.release("kept", found.lease)
      const late = yield* Effect.fork(store.keep("kept", found.lease))
      commands = 0
      yield* passing(3)
      yield* Fiber.join(late)
      assert.strictEqual(commands, 1)
    }))

  it.scopedLive("does not store a token whose tags have changed since, or were lost", () =>
    Effect.gen(function*() {
      const { call } = running()
      const at = prefix()
      const context = yield* Layer.build(
        Redis.layerTokenStore().pipe(Layer.provide(connection(running().url, { prefix: at })), Layer.provide(seal))
      )
      const store = Context.get(context, TokenCache.SharedStore)
      if (store === undefined) return assert.fail("no store")
      const address = { key: "key", tags: ["key", "provider"] }
      const token = { credential: Redacted.make("token"), expiresAt: Infinity, refreshAt: Infinity }
      const put = Effect.gen(function*() {
        const found = yield* store.find(address)
        if (found._tag !== "Leased") return assert.fail(found._tag)
        return (change: Effect.Effect<unknown>) =>
          Effect.zipRight(change, store.put(address, { token, generation: found.generation, lease: found.lease }))
      })
      const changes: ReadonlyArray<readonly [Effect.Effect<unknown>, boolean]> = [
        [store.invalidate(["provider"], "{}"), false],
        [store.invalidate(["another"], "{}"), true],
        [Effect.flatMap(call("KEYS", `${at}tag:*`), (keys) => call("DEL", ...(keys as ReadonlyArray<string>))), false]
      ]
      for (const [change, isStored] of changes) {
        yield* call("FLUSHALL")
        assert.strictEqual(Option.isSome(yield* (yield* put)(change)), isStored)
        assert.strictEqual((yield* store.find(address))._tag, isStored ? "Found" : "Leased")
      }
    }))

  it.effect("must have a finite duration, and the longest lease must not be shorter", () =>
    Effect.gen(function*() {
      const build = (options: Parameters<typeof Redis.layerTokenStore>[0]) =>
        Effect.map(
          Effect.exit(Effect.scoped(Layer.build(
            Redis.layerTokenStore(options).pipe(
              Layer.provide(connection("redis://127.0.0.1:1")),
              Layer.provide(seal)
            )
          ))),
          String
        )
      assert.include(yield* build({ lease: Duration.infinity }), "lease must be a finite duration of more than 0")
      assert.include(yield* build({ maxLease: 0 }), "maxLease must be a finite duration of more than 0")
      assert.include(yield* build({ lease: "2 minutes" }), "maxLease must be at least lease")
    }))
})

describe("the set-up of the tests of Redis", () => {
  const facts = (options: Partial<Facts> & { readonly installs?: boolean } = {}) => {
    const commands: Array<string> = []
    const lines: Array<string> = []
    let isInstalled = false
    const ensured = ensureRedis({
      install: undefined,
      apt: () => Promise.resolve("root"),
      which: () => isInstalled ? "/usr/bin/redis-server" : undefined,
      log: (line) => lines.push(line),
      run: ({ argv, name }) => {
        commands.push(argv.join(" "))
        isInstalled = options.installs !== false && name === "apt-get install"
        return Promise.resolve(
          options.installs === false ? { command: name, code: 100, line: "E: no such package" } : undefined
        )
      },
      ...options
    }).then((path) => path, (error: Error) => error.message)
    return Effect.map(Effect.promise(() => ensured), (result) => ({ result, commands, lines }))
  }

  it.effect("uses redis-server of the PATH, and installs Debian's package if there is none", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* facts({ which: () => "/opt/redis-server" })).result, "/opt/redis-server")
      const { commands, lines, result } = yield* facts()
      assert.strictEqual(result, "/usr/bin/redis-server")
      assert.match(commands.join("\n"), /apt-get -qq update\n.*install -y --no-install-recommends .* redis-server$/)
      assert.include(lines[0], "AGENTCORE_TEST_INSTALL=0 turns this off")
    }))

  it.effect("fails with one line that says what is missing if it may not or cannot install", () =>
    Effect.gen(function*() {
      const none = "The tests of Redis need redis-server, and none was found"
      const remedy = "Install Redis 6 or later, so that redis-server is on the PATH: `apt-get install redis-server` " +
        "on Debian, `brew install redis` on macOS."
      assertEqual(
        [
          (yield* facts({ install: "maybe" })).result,
          (yield* facts({ install: "0" })).result,
          (yield* facts({ apt: () => Promise.resolve(undefined) })).result,
          (yield* facts({ installs: false })).result
        ],
        [
          "AGENTCORE_TEST_INSTALL is \"maybe\": set it to 0 (install nothing) or 1 (the default).",
          `${none}; AGENTCORE_TEST_INSTALL=0 forbids installing it. ${remedy}`,
          `${none}; it cannot be installed without apt-get as root or sudo. ${remedy}`,
          `${none}, and installing it failed: \`apt-get update\` ended with exit code 100 (E: no such package), ` +
          `\`apt-get install\` ended with exit code 100 (E: no such package). ${remedy}`
        ]
      )
    }))
})
