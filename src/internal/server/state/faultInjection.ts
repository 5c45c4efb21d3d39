/**
 * What a developer breaks on purpose, beyond what `IdentityControls` can fail: slow answers, lost connections, and time.
 */
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"
import * as ServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MutableRef from "effect/MutableRef"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { OperationKey } from "../../../IdentityApi.js"
import type { Grant } from "../../../IdentityControls.js"
import * as tickets from "../../web/oneTimeTokens.js"

/**
 * The longest step of the movable clock: a year, in seconds.
 *
 * @internal
 */
export const maxClockMoveSeconds = 366 * 24 * 60 * 60

/**
 * The shortest delay, in seconds. A delay of zero would cancel the others.
 *
 * @internal
 */
export const minDelaySeconds = 0.001

/** @internal */
export interface Delay {
  readonly operation: OperationKey
  readonly times: number
  readonly duration: Duration.Duration
}

/** @internal */
export interface Drop {
  readonly operation: OperationKey
  readonly times: number
  /** What is lost: the request, so that nothing is done, or the answer, after everything was. */
  readonly lost: "request" | "answer"
}

/** @internal */
export interface Current {
  /** How far the clock was moved. */
  readonly moved: Duration.Duration
  readonly delays: ReadonlyArray<Delay>
  readonly drops: ReadonlyArray<Drop>
}

/** What a consent page was shown for. */
interface ConsentQuestion {
  readonly sessionUri: Redacted.Redacted
  /** The last part of the provider's callback URL. */
  readonly callbackId: string
}

/** What a callback has to bring: a code of ours, or what a federated provider makes of this verifier's challenge. */
type Answer = { readonly code: string } | { readonly codeVerifier: Redacted.Redacted }

/** The rows of a dashboard, which its forms know by their places among all there are. */
interface Shown {
  readonly sessions: ReadonlyMap<number, Redacted.Redacted>
  readonly grants: ReadonlyMap<number, Grant>
}

/** @internal */
export class Trouble extends Context.Tag("effect-agentcore-identity/internal/Trouble")<Trouble, {
  /** No time, or no calls, forgets the delays that wait for this operation. */
  readonly delayNext: (operation: OperationKey, times: number, duration: Duration.Duration) => Effect.Effect<void>
  /** The connection is closed without an answer. No calls forgets the drops that wait for this operation. */
  readonly dropNext: (operation: OperationKey, times: number, lost?: "request" | "answer") => Effect.Effect<void>
  /** Forgets all delays and drops; the clock stays where it is. */
  readonly reset: Effect.Effect<void>
  /** The time that requests are handled at: `Effect.withClock(clock)`. It sleeps as long as the real one does. */
  readonly clock: Clock.Clock
  /** Moves `clock` forward; a negative duration moves nothing. */
  readonly move: (duration: Duration.Duration) => Effect.Effect<void>
  readonly current: Effect.Effect<Current>
  /** What goes around the handling of each call of an operation. */
  readonly aroundOperation: (
    key: OperationKey
  ) => <E, R>(
    effect: Effect.Effect<HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse, E, R>
  /** What the pages of this server have handed out. */
  readonly tickets: {
    readonly consents: tickets.OneTimeTokens<ConsentQuestion>
    readonly redirects: tickets.OneTimeTokens<ConsentQuestion & Answer>
    readonly dashboards: tickets.OneTimeTokens<Shown>
  }
}>() {}

const moved = (base: Clock.Clock, offset: MutableRef.MutableRef<number>): Clock.Clock => {
  const millis = () => base.unsafeCurrentTimeMillis() + MutableRef.get(offset)
  const nanos = () => base.unsafeCurrentTimeNanos() + BigInt(MutableRef.get(offset)) * 1_000_000n
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: millis,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanos: Effect.sync(nanos),
    sleep: (duration) => base.sleep(duration)
  }
}

