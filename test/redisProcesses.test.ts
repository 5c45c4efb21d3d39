// @effect-diagnostics globalTimers:off
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Duration, Effect, Layer, Option, Order, Redacted } from "effect"
import { build } from "esbuild"
import { spawn } from "node:child_process"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout } from "node:timers"
import { fileURLToPath } from "node:url"
import * as Consent from "../src/Consent.js"
import * as IdentityControls from "../src/IdentityControls.js"
import { agent, asUser } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { consents, required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"
import { seal, sealKey, server } from "./support/redis.js"
import type { Command } from "./support/redisWorker.js"
import { layer as overHttp, origin } from "./support/server.js"
import { temporary } from "./support/temporary.js"

const count = 4

const bundled = Effect.tap(temporary, (home) =>
  Effect.promise(async () => {
    await build({
      entryPoints: [fileURLToPath(new URL("support/redisWorker.ts", import.meta.url))],
      outfile: join(home, "worker.mjs"),
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      logLevel: "error"
    })
    symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(home, "node_modules"))
  }))

/** Starts a process, and ends it with the scope. Warnings are on its standard output as lines with `level=`. */
const start = (args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] })
      const logged: Array<string> = []
      let errors = ""
      child.stderr.on("data", (chunk) => errors += String(chunk))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const next = async (): Promise<string> => {
        const { value } = await lines.next()
        const line = String(value)
        if (!line.startsWith("timestamp=")) return line
        logged.push(line)
        return next()
      }
      return {
        send: (command: Command) => child.stdin.write(`${JSON.stringify(command)}\n`),
        next: Effect.promise(next),
        logged,
        errors: () => errors,
        kill: () => child.kill("SIGKILL")
      }
    }),
    ({ kill }) => Effect.sync(kill)
  )

const world = Effect.gen(function*() {
  const redis = yield* server()
  const home = yield* bundled
  const args = [join(home, "worker.mjs"), yield* origin, redis.url, sealKey]
  const processes = yield* Effect.all(Arr.makeBy(count, () => start(args)), { concurrency: count })
  for (const { next } of processes) assert.strictEqual(yield* next, "ready")
  const { identity, workloadAccessToken } = yield* agent
  const { journal } = yield* IdentityControls.IdentityControls
  const token = Redacted.value(workloadAccessToken)
  const all = (command: Command) =>
    Effect.suspend(() => {
      for (const { send } of processes) send(command)
      return Effect.forEach(processes, ({ next }) => next)
    })
  const requests = Effect.map(
    journal,
    (all) => all.filter(({ operation }) => operation === "getResourceOauth2Token").length
  )
  return { redis, processes, identity, workloadAccessToken, token, all, requests }
})

const Live = Layer.merge(seal, overHttp)

