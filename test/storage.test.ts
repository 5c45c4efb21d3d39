import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Logger, LogLevel, Redacted, Scope, TestClock } from "effect"
import type * as IdentityApi from "../src/IdentityApi.js"
import { Throttled } from "../src/IdentityError.js"
import * as emulator from "../src/internal/emulator/emulator.js"
import { StorageProblem } from "../src/internal/emulator/persistence/durableStore.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as stub from "./support/issuer.js"
import * as Stored from "./support/storage.js"

type Api = IdentityApi.IdentityApi["Type"]

const settings = emulator.settings({})

/** Lets fibers run until all of them wait. */
const idle = Effect.yieldNow().pipe(Effect.repeatN(50))

/** A new emulator with a storage that holds every commit from now on. */
const holding = Effect.gen(function*() {
  const held = yield* Stored.make()
  const { api, controls } = yield* emulator.makeStored(settings, held.storage)
  yield* held.hold
  return { ...held, api, controls }
})

const create = (api: Api, name: string) => api.createWorkloadIdentity({ name })

const isDone = (fiber: Fiber.RuntimeFiber<unknown, unknown>) => fiber.unsafePoll() !== null

const done = ({ done }: Stored.Held) => Effect.zipRight(Deferred.succeed(done, undefined), idle)

const names = (api: Api) =>
  Effect.map(api.listWorkloadIdentities({}), (page) => page.workloadIdentities.map(({ name }) => name))

