import { Effect, Function, Scheduler } from "effect"

const { defaultScheduler } = Scheduler

/** A scheduler that can hold the fibers that it runs, and release them in the order in which they would have run. */
export const makeHolding = () => {
  let held: Array<() => void> | undefined
  const scheduler: Scheduler.Scheduler = {
    shouldYield: (fiber) => defaultScheduler.shouldYield(fiber),
    scheduleTask: (task, priority, fiber) => {
      const run = () => defaultScheduler.scheduleTask(task, priority, fiber)
      if (held === undefined) run()
      else held.push(run)
    }
  }
  return {
    scheduler,
    hold: () => {
      held = []
    },
    release: () => {
      const runs = held ?? []
      held = undefined
      for (const run of runs) run()
    }
  }
}

/** A scheduler that calls `act` and suspends a fiber once, after its step number `step`; and whether it has done so. */
const makeSuspending = (step: number) => {
  let count = 0
  const suspending = (act: () => void = Function.constVoid): Scheduler.Scheduler => ({
    shouldYield: (fiber) => {
      if (++count !== step) return defaultScheduler.shouldYield(fiber)
      act()
      return 0
    },
    scheduleTask: (task, priority, fiber) => defaultScheduler.scheduleTask(task, priority, fiber)
  })
  return { suspending, hasSuspended: () => count >= step }
}

/**
 * Runs `body` again and again, with the fibers of the scheduler that it makes suspended after their first step, then after
 * their second, and so on to the last; gives the number of steps.
 */
export const atEachStep = <E, R>(
  body: (suspending: (act?: () => void) => Scheduler.Scheduler) => Effect.Effect<unknown, E, R>
): Effect.Effect<number, E, R> =>
  Effect.gen(function*() {
    for (let step = 1;; step++) {
      const { hasSuspended, suspending } = makeSuspending(step)
      yield* body(suspending)
      if (!hasSuspended()) return step - 1
    }
  })
