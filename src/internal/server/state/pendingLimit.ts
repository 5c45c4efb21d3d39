/** The limit of the failures, delays and drops that are pending: each is stored until its calls are made. */
import * as Effect from "effect/Effect"
import { IdentityControls } from "../../../IdentityControls.js"
import { FaultInjection } from "./faultInjection.js"

const maxPending = 1000

/** @internal */
export const reachedText = `${maxPending} failures, delays and drops are pending`

/** Fails with `error` if no more may be added. */
export const check = <E>(error: () => E): Effect.Effect<void, E, FaultInjection | IdentityControls> =>
  Effect.gen(function*() {
    const { delays, drops } = yield* (yield* FaultInjection).pending
    const failures = yield* (yield* IdentityControls).pendingFailures
    if (delays.length + drops.length + failures.length >= maxPending) return yield* Effect.fail(error())
  })
