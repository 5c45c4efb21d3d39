import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Context,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  PubSub,
  Queue,
  Redacted,
  Ref,
  Stream,
  TestClock
} from "effect"
import { createHash } from "node:crypto"
import * as Consent from "../src/Consent.js"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as ConsentSignal from "../src/ConsentSignal.js"
import * as Credential from "../src/Credential.js"
import * as IdentityError from "../src/IdentityError.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, sessionUri, token, user } from "./support/stub.js"

const complete = { sessionUri, userIdentifier: Credential.userId("ada") }

/** The key of the session between processes. */
const key = createHash("sha256").update(Redacted.value(sessionUri)).digest("hex")

/** Lets every fiber run until it waits. */
const idle = Effect.repeatN(Effect.yieldNow(), 100)

/** A service whose first answer to a call is a session, and whose answer to a poll is a token. */
const service = answering((request) =>
  Effect.succeed(request.sessionUri === undefined ? inProgress : token("the-token"))
)

/** The lines that are logged, with their levels and causes. */
const logging = Effect.map(Queue.unbounded<string>(), (lines) => ({
  lines,
  layer: Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ cause, logLevel, message }) =>
      lines.unsafeOffer([logLevel.label, String(message), Cause.isEmpty(cause) ? "" : Cause.pretty(cause)].join(" "))
    )
  )
}))

/** A signal that a test receives and sends; `open` is the number of effects that listen to it. */
const makeSignal = (publish: Effect.Effect<void> = Effect.void) =>
  Effect.gen(function*() {
    const keys = yield* Queue.unbounded<string>()
    const published = yield* Queue.unbounded<string>()
    const arrived = yield* Deferred.make<void>()
    const open = yield* Ref.make(0)
    const signal: ConsentSignal.Signal = {
      publish: (key) => Effect.zipRight(Queue.offer(published, key), publish),
      arrival: (key) =>
        Effect.acquireUseRelease(
          Effect.zipRight(Ref.update(open, (n) => n + 1), Queue.offer(keys, key)),
          () => Deferred.await(arrived),
          () => Ref.update(open, (n) => n - 1)
        )
    }
    return {
      provided: Effect.provideService(ConsentSignal.ConsentSignal, signal),
      listens: Queue.take(keys),
      published: Queue.take(published),
      publications: Queue.size(published),
      send: Deferred.succeed(arrived, undefined),
      open: Ref.get(open)
    }
  })

const denied = new IdentityError.ConsentDenied({ providerName: "github" })

const { completionOnly } = TokenPoller

const waits = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: completionOnly })

