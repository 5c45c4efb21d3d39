/** Ledger entries in memory. Each method decides and writes in one step, so concurrent calls cannot interleave. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ConsentLedger } from "../../ConsentLedger.js"
import * as expiringMap from "../lib/expiringMap.js"

/** @internal */
export interface Entry extends expiringMap.Expiring {
  readonly value: string
}

/** @internal */
export const make = (entries?: Map<string, Entry>): ConsentLedger["Type"] => {
  const { get, remove, set } = expiringMap.make(entries)
  return {
    add: (key, value, expiresAt) =>
      Effect.map(DateTime.now, (now) => {
        if (Option.isSome(get(key, now))) return false
        set(key, { value, expiresAt }, now)
        return true
      }),
    get: (key) => Effect.map(DateTime.now, (now) => Option.map(get(key, now), ({ value }) => value)),
    replace: (key, before, after) =>
      Effect.map(DateTime.now, (now) => {
        const found = Option.filter(get(key, now), ({ value }) => value === before)
        if (Option.isNone(found)) return false
        set(key, { ...found.value, value: after }, now)
        return true
      }),
    take: (key) =>
      Effect.map(DateTime.now, (now) => {
        const found = get(key, now)
        remove(key)
        return Option.map(found, ({ value }) => value)
      })
  }
}