describe("the emulator with a storage", () => {
  it.scoped("writes its format, its account and the token vault to a new storage, and nothing to an existing one", () =>
    Effect.gen(function*() {
      const { commits, records, storage } = yield* Stored.make()
      yield* emulator.makeStored(settings, storage)
      assertEqual(commits.map(Stored.keysOf), [["meta/version", "meta/owner", "vault/"]])
      assert.strictEqual(records.get("meta/version"), "2")
      assert.strictEqual(records.get("meta/owner"), "{\"accountId\":\"123456789012\",\"region\":\"us-east-1\"}")
      yield* emulator.makeStored(settings, storage)
      assert.lengthOf(commits, 1)
    }))

  it.scoped("fails to open if the first records cannot be written", () =>
    Effect.gen(function*() {
      const problem = new StorageProblem({ message: "disk full" })
      const { storage } = yield* Stored.make()
      const refused = yield* Effect.flip(emulator.makeStored(settings, { ...storage, commit: () => problem }))
      assert.strictEqual(refused, problem)
      const unread = yield* Effect.flip(emulator.makeStored(settings, { ...storage, header: problem }))
      assert.strictEqual(unread, problem)
    }))

  it.scoped("returns a change and shows it only when it is durable", () =>
    Effect.gen(function*() {
      const { api, controls, next } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      const first = yield* next
      yield* idle
      assert.isFalse(isDone(a))
      assertEqual(yield* names(api), [])
      assert.strictEqual((yield* Effect.flip(api.getWorkloadIdentity({ name: "one" })))._tag, "ResourceNotFound")
      assertEqual((yield* controls.inventory).workloadIdentities, [])
      yield* done(first)
      assert.isTrue(isDone(a))
      assertEqual(yield* names(api), ["one"])
    }))

  it.scoped("writes all changes that are decided during a write as one batch, and returns them with it", () =>
    Effect.gen(function*() {
      const { api, commits, next, waiting } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      const first = yield* next
      const later = yield* Effect.forEach(["two", "three", "four"], (name) => Effect.fork(create(api, name)))
      const removed = yield* Effect.fork(api.deleteWorkloadIdentity({ name: "one" }))
      yield* idle
      assert.strictEqual(yield* waiting, 0)
      yield* done(first)
      assert.isTrue(isDone(a))
      assert.isFalse([...later, removed].some(isDone))
      const second = yield* next
      assertEqual(
        new Set(Stored.keysOf(second.changes)),
        new Set(["workloads/two", "workloads/three", "workloads/four", "-workloads/one"])
      )
      assertEqual(yield* names(api), ["one"])
      yield* done(second)
      assert.isTrue([...later, removed].every(isDone))
      assertEqual(yield* names(api), ["four", "three", "two"])
      assert.lengthOf(commits, 3)
      assert.strictEqual(yield* waiting, 0)
    }))

  it.scoped("an error that is caused by a waiting change returns after that change", () =>
    Effect.gen(function*() {
      const { api, next } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      const first = yield* next
      const b = yield* Effect.fork(create(api, "two"))
      yield* idle
      const twin = yield* Effect.fork(Effect.flip(create(api, "two")))
      yield* idle
      yield* done(first)
      assertEqual([a, b, twin].map(isDone), [true, false, false])
      yield* done(yield* next)
      assertEqual([a, b, twin].map(isDone), [true, true, true])
      assertContains(yield* Fiber.join(twin), {
        _tag: "ValidationError",
        message: "Workload identity 'two' already exists"
      })
    }))

  it.scoped("an error that is caused by a change in writing returns after that change", () =>
    Effect.gen(function*() {
      const { api, next } = yield* holding
      yield* Effect.fork(create(api, "one"))
      const first = yield* next
      const twin = yield* Effect.fork(Effect.flip(create(api, "one")))
      yield* idle
      assert.isFalse(isDone(twin))
      yield* done(first)
      assert.isTrue(isDone(twin))
    }))

  it.scoped("a decision without a change returns at once if nothing is being written, and writes nothing", () =>
    Effect.gen(function*() {
      const { api, controls, next, waiting } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      yield* done(yield* next)
      yield* Fiber.join(a)
      assert.strictEqual((yield* Effect.flip(create(api, "one")))._tag, "ValidationError")
      assert.strictEqual((yield* Effect.flip(api.deleteWorkloadIdentity({ name: "two" })))._tag, "ResourceNotFound")
      yield* controls.setIssuer("any", undefined)
      yield* controls.failNext("getTokenVault", new Throttled({ operation: "GetTokenVault", message: "slow down" }))
      assert.strictEqual((yield* Effect.flip(api.getTokenVault({})))._tag, "Throttled")
      assert.strictEqual(yield* waiting, 0)
    }))

  it.scoped("a change is written even if its caller is interrupted", () =>
    Effect.gen(function*() {
      const { api, next } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      const first = yield* next
      const b = yield* Effect.fork(create(api, "two"))
      const twin = yield* Effect.fork(create(api, "two"))
      yield* idle
      for (const fiber of [a, b, twin]) assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* done(first)
      yield* done(yield* next)
      assertEqual(yield* names(api), ["one", "two"])
    }))

  it.scoped("the journal, pending failures and machine tokens are not written", () =>
    Effect.gen(function*() {
      const { arrival, issuer } = yield* stub.make()
      const held = yield* Stored.make()
      const world = yield* stub.stored(issuer, held.storage)
      yield* stub.setUp(world)
      const asked = yield* world.request("ada", { oauth2Flow: "M2M" })
      const before = held.commits.length
      yield* held.hold
      const first = yield* Effect.fork(world.api.getResourceOauth2Token(asked))
      yield* Deferred.succeed((yield* arrival).answer, stub.token("machine-1"))
      assert.strictEqual(stub.shown(yield* Fiber.join(first)), "machine-1")
      assert.strictEqual(stub.shown(yield* world.api.getResourceOauth2Token(asked)), "machine-1")
      yield* world.controls.clearFailures()
      yield* world.controls.clearJournal
      assertEqual(yield* world.controls.journal, [])
      assert.lengthOf(held.commits, before)
      assert.strictEqual(yield* held.waiting, 0)
    }))

  it.scoped("diagnostics change at once during a write, and the write loses nothing", () =>
    Effect.gen(function*() {
      const { api, controls, next } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      const first = yield* next
      const b = yield* Effect.fork(create(api, "two"))
      yield* idle
      yield* controls.clearJournal
      yield* names(api)
      assertEqual((yield* controls.journal).map(({ operation }) => operation), ["listWorkloadIdentities"])
      yield* done(first)
      yield* done(yield* next)
      assert.isTrue(isDone(a) && isDone(b))
      assertEqual(yield* names(api), ["one", "two"])
    }))

  it.scoped("after a failed write the durable state stays, and only operations without a change succeed", () =>
    Effect.gen(function*() {
      const { api, commits, controls, next, release, waiting } = yield* holding
      const a = yield* Effect.fork(create(api, "one"))
      yield* done(yield* next)
      yield* Fiber.join(a)
      const b = yield* Effect.fork(Effect.flip(create(api, "two")))
      const second = yield* next
      const c = yield* Effect.fork(Effect.flip(create(api, "three")))
      yield* idle
      yield* Deferred.fail(second.done, new StorageProblem({ message: "disk full" }))
      for (const fiber of [b, c]) {
        assertContains(yield* Fiber.join(fiber), {
          _tag: "InternalServerError",
          message:
            "the change could not be stored (disk full), and later changes are refused until the store is opened again"
        })
      }
      yield* release
      assertEqual(yield* names(api), ["one"])
      assert.strictEqual((yield* Effect.flip(create(api, "two")))._tag, "InternalServerError")
      assert.strictEqual((yield* Effect.flip(create(api, "one")))._tag, "ValidationError")
      assert.strictEqual((yield* Effect.flip(api.deleteWorkloadIdentity({ name: "two" })))._tag, "ResourceNotFound")
      yield* controls.clearJournal
      assertEqual(yield* controls.journal, [])
      assert.lengthOf(commits, 2)
      assert.strictEqual(yield* waiting, 0)
      const exit = yield* Effect.exit(controls.setSecret("mine", Redacted.make("{}")))
      assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Die")
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None)))

  it.scoped("a failed write is logged with its cause and its consequence", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ cause, logLevel, message }) => {
        lines.push(`${logLevel.label} ${String(message)} ${Cause.pretty(cause)}`)
      })
      yield* Effect.gen(function*() {
        const { api, next } = yield* holding
        const a = yield* Effect.fork(Effect.flip(create(api, "one")))
        yield* Deferred.fail((yield* next).done, new StorageProblem({ message: "disk full" }))
        yield* Fiber.join(a)
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      const written = lines.filter((line) => line.includes("disk full"))
      assert.lengthOf(written, 1)
      assert.include(
        written[0],
        "ERROR A change could not be stored, and later changes are refused. StorageProblem: disk full"
      )
    }))

  it.scoped("closing writes waiting changes, and refuses later ones", () =>
    Effect.gen(function*() {
      const held = yield* Stored.make()
      const scope = yield* Scope.make()
      const { api } = yield* Scope.extend(emulator.makeStored(settings, held.storage), scope)
      yield* held.hold
      const a = yield* Effect.fork(create(api, "one"))
      const first = yield* held.next
      const b = yield* Effect.fork(create(api, "two"))
      yield* idle
      const closed = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* idle
      assert.isFalse(isDone(closed))
      yield* held.release
      yield* done(first)
      yield* Fiber.join(closed)
      yield* Fiber.joinAll([a, b])
      assert.isTrue(held.records.has("workloads/one") && held.records.has("workloads/two"))
      assert.strictEqual((yield* Effect.flip(create(api, "three")))._tag, "InternalServerError")
      assert.isFalse(held.records.has("workloads/three"))
    }))
})

