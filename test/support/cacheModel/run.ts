// @effect-diagnostics anyUnknownInErrorContext:off
/** Runs random operations for one seed, and finds what the model does not allow. */
import { Effect, Fiber, Logger, LogLevel, Random, Supervisor } from "effect"
import { makeModel } from "./model.js"
import { choices, makeOperations } from "./operations.js"
import { makePort } from "./port.js"
import { type Fault, lifetimes, makeProgram } from "./program.js"
import { makeVirtualClock, turns } from "./virtualClock.js"

export interface Outcome {
  readonly seed: number
  readonly steps: number
  readonly calls: number
  /** Credentials that came from the cache. */
  readonly hits: number
  readonly violation: string | undefined
  /** The last events before the violation. */
  readonly trace: ReadonlyArray<string>
}

/** The limits of the cache: few entries, few bytes, or neither. */
const limitsOf = (seed: number) => ({
  maxEntries: seed % 4 === 0 ? 4 : 1000,
  maxBytes: seed % 4 === 1 ? 3000 : 1_000_000
})

const steps = (seed: number, length: number, fault: Fault) =>
  Effect.gen(function*() {
    const clock = makeVirtualClock()
    const model = makeModel(lifetimes)
    const limits = limitsOf(seed)
    const run = Effect.gen(function*() {
      const port = makePort(model, clock)
      const program = yield* makeProgram(model, port, limits, fault)
      const { memory, oneOfEachKey, operations } = makeOperations(model, port, program, clock)
      const table: Record<string, Effect.Effect<unknown, unknown, never>> = operations
      let step = 0
      for (; step < length && model.violations.length === 0; step++) {
        const name = choices[yield* Random.nextIntBetween(0, choices.length)] ?? "advance"
        yield* Effect.orDie(table[name] ?? Effect.void)
        yield* turns(yield* Random.nextIntBetween(0, 8))
        const { bytes, entries } = yield* program.controls.stats
        if (entries > limits.maxEntries) model.violation(`${entries} entries, and ${limits.maxEntries} are allowed`)
        if (bytes > limits.maxBytes) model.violation(`${bytes} bytes, and ${limits.maxBytes} are allowed`)
      }
      const { hits } = yield* program.controls.stats
      const outcome = (): Outcome => ({
        seed,
        steps: step,
        calls: memory.calls,
        hits,
        violation: model.violations[0],
        trace: model.trace.slice(-60)
      })
      if (model.violations.length > 0) return outcome()
      if (seed % 3 === 0) {
        for (const { call, fiber } of memory.running) {
          if (call !== undefined) call.state = "interrupted"
          yield* Fiber.interruptFork(fiber)
        }
        yield* turns(50)
      }
      for (let hour = 0; hour < 6; hour++) yield* clock.advance(3_600_000)
      // A request that was left in progress would be joined.
      yield* Effect.orDie(program.controls.invalidate({}))
      for (const again of yield* oneOfEachKey) {
        const before = port.requests()
        yield* again
        yield* turns(30)
        yield* clock.advance(3_600_000)
        yield* turns(30)
        yield* clock.advance(3_600_000)
        if (port.requests() === before) model.violation("a call at the end sends no request")
      }
      yield* turns(50)
      const left = {
        calls: [...memory.running].map(({ call }) => call?.id),
        requests: port.inProgress.size,
        sleeping: clock.sleeping(),
        subscriptions: yield* program.registry.size
      }
      if (Object.values(left).some((value) => Array.isArray(value) ? value.length > 0 : value > 0)) {
        model.violation(`left at the end: ${JSON.stringify(left)}`)
      }
      return outcome()
    })
    return yield* Effect.withClock(Effect.scoped(run), yield* clock.clock)
  })

/** The outcome of one seed. The same seed has the same outcome. */
export const runSeed = (seed: number, length: number, fault: Fault = {}): Effect.Effect<Outcome> =>
  Effect.gen(function*() {
    const supervisor = yield* Supervisor.track
    const outcome = yield* steps(seed, length, fault).pipe(
      Effect.supervised(supervisor),
      Effect.withRandom(Random.make(seed)),
      // A refresh that fails is logged.
      Logger.withMinimumLogLevel(LogLevel.None)
    )
    const fibers = yield* supervisor.value
    return outcome.violation === undefined && fibers.length > 0
      ? { ...outcome, violation: `left at the end: ${fibers.length} fibers` }
      : outcome
  })

export const describeOutcome = ({ seed, steps, trace, violation }: Outcome) =>
  `seed ${seed}, step ${steps}: ${violation}\n  ${trace.join("\n  ")}\nreproduce with MODEL_SEED=${seed}`
