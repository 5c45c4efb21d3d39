import { assert } from "@effect/vitest"
import {
  Cause,
  type ConfigError,
  Context,
  Deferred,
  Effect,
  Exit,
  Fiber,
  FiberId,
  FiberRef,
  Layer,
  type Redacted,
  Scheduler,
  Supervisor,
  TestServices
} from "effect"
import * as ConsentLedger from "../../src/ConsentLedger.js"
import * as Credential from "../../src/Credential.js"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityControls from "../../src/IdentityControls.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as ledgerMemory from "../../src/internal/consent/ledgerMemory.js"
import { settle, settled } from "./clock.js"

/** Around a call of the port or of the ledger: before it is forwarded, during the call, and after its response. */
export const moments = ["before", "during", "after"] as const

/** Around its calls, or after a step of its fibers. */
export type Moment = typeof moments[number] | "step"

/** Counts the calls and steps of a flow, and interrupts it at one place. Counting starts with the flow. */
export const makeStage = ({ at, moment }: { readonly at: number; readonly moment: Moment }) => {
  const reached = Deferred.unsafeMake<void>(FiberId.none)
  const released = Deferred.unsafeMake<void>(FiberId.none)
  const entries = new Map<string, ledgerMemory.Entry>()
  let count = 0
  let interrupt: (() => void) | undefined
  let isReached = false

  const isHere = () => interrupt !== undefined && ++count === at

  const reach = () => {
    interrupt?.()
    Deferred.unsafeDone(reached, Effect.void)
    isReached = true
  }

  // An uninterruptible fiber waits here only until the interruption has had time to arrive.
  const held = Effect.suspend(() => {
    reach()
    return Deferred.await(released)
  })

  const around = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (moment === "step" || !isHere()) return call
      if (moment === "before") return Effect.zipRight(held, call)
      if (moment === "after") return Effect.zipLeft(call, held)
      return Effect.flatMap(
        Effect.fork(Effect.withMaxOpsBeforeYield(call, 32)),
        (underWay) => Effect.zipRight(Effect.zipRight(Effect.yieldNow(), held), Fiber.join(underWay))
      )
    })

  const scheduler: Scheduler.Scheduler = {
    scheduleTask: (task, priority, fiber) => Scheduler.defaultScheduler.scheduleTask(task, priority, fiber),
    shouldYield: (fiber) => {
      if (moment === "step" && isHere()) reach()
      return Scheduler.defaultScheduler.shouldYield(fiber)
    }
  }

  const ledger = ledgerMemory.make(entries)

  return {
    entries,
    isAmidCalls: moment !== "step",
    isReached: () => isReached,
    reached: Deferred.await(reached),
    release: Deferred.succeed(released, undefined),
    begin: (how: () => void) => {
      interrupt = how
    },
    end: () => {
      interrupt = undefined
    },
    scheduled: Effect.withScheduler(scheduler),
    ledger: Layer.succeed(ConsentLedger.ConsentLedger, {
      add: (...entry) => around(ledger.add(...entry)),
      get: (key) => around(ledger.get(key)),
      replace: (...change) => around(ledger.replace(...change)),
      take: (key) => around(ledger.take(key))
    }),
    /** The same port, with the stage around each of its calls. */
    api: <C, E, R>(layer: Layer.Layer<IdentityApi.IdentityApi | C, E, R>) =>
      Layer.map(layer, (context) => {
        const api = Context.unsafeGet(context, IdentityApi.IdentityApi)
        return Context.add(
          context,
          IdentityApi.IdentityApi,
          IdentityApi.make((key) => (request) => around(api[key](request)))
        )
      })
  }
}

export type Stage = ReturnType<typeof makeStage>

/** The failure of a call, a token where a consent was expected, or an invalid configuration of the server. */
export type Failure = Error | Redacted.Redacted | ConfigError.ConfigError

/** One run of a flow, and the conditions after its interruption. */
export interface Story<R> {
  readonly flow: Effect.Effect<unknown, Failure, R>
  /** The other participants, which continue after the interruption. */
  readonly others: Effect.Effect<unknown, Failure, R>
  /** Whether the others have received the data that they need to continue. */
  readonly isTold: () => boolean
  /** Work that the flow started may continue for the others. */
  readonly isShared?: boolean
  /** How the flow is interrupted, in addition to its fiber. */
  readonly interrupt?: () => void
  /** The check right after the interruption, before the others continue. */
  readonly left?: (exit: Exit.Exit<unknown, unknown>) => void
  /** The retry, which must succeed. */
  readonly again: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<unknown, Failure, R>
}