describe("a write", () => {
  it.scoped("with 2,000 stored tokens is one record for a new token, and removes the records of ended ones", () =>
    Effect.gen(function*() {
      const { commits, records, storage } = yield* Stored.make()
      const { api } = yield* emulator.makeStored(settings, storage)
      yield* create(api, "one")
      const mint = api.getWorkloadAccessToken({ workloadName: "one" })
      yield* Effect.replicateEffect(mint, 2_000, { concurrency: "unbounded", discard: true })
      yield* mint
      assert.lengthOf(commits.at(-1) ?? [], 1)
      const before = [...records.keys()].filter((key) => key.startsWith("workloadTokens/"))
      yield* TestClock.adjust("61 minutes")
      yield* mint
      const changes = Stored.keysOf(commits.at(-1) ?? [])
      assert.lengthOf(changes, 17)
      const removed = changes.filter((key) => key.startsWith("-")).map((key) => key.slice(1))
      assert.lengthOf(removed, 16)
      for (const key of removed) assert.include(before, key)
      assert.lengthOf([...records.keys()].filter((key) => key.startsWith("workloadTokens/")), 2_001 - 15)
    }))
})

describe("a restart", () => {
  it.scoped("during a claim leaves a session that can be completed, once", () =>
    Effect.gen(function*() {
      for (const hasBrowser of [false, true]) {
        const before = yield* stub.make({ hasBrowser })
        const held = yield* Stored.make()
        const world = yield* stub.stored(before.issuer, held.storage)
        yield* stub.setUp(world)
        const { complete, sessionUri } = yield* world.approved("ada")
        yield* Effect.fork(complete)
        yield* before.arrival
        assert.include(held.records.get(`sessions/${Redacted.value(sessionUri)}`), "\"completing\"")

        const after = yield* stub.make({ hasBrowser })
        const again = yield* stub.stored(after.issuer, (yield* Stored.make(held.records)).storage)
        assertEqual((yield* again.controls.sessions).map(({ status }) => status), ["approved"])
        const completing = again.api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "ada" } })
        const completed = yield* Effect.fork(completing)
        const { answer, request } = yield* after.arrival
        assertEqual(
          "code" in request ? request.code : undefined,
          hasBrowser ? Redacted.make("code") : undefined
        )
        assert.strictEqual((yield* Effect.flip(completing))._tag, "AccessDenied")
        yield* Deferred.succeed(answer, stub.token("ada-1"))
        yield* Fiber.join(completed)
        assert.strictEqual(stub.shown(yield* again.ask("ada")), "ada-1")
      }
    }))

  it.scoped("keeps sessions as they are unless they were being completed", () =>
    Effect.gen(function*() {
      const issuer = yield* stub.make()
      const held = yield* Stored.make()
      const world = yield* stub.stored(issuer.issuer, held.storage)
      yield* stub.setUp(world)
      const { sessionUri } = yield* world.approved("ada")
      const { sessionUri: denied = sessionUri } = yield* world.ask("bob")
      yield* world.controls.deny(denied)
      yield* world.ask("eve")
      const { complete } = yield* world.approved("dan")
      const completed = yield* Effect.fork(complete)
      yield* Deferred.succeed((yield* issuer.arrival).answer, stub.token("dan-1"))
      yield* Fiber.join(completed)
      const again = yield* stub.stored(issuer.issuer, (yield* Stored.make(held.records)).storage)
      assertEqual(yield* again.controls.sessions, yield* world.controls.sessions)
      assertEqual(
        (yield* again.controls.sessions).map(({ status }) => status),
        ["approved", "failed", "pending", "completed"]
      )
      yield* again.ask("ada", { forceAuthentication: true })
      assertEqual((yield* again.controls.sessions).map(({ id }) => id), [1, 2, 3, 4, 5])
    }))

  it.scoped("after a deletion and a creation in one batch keeps both", () =>
    Effect.gen(function*() {
      const { commits, records, storage } = yield* Stored.make()
      const { api } = yield* emulator.makeStored(settings, storage)
      for (const name of ["old", "kept"]) yield* create(api, name)
      const before = commits.length
      yield* Effect.all([api.deleteWorkloadIdentity({ name: "old" }), create(api, "new")], { concurrency: "unbounded" })
      assertEqual(commits.slice(before).map(Stored.keysOf), [["workloads/new", "-workloads/old"]])
      const { api: again } = yield* emulator.makeStored(settings, (yield* Stored.make(records)).storage)
      assertEqual(yield* names(again), ["kept", "new"])
    }))

  it.scoped("finds no tags, policies, tokens, sessions or grants of deleted resources", () =>
    Effect.gen(function*() {
      const { records, storage } = yield* Stored.make()
      const { api, controls } = yield* emulator.makeStored(settings, storage)
      const { consentPortalId, resourceArns } = yield* Stored.populate(api, controls)
      for (const resourceArn of resourceArns) {
        yield* api.tagResource({ resourceArn, tags: { team: "agents" } })
        yield* api.putResourcePolicy({ resourceArn, policy: "{}" })
      }
      const tables = () => [...new Set([...records.keys()].map((key) => key.slice(0, key.indexOf("/"))))].toString()
      assert.include(tables(), "policies")
      for (const name of [stub.workloadName, "linked"]) yield* api.deleteWorkloadIdentity({ name })
      yield* api.deleteOauth2CredentialProvider({ name: stub.providerName })
      for (const name of ["key", "external"]) yield* api.deleteApiKeyCredentialProvider({ name })
      for (const name of ["coinbase", "privy"]) yield* api.deletePaymentCredentialProvider({ name })
      yield* api.deleteConsentPortal({ consentPortalIdentifier: consentPortalId })
      assert.strictEqual(tables(), "meta,vault,issuers,secrets,sessionsOpened")
    }))
})
