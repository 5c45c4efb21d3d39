/** Failed requests to providers: kept for the operator of the server, and logged. Callers receive AWS's errors. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { ProviderRefused } from "../../../ControlError.js"
import type { ProviderError } from "./issuer.js"
import type { Store } from "./store.js"

const maxEntries = 100

/** The list of failures is on the dashboard, and each is logged in one line. */
const maxCharacters = 1_000

const bounded = (text: string | undefined): string | undefined =>
  text === undefined || text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)}…`

/** The error of the test controls. */
export const toProviderRefused = (
  providerName: string,
  { description, error, reason }: Pick<ProviderError, "description" | "error" | "reason">
): ProviderRefused => new ProviderRefused({ providerName, isFinal: reason === "Refused", reason, error, description })

/** @internal */
export const reported =
  (store: Pick<Store, "diagnostics">, providerName: string) =>
  <A, R>(effect: Effect.Effect<A, ProviderError, R>): Effect.Effect<A, ProviderError, R> =>
    Effect.tapError(effect, ({ description, error, reason, status, step }) =>
      Effect.gen(function*() {
        const at = yield* DateTime.now
        const failure = {
          at,
          providerName,
          step,
          reason,
          status,
          error: bounded(error),
          description: bounded(description)
        }
        yield* store.diagnostics((before) => [undefined, {
          ...before,
          providerFailures: [...before.providerFailures.slice(1 - maxEntries), failure]
        }])
        const details = [reason, status, failure.error, failure.description].filter((part) => part !== undefined).join(
          ", "
        )
        yield* Effect.logWarning(`Request to provider '${providerName}' failed (${step}): ${details}`)
      }))