const tick = TestServices.provideLive(Effect.sleep("1 millis"))

/** Yields to work that needs no clock until `isDone` holds or a maximum number of yields is reached. */
export const idle = (isDone: () => boolean, ticks = 100): Effect.Effect<void> =>
  Effect.suspend(() => isDone() || ticks === 0 ? Effect.void : Effect.zipRight(tick, idle(isDone, ticks - 1)))

/** A user can still respond to a pending session, and an approved session can still be completed: no session is stuck. */
const allCanBeFinished = Effect.gen(function*() {
  const { approve, sessions } = yield* IdentityControls.IdentityControls
  const identity = yield* IdentityService.IdentityService
  for (const { sessionUri, status } of yield* sessions) {
    assert.notInclude(["failed", "expired"], status)
    if (status === "pending") yield* approve(sessionUri)
    if (status !== "completed") {
      yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId("ada") })
    }
  }
})

/** Runs the flow to the place of its interruption, and continues. Returns `false` if it ended before. */
export const tell = <R, R2>(
  stage: Stage,
  setup: Effect.Effect<Story<R>, Failure, R>,
  check: Effect.Effect<Effect.Effect<unknown>, Failure, R2>
) =>
  Effect.gen(function*() {
    const supervisor = yield* Supervisor.track
    return yield* Effect.supervised(
      Effect.gen(function*() {
        const story = yield* stage.scheduled(setup)
        const unchanged = yield* check
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.fork(stage.scheduled(Effect.zipRight(Deferred.await(begun), story.flow)))
        // The fibers of the others are not counted.
        const others = yield* Effect.fork(
          Effect.locally(
            Effect.zipRight(Deferred.await(begun), story.others),
            FiberRef.currentSupervisor,
            Supervisor.none
          )
        )
        const before = new Set<Fiber.Fiber<unknown, unknown>>(yield* supervisor.value)
        const quiet = Effect.iterate(100, {
          while: (left) => left > 0,
          body: (left) =>
            Effect.zipRight(
              tick,
              Effect.map(supervisor.value, (alive) => {
                const isQuiet = alive.every((one) => before.has(one))
                assert.isTrue(isQuiet || left > 1, "a fiber is left")
                return isQuiet ? 0 : left - 1
              })
            )
        })
        stage.begin(() => {
          story.interrupt?.()
          fiber.unsafeInterruptAsFork(FiberId.none)
        })
        yield* Deferred.succeed(begun, undefined)
        yield* Effect.raceFirst(Effect.exit(settle(fiber)), stage.reached)
        stage.end()
        // From here on the clock does not advance.
        yield* idle(() => fiber.unsafePoll() !== null, 10)
        // The remaining held calls are abandoned, except those of the others or of pages that must not be interrupted.
        if (fiber.unsafePoll() !== null) {
          if (story.isShared !== true && story.interrupt === undefined) yield* quiet
          if (!story.isTold() || others.unsafePoll() !== null) yield* unchanged
        }
        yield* stage.release
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(
          Exit.isSuccess(exit) || (stage.isReached() && Cause.isInterruptedOnly(exit.cause)),
          Exit.match(exit, { onSuccess: () => "", onFailure: Cause.pretty })
        )
        if (story.isShared !== true) yield* quiet
        yield* unchanged
        story.left?.(exit)
        yield* story.isTold() ? settled(Fiber.join(others)) : Fiber.interrupt(others)
        yield* settled(story.again(exit))
        yield* settled(allCanBeFinished)
        yield* quiet
        return stage.isReached()
      }),
      supervisor
    )
  })

/** A value that one fiber provides and others wait for. */
export const makeAsked = <A>() => {
  const deferred = Deferred.unsafeMake<A>(FiberId.none)
  let latest: A | undefined
  return {
    tell: (asked: A) =>
      Effect.suspend(() => {
        latest ??= asked
        return Deferred.succeed(deferred, latest)
      }),
    latest: () => latest,
    isTold: () => latest !== undefined,
    told: Deferred.await(deferred)
  }
}
