/** A date that a test sets, for everything in this process: the service, its clients and the authorization server. */
import { Effect } from "effect"
import { vi } from "vitest"

/** Stops the date until the scope closes. Timers are not affected. The result moves the date forward. */
export const virtualDate = Effect.acquireRelease(
  Effect.sync(() => vi.useFakeTimers({ toFake: ["Date"] })),
  () => Effect.sync(() => vi.useRealTimers())
).pipe(Effect.as((minutes: number) => Effect.sync(() => void vi.setSystemTime(Date.now() + minutes * 60_000))))
