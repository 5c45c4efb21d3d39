/** The clock of the local server, which a developer moves forward. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"

/** The longest step of the clock: a leap year, in seconds. */
export const maxClockMoveSeconds = 366 * 24 * 60 * 60

/** @internal */
export class MovableClock extends Context.Tag("effect-agentcore-identity/internal/MovableClock")<MovableClock, {
  /** The clock of the requests: `Effect.withClock(clock)`. It sleeps as long as the real clock does. */
  readonly clock: Clock.Clock
  /** Moves `clock` forward. A negative duration moves nothing. */
  readonly move: (duration: Duration.Duration) => Effect.Effect<void>
  /** The difference between `clock` and the real time. */
  readonly offset: Effect.Effect<Duration.Duration>
}>() {}

const shifted = (base: Clock.Clock, offset: MutableRef.MutableRef<number>): Clock.Clock => {
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

/** An offset that outlives the server. */
export interface PersistedOffset {
  /** The offset at the start. */
  readonly offset: Duration.Duration
  /** Receives the whole offset after each move. */
  readonly onMove: (offset: Duration.Duration) => Effect.Effect<void>
}

/** @internal */
export const make = Effect.fnUntraced(function*(
  { offset: initial, onMove }: PersistedOffset = { offset: Duration.zero, onMove: () => Effect.void }
): Effect.fn.Return<MovableClock["Type"]> {
  const offset = MutableRef.make(Duration.toMillis(initial))
  const current = Effect.sync(() => Duration.millis(MutableRef.get(offset)))
  return MovableClock.of({
    clock: shifted(yield* Effect.clock, offset),
    move: (duration) =>
      Effect.suspend(() => {
        MutableRef.update(offset, (millis) => millis + Math.max(0, Math.floor(Duration.toMillis(duration))))
        return Effect.flatMap(current, onMove)
      }),
    offset: current
  })
})
