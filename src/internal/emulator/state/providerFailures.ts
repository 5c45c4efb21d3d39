/** What vendors answered instead of what they were asked for: kept for whoever runs the server, and logged. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { ProviderError } from "./issuer.js"
import type { Store } from "./store.js"

const remembered = 100

/** @internal */
export const reported =
  (store: Store, providerName: string) =>
  <A, R>(effect: Effect.Effect<A, ProviderError, R>): Effect.Effect<A, ProviderError, R> =>
    Effect.tapError(effect, ({ description, error, reason, status, step }) =>
      Effect.gen(function*() {
        const at = yield* DateTime.now
        const failure = { at, providerName, step, reason, status, error, description }
        yield* store.diagnostics((aside) => [undefined, {
          ...aside,
          providerFailures: [...aside.providerFailures.slice(1 - remembered), failure]
        }])
        const answer = [reason, status, error, description].filter((part) => part !== undefined).join(", ")
        yield* Effect.logWarning(`the provider '${providerName}' gave nothing (${step}): ${answer}`)
      }))
