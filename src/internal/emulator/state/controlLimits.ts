/**
 * The limits of what test controls store. Unlike a table of the service, nothing is removed to make room: a test would miss what
 * it has set.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { ControlLimitReached } from "../../model/controlLimit.js"
import * as limits from "./limits.js"
import type { Faults } from "./state.js"
import * as Table from "./table.js"

const formatted = (number: number) => number.toLocaleString("en")

interface Stored {
  readonly limits: { readonly rows: number; readonly characters: number }
  readonly what: string
  readonly keyField: string
  readonly valueField: string
  readonly remedy: string
}

/** Sets a row, unless it would exceed the limits. A row that exists may be replaced by one that is no larger. */
const setWithin =
  ({ keyField, limits, remedy, valueField, what }: Stored) =>
  <A>(before: Table.Table<A>, key: string, row: A): Either.Either<Table.Table<A>, ControlLimitReached> => {
    const after = Table.set(before, key, row)
    const isMore = (sizeOf: (table: Table.Table<A>) => number, limit: number) =>
      sizeOf(after) > limit && sizeOf(after) > sizeOf(before)
    if (isMore(Table.size, limits.rows)) {
      return Either.left(
        new ControlLimitReached({
          field: keyField,
          reason: `at most ${formatted(limits.rows)} ${what} can be stored: ${remedy}`
        })
      )
    }
    return isMore(Table.characters, limits.characters)
      ? Either.left(
        new ControlLimitReached({
          field: valueField,
          reason: `the ${what} can have at most ${formatted(limits.characters)} characters in total: ${remedy}`
        })
      )
      : Either.right(after)
  }

/** @internal */
export const setSecret = setWithin({
  limits: limits.secrets,
  what: "secrets",
  keyField: "secretId",
  valueField: "json",
  remedy: "replace one that is no longer used with a smaller one, or start with an empty state"
})

/** @internal */
export const setIssuer = setWithin({
  limits: limits.issuers,
  what: "chosen issuers",
  keyField: "providerName",
  valueField: "issuer",
  remedy: "remove one, by a request for its provider without an issuer"
})

const cancel = "cancel some with clearFailures, or all with POST /_local/reset"

const charactersOf = (error: { readonly message: string }) =>
  error.message.length +
  (Predicate.hasProperty(error, "fieldList") ? JSON.stringify(error.fieldList ?? "").length : 0)

/** Checks that one more failure may be injected. Failures whose calls were made do not count. */
export const checkFailure = (
  faults: Faults,
  error: { readonly message: string }
): Either.Either<void, ControlLimitReached> => {
  let entries = 0
  let characters = charactersOf(error)
  for (const all of Object.values(faults)) {
    for (const { error, times } of all ?? []) {
      if (times <= 0) continue
      entries++
      characters += charactersOf(error)
    }
  }
  const { failures } = limits
  if (entries >= failures.entries) {
    return Either.left(
      new ControlLimitReached({
        field: "operation",
        reason: `at most ${formatted(failures.entries)} failures can be pending: ${cancel}`
      })
    )
  }
  return characters > failures.characters
    ? Either.left(
      new ControlLimitReached({
        field: "error",
        reason:
          `the messages of the pending failures can have at most ${formatted(failures.characters)} characters in ` +
          `total: use a shorter one, or ${cancel}`
      })
    )
    : Either.void
}