/**
 * An answer that ends the connection before its first byte. A server of Effect cannot be told to hang up: interrupting
 * the handler is answered with 503, and a body that is an Effect stream and fails is ended as if it were complete. A raw
 * body is handed on as it is. To a fetch-like server it is a `ReadableStream` that fails. `NodeHttpServer` hands what has
 * a `pipe` to Node's `pipeline`, which takes a `ReadableStream` too, and destroys the response and its socket when that
 * fails; the head is still waiting for the first piece of the body, and is never sent. `pipe` itself is never called.
 */
const hangUp = Effect.sync(() =>
  ServerResponse.raw(
    Object.assign(
      new ReadableStream({ start: (controller) => controller.error(new Error("dropped on purpose")) }),
      { pipe: () => undefined }
    )
  )
)

/** The first entry that waits for this operation, and the list with one call less in it. */
const next = <A extends { readonly operation: OperationKey; readonly times: number }>(
  waiting: ReadonlyArray<A>,
  operation: OperationKey
): readonly [A | undefined, ReadonlyArray<A>] => {
  const first = waiting.find((one) => one.operation === operation)
  const left = waiting.map((one) => one === first ? { ...one, times: one.times - 1 } : one)
  return [first, left.filter(({ times }) => times > 0)]
}

const without = <A extends { readonly operation: OperationKey }>(
  waiting: ReadonlyArray<A>,
  operation: OperationKey
): ReadonlyArray<A> => waiting.filter((one) => one.operation !== operation)

/**
 * How far the clock was moved before there was this server, and who is told when it is moved again.
 *
 * @internal
 */
export interface KeptClock {
  readonly moved: Duration.Duration
  readonly keep: (moved: Duration.Duration) => Effect.Effect<void>
}

const forgetful: KeptClock = { moved: Duration.zero, keep: () => Effect.void }

/** @internal */
export const make = Effect.fnUntraced(function*(kept: KeptClock = forgetful): Effect.fn.Return<Trouble["Type"]> {
  const offset = MutableRef.make(Duration.toMillis(kept.moved))
  const clock = moved(yield* Effect.clock, offset)
  const delays = yield* Ref.make<ReadonlyArray<Delay>>([])
  const drops = yield* Ref.make<ReadonlyArray<Drop>>([])

  return Trouble.of({
    delayNext: (operation, times, duration) =>
      Ref.update(delays, (all) =>
        times === 0 || Duration.toMillis(duration) === 0
          ? without(all, operation)
          : [...all, { operation, times, duration }]),
    dropNext: (operation, times, lost = "request") =>
      Ref.update(drops, (all) => times === 0 ? without(all, operation) : [...all, { operation, times, lost }]),
    reset: Effect.zipRight(Ref.set(delays, []), Ref.set(drops, [])),
    clock,
    move: (duration) =>
      Effect.suspend(() => {
        MutableRef.update(offset, (millis) => millis + Math.max(0, Math.floor(Duration.toMillis(duration))))
        return kept.keep(Duration.millis(MutableRef.get(offset)))
      }),
    current: Effect.map(
      Effect.all([Ref.get(delays), Ref.get(drops), Effect.sync(() => MutableRef.get(offset))]),
      ([delays, drops, millis]) => ({ delays, drops, moved: Duration.millis(millis) })
    ),
    aroundOperation: (key) => (effect) =>
      Effect.gen(function*() {
        const delay = yield* Ref.modify(delays, (all) => next(all, key))
        const drop = yield* Ref.modify(drops, (all) => next(all, key))
        if (delay !== undefined) yield* Effect.sleep(delay.duration)
        if (drop?.lost !== "request") {
          const response = yield* effect
          if (drop === undefined) return response
        }
        return yield* hangUp
      }),
    tickets: {
      consents: yield* tickets.make<ConsentQuestion>(),
      redirects: yield* tickets.make<ConsentQuestion & Answer>(),
      dashboards: yield* tickets.make<Shown>()
    }
  })
})

/** @internal */
export const layer: Layer.Layer<Trouble> = Layer.effect(Trouble, make())
