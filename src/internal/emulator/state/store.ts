/** The state of the emulator, and the only way to change it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Ref from "effect/Ref"
import { ResourceNotFound } from "../../../IdentityError.js"
import type { SingleFlight } from "../../lib/singleFlight.js"
import type { SubscriptionRegistry } from "../../lib/subscriptions.js"
import type { Settings } from "./arns.js"
import type { IssuedToken, Issuers, ProviderError } from "./issuer.js"
import type { OperationName, State } from "./state.js"
import * as Table from "./table.js"

/** A reply, and the state after it. */
export type Result<Reply> = readonly [Reply, State]

/** @internal */
export const result = <Reply>(reply: Reply, state: State): Result<Reply> => [reply, state]

/** @internal */
export interface Store {
  readonly settings: Settings
  readonly issuers: Issuers["Type"]
  /** Token requests to providers that are in progress. */
  readonly singleFlight: SingleFlight<IssuedToken, ProviderError>
  /** Events of sessions that have ended: completed, denied, failed or expired by the test control. By URI. */
  readonly completionEvents: SubscriptionRegistry
  /** Computes a reply and the next state atomically. A failure leaves the state as it is. */
  readonly decide: <Reply, E>(
    decision: (state: State, now: DateTime.Utc) => Either.Either<Result<Reply>, E>
  ) => Effect.Effect<Reply, E>
  /** Computes a reply and changes nothing. */
  readonly read: <Reply, E>(
    select: (state: State, now: DateTime.Utc) => Either.Either<Reply, E>
  ) => Effect.Effect<Reply, E>
  /** Changes the state with a function that cannot fail. */
  readonly change: (f: (state: State, now: DateTime.Utc) => State) => Effect.Effect<void>
  /** Changes the diagnostics, without waiting for the storage. */
  readonly diagnostics: <Reply>(f: (before: Diagnostics) => readonly [Reply, Diagnostics]) => Effect.Effect<Reply>
}

/** The part of the state that serves tests and is not part of the service. */
export type Diagnostics = Pick<State, "faults" | "journal" | "providerFailures">

/** A reference to the state: in memory only, or also in a storage. */
export interface StateRef {
  readonly read: Effect.Effect<State>
  /** Returns when the change is durable. */
  readonly modify: <Reply, E>(
    f: (state: State) => readonly [Either.Either<Reply, E>, State]
  ) => Effect.Effect<Reply, E>
  /** Returns at once. */
  readonly modifyDiagnostics: <Reply>(
    f: (before: Diagnostics) => readonly [Reply, Diagnostics]
  ) => Effect.Effect<Reply>
}

/** A state that is lost with the process. */
export const inMemory = (state: Ref.Ref<State>): StateRef => ({
  read: Ref.get(state),
  modify: (f) => Effect.flatten(Ref.modify(state, f)),
  modifyDiagnostics: (f) =>
    Ref.modify(state, (before) => {
      const [reply, after] = f(before)
      return [reply, after === before ? before : { ...before, ...after }]
    })
})

/** @internal */
export const make = (
  { completionEvents, issuers, settings, singleFlight }: Pick<
    Store,
    "completionEvents" | "settings" | "issuers" | "singleFlight"
  >,
  ref: StateRef
): Store => ({
  settings,
  issuers,
  singleFlight,
  completionEvents,
  decide: <Reply, E>(decision: (state: State, now: DateTime.Utc) => Either.Either<Result<Reply>, E>) =>
    Effect.flatMap(
      DateTime.now,
      (now) =>
        ref.modify((before): readonly [Either.Either<Reply, E>, State] => {
          const decided = decision(before, now)
          return Either.isLeft(decided)
            ? [Either.left(decided.left), before]
            : [Either.right(decided.right[0]), decided.right[1]]
        })
    ),
  read: (select) => Effect.flatMap(DateTime.now, (now) => Effect.flatMap(ref.read, (state) => select(state, now))),
  change: (f) => Effect.flatMap(DateTime.now, (now) => ref.modify((before) => [Either.void, f(before, now)])),
  diagnostics: ref.modifyDiagnostics
})

/** @internal */
export const find = <A, Index extends string>(
  operation: OperationName,
  kind: string,
  entries: Table.Table<A, Index>,
  name: string
): Either.Either<A, ResourceNotFound> =>
  Either.fromOption(
    Table.get(entries, name),
    () => new ResourceNotFound({ operation, message: `${kind} '${name}' not found` })
  )