describe("a signal of completed consents", () => {
  it.effect("is undefined unless the program provides one", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* ConsentSignal.ConsentSignal)
    }))

  it.effect("wakes a call that waits, and is listened to while the call lasts only", () =>
    Effect.gen(function*() {
      const { listens, open, provided, send } = yield* makeSignal()
      const { identity, requests } = yield* service
      const fiber = yield* Effect.fork(provided(identity.getToken({ ...user, consent: waits })))
      assert.strictEqual(yield* listens, key)
      assert.strictEqual(yield* open, 1)
      yield* send
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
      assert.strictEqual(yield* open, 0)
      assert.lengthOf(yield* requests, 2)
    }))

  it.effect("and the completion in this process together cause one poll", () =>
    Effect.gen(function*() {
      const { listens, provided, send } = yield* makeSignal()
      const { identity, requests } = yield* service
      const fiber = yield* Effect.fork(provided(identity.getToken({ ...user, consent: waits })))
      yield* listens
      yield* send
      yield* identity.completeResourceTokenAuth(complete)
      yield* Fiber.join(fiber)
      yield* idle
      assert.lengthOf(yield* requests, 2)
    }))

  it.effect("does not prevent that the completion in this process wakes a call", () =>
    Effect.gen(function*() {
      const { listens, provided } = yield* makeSignal()
      const { identity, requests } = yield* service
      const fiber = yield* Effect.fork(provided(identity.getToken({ ...user, consent: waits })))
      yield* listens
      yield* identity.completeResourceTokenAuth(complete)
      assertEqual(yield* Fiber.join(fiber), Redacted.make("the-token"))
      assert.lengthOf(yield* requests, 2)
    }))

  it.effect("is listened to no more when a call has ended in a fiber that continues", () =>
    Effect.gen(function*() {
      for (const isSuccess of [true, false]) {
        const { listens, open, provided, send } = yield* makeSignal()
        const { identity } = yield* service
        const proceed = yield* Deferred.make<void>()
        const consent = Consent.make((_, { wait }) =>
          Effect.zipRight(Deferred.await(proceed), isSuccess ? wait(completionOnly) : denied)
        )
        const call = identity.getToken({ ...user, consent })
        const fiber = yield* Effect.fork(Effect.zip(Effect.exit(provided(call)), open))
        yield* listens
        if (isSuccess) yield* send
        yield* Deferred.succeed(proceed, undefined)
        const [exit, left] = yield* Fiber.join(fiber)
        assertEqual([Exit.isSuccess(exit), left], [isSuccess, 0])
      }
    }))

  it.effect("is listened to no more when a call fails or is interrupted", () =>
    Effect.gen(function*() {
      for (const isInterrupted of [true, false]) {
        const { listens, open, provided } = yield* makeSignal()
        const { identity } = yield* service
        const failed = yield* Deferred.make<never, IdentityError.ConsentTimedOut>()
        const fiber = yield* Effect.fork(provided(identity.getToken({
          ...user,
          consent: Consent.wait({ onAuthUrl: () => Deferred.await(failed), tokenPoller: completionOnly })
        })))
        yield* listens
        assert.strictEqual(yield* open, 1)
        if (isInterrupted) yield* Fiber.interrupt(fiber)
        else yield* Deferred.fail(failed, new IdentityError.ConsentTimedOut({ providerName: "github" }))
        assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
        assert.strictEqual(yield* open, 0)
      }
    }))

  it.effect("wakes a resumed call, and is listened to while the call lasts only", () =>
    Effect.gen(function*() {
      for (const isWoken of [false, true]) {
        const { listens, open, provided, send } = yield* makeSignal()
        const { identity } = yield* answering((_, index) => Effect.succeed(index < 2 ? inProgress : token("the-token")))
        const consent = yield* Effect.flip(identity.getToken({ ...user, consent: Consent.suspend }))
        const handle = consent._tag === "ConsentRequired" ? consent.handle : undefined
        const fiber = yield* Effect.fork(provided(identity.resume(handle ?? Redacted.make("none"), {
          workloadAccessToken: user.workloadAccessToken,
          tokenPoller: completionOnly
        })))
        assert.strictEqual(yield* listens, key)
        if (isWoken) yield* send
        const exit = yield* isWoken ? Fiber.await(fiber) : Fiber.interrupt(fiber)
        assert.strictEqual(Exit.isSuccess(exit), isWoken)
        assert.strictEqual(yield* open, 0)
      }
    }).pipe(Effect.provide([ConsentSeal.layerEphemeral, ConsentLedger.layerMemory])))

  it.effect("is sent the digest of a session that is completed, and not its URI", () =>
    Effect.gen(function*() {
      const { provided, published } = yield* makeSignal()
      const { identity } = yield* service
      yield* provided(identity.completeResourceTokenAuth(complete))
      assert.strictEqual(yield* published, key)
      yield* provided(identity.completeResourceTokenAuth({ ...complete, sessionUri: Redacted.value(sessionUri) }))
      assert.strictEqual(yield* published, key)
    }))

  it.effect("that is never sent delays no completion, and is stopped with a warning after 10 seconds", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const { provided, published } = yield* makeSignal(
        Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))
      )
      const { layer, lines } = yield* logging
      const { identity } = yield* service
      yield* Effect.gen(function*() {
        yield* provided(identity.completeResourceTokenAuth(complete))
        yield* published
        yield* TestClock.adjust("9999 millis")
        assert.isFalse(yield* Deferred.isDone(stopped))
        assert.strictEqual(yield* Queue.size(lines), 0)
        yield* TestClock.adjust("1 millis")
        yield* Deferred.await(stopped)
        const line = yield* Queue.take(lines)
        assert.match(line, /^WARN The completion of a consent was not published/)
        assert.include(line, "publish did not end in 10s")
      }).pipe(Effect.provide(layer))
    }))

  it.effect("that dies is logged, and the completion succeeds", () =>
    Effect.gen(function*() {
      const { provided } = yield* makeSignal(Effect.die(new Error("no connection")))
      const { layer, lines } = yield* logging
      const { identity } = yield* service
      yield* Effect.gen(function*() {
        yield* provided(identity.completeResourceTokenAuth(complete))
        const line = yield* Queue.take(lines)
        assert.match(line, /^WARN The completion of a consent was not published/)
        assert.include(line, "no connection")
        assert.notInclude(line, Redacted.value(sessionUri))
      }).pipe(Effect.provide(layer))
    }))

  it.effect("is sent although the caller is interrupted once the session is completed", () =>
    Effect.gen(function*() {
      const proceed = yield* Deferred.make<void>()
      const sent = yield* Deferred.make<void>()
      const { provided, published } = yield* makeSignal(
        Effect.zipRight(Deferred.await(proceed), Deferred.succeed(sent, undefined))
      )
      const { identity } = yield* service
      const fiber = yield* Effect.fork(
        Effect.zipRight(provided(identity.completeResourceTokenAuth(complete)), Effect.never)
      )
      yield* published
      yield* Fiber.interrupt(fiber)
      yield* Deferred.succeed(proceed, undefined)
      yield* Deferred.await(sent)
    }))
})