describe("four processes with Redis", () => {
  it.scopedLive(
    "send one request and one refresh for each grant, and an invalidation in one holds in all",
    () =>
      Effect.gen(function*() {
        const { all, processes: [first], requests, token } = yield* world
        const [one, ...others] = yield* all({ get: ["a"], token })
        assertEqual(others, [one, one, one])
        assert.strictEqual(yield* requests, 1)
        assertEqual(yield* all({ get: ["a"], token }), [one, one, one, one])
        assert.strictEqual(yield* requests, 1)
        // The last half of twenty seconds.
        yield* Effect.sleep("11 seconds")
        yield* all({ get: ["a"], token })
        yield* Effect.repeat(Effect.delay(requests, "100 millis"), { until: (count) => count > 1, times: 40 })
        yield* Effect.sleep("300 millis")
        assert.strictEqual(yield* requests, 2)
        const refreshed = yield* all({ get: ["a"], token })
        assert.lengthOf(new Set(refreshed), 1)
        assert.strictEqual(yield* requests, 2)
        first?.send({ invalidate: "github" })
        assert.strictEqual(yield* first?.next ?? Effect.succeed("no process"), "invalidated")
        yield* all({ get: ["a"], token })
        assert.strictEqual(yield* requests, 3)
      }).pipe(Effect.provide(Live)),
    60_000
  )

  it.scopedLive(
    "send one request that takes seven seconds, and another one soon if the process that sent it is killed",
    () =>
      Effect.gen(function*() {
        const redis = yield* server()
        const home = yield* bundled
        const requests: Array<string> = []
        const { origin: endpoint } = yield* answering((request, response) => {
          const index = requests.push(`${request.url}`)
          // The third request has no reply.
          if (index === 3) return
          setTimeout(() => {
            response.writeHead(200, { "content-type": "application/json" }).end(`{"accessToken":"token-${index}"}`)
          }, index === 1 ? 7000 : 0)
        })
        const args = [join(home, "worker.mjs"), endpoint, redis.url, sealKey]
        const [one, other] = yield* Effect.all([start(args), start(args)], { concurrency: 2 })
        yield* Effect.all([one.next, other.next])
        for (const { send } of [one, other]) send({ get: ["slow"], token: "workload" })
        assertEqual([yield* one.next, yield* other.next], ["token-1", "token-1"])
        assert.lengthOf(requests, 1)
        other.send({ get: ["next"], token: "workload" })
        assert.strictEqual(yield* other.next, "token-2")

        one.send({ get: ["lost"], token: "workload" })
        yield* Effect.sleep("500 millis")
        other.send({ get: ["lost"], token: "workload" })
        yield* Effect.sleep("500 millis")
        assert.lengthOf(requests, 3)
        one.kill()
        const [duration, token] = yield* Effect.timed(other.next)
        assert.strictEqual(token, "token-4")
        assert.isAbove(Duration.toMillis(duration), 2000)
        assert.isBelow(Duration.toMillis(duration), 6000)
      }),
    60_000
  )

  it.scopedLive(
    "give one token for a handle that all resume at the same instant, in 25 rounds",
    () =>
      Effect.gen(function*() {
        const { all, identity, token, workloadAccessToken } = yield* world
        for (const round of Arr.range(1, 25)) {
          const consent = yield* required(
            identity.getToken({ ...asUser, scopes: [`scope-${round}`], workloadAccessToken, consent: Consent.suspend })
          )
          yield* consents(consent)
          const { handle = Redacted.make("none") } = consent
          const outcomes = yield* all({ resume: Redacted.value(handle), token })
          assertEqual(Arr.sort(outcomes, Order.string), ["Replayed", "Replayed", "Replayed", "token"])
        }
      }).pipe(Effect.provide(Live)),
    60_000
  )

  it.scopedLive("wake a wait in one when the consent is completed in another", () =>
    Effect.gen(function*() {
      const { processes, token } = yield* world
      const { approve } = yield* IdentityControls.IdentityControls
      const [waiting, completing] = processes
      if (waiting === undefined || completing === undefined) return assert.fail("no processes")
      waiting.send({ wait: "repo", token })
      const sessionUri = yield* waiting.next
      yield* approve(Redacted.make(sessionUri))
      completing.send({ complete: sessionUri })
      assert.strictEqual(yield* completing.next, "completed")
      assertEqual(yield* Effect.timeoutOption(waiting.next, "5 seconds"), Option.some("token"))
    }).pipe(Effect.provide(Live)), 60_000)

  it.scopedLive(
    "work on their own while Redis is down, print nothing but one warning, and share again when it is back",
    () =>
      Effect.gen(function*() {
        const { all, processes, redis, requests, token } = yield* world
        const before = yield* all({ get: ["a"], token })
        yield* redis.kill
        // From memory, and then by a request of each process.
        assertEqual(yield* all({ get: ["a"], token }), before)
        assert.strictEqual(yield* requests, 1)
        yield* all({ get: ["b"], token })
        assert.strictEqual(yield* requests, 1 + count)
        yield* redis.start
        yield* Effect.sleep("2 seconds")
        yield* all({ get: ["c"], token })
        assert.strictEqual(yield* requests, 2 + count)
        for (const { errors, logged } of processes) {
          assert.strictEqual(errors(), "")
          assert.lengthOf(logged.filter((line) => line.includes("level=WARN")), 1)
        }
      }).pipe(Effect.provide(Live)),
    60_000
  )
})