const signalOf = <E, R>(layer: Layer.Layer<ConsentSignal.ConsentSignal, E, R>) =>
  Effect.flatMap(
    Layer.build(layer),
    (context) => Effect.fromNullable(Context.get(context, ConsentSignal.ConsentSignal))
  )

/** Effects that wait for messages of `keys`; each ends with its message. */
const arrivals = (signal: ConsentSignal.Signal, keys: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const arrived: Array<string> = []
    yield* Effect.forEach(keys, (key) => Effect.forkScoped(Effect.map(signal.arrival(key), () => arrived.push(key))))
    yield* idle
    return arrived
  })

describe("a signal within a process", () => {
  it.scoped("ends the effects that wait for its key, and no others", () =>
    Effect.gen(function*() {
      const signal = yield* signalOf(ConsentSignal.layerMemory)
      const arrived = yield* arrivals(signal, ["a", "b", "a"])
      yield* signal.publish("c")
      yield* signal.publish("a")
      yield* idle
      assertEqual(arrived, ["a", "a"])
      yield* signal.publish("b")
      yield* idle
      assertEqual(arrived, ["a", "a", "b"])
    }))
})

describe("a signal over a channel", () => {
  class Prefix extends Context.Tag("Prefix")<Prefix, string>() {}

  it.scoped("publishes on the channel, with its context, and ends the effects whose key arrives", () =>
    Effect.gen(function*() {
      const channel = yield* PubSub.unbounded<string>()
      const signal = yield* signalOf(
        ConsentSignal.layerMessages({
          publish: (key) => Effect.flatMap(Prefix, (prefix) => PubSub.publish(channel, prefix + key)),
          messages: Stream.fromPubSub(channel)
        }).pipe(Layer.provide(Layer.succeed(Prefix, "p/")))
      )
      const arrived = yield* arrivals(signal, ["p/a", "p/b"])
      yield* signal.publish("a")
      yield* idle
      assertEqual(arrived, ["p/a"])
      yield* PubSub.publish(channel, "p/b")
      yield* idle
      assertEqual(arrived, ["p/a", "p/b"])
    }))

  it.scoped("logs what its publication fails with, and ends it", () =>
    Effect.gen(function*() {
      const { layer, lines } = yield* logging
      const failing: ReadonlyArray<() => Effect.Effect<void, string>> = [
        () => Effect.fail("no connection"),
        () => Effect.die("no connection"),
        () => {
          throw new Error("no connection")
        }
      ]
      for (const publish of failing) {
        const signal = yield* signalOf(ConsentSignal.layerMessages({ publish, messages: Stream.never }))
        yield* Effect.provide(signal.publish("a"), layer)
        const line = yield* Queue.take(lines)
        assert.match(line, /^WARN The completion of a consent was not published/)
        assert.include(line, "no connection")
      }
    }))

  it.scoped("logs what its messages fail with", () =>
    Effect.gen(function*() {
      const { layer, lines } = yield* logging
      for (const messages of [Stream.fail("no connection"), Stream.die("no connection")]) {
        yield* Effect.provide(signalOf(ConsentSignal.layerMessages({ publish: () => Effect.void, messages })), layer)
        const line = yield* Queue.take(lines)
        assert.match(line, /^ERROR The completions of other processes are no longer received/)
        assert.include(line, "no connection")
      }
      yield* idle
      assert.strictEqual(yield* Queue.size(lines), 0)
    }))

  it.effect("receives messages until its scope is closed", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const messages = Stream.ensuring(Stream.never, Deferred.succeed(stopped, undefined))
      yield* Effect.scoped(Effect.zipRight(
        signalOf(ConsentSignal.layerMessages({ publish: () => Effect.void, messages })),
        idle
      ))
      assert.isTrue(yield* Deferred.isDone(stopped))
    }))
})
