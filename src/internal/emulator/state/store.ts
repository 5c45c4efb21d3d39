/** What every part of the engine works with: the state, and the one way to change it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Ref from "effect/Ref"
import { ResourceNotFound } from "../../../IdentityError.js"
import type { SingleFlight } from "../../lib/singleFlight.js"
import type { Settings } from "./arns.js"
import type { IssuedToken, Issuers, ProviderError } from "./issuer.js"
import type { OperationName, State } from "./state.js"

/**
 * A reply, and the state after it.
 *
 * @internal
 */
export type Result<Reply> = readonly [Reply, State]

/** @internal */
export const result = <Reply>(reply: Reply, state: State): Result<Reply> => [reply, state]

/** @internal */
export interface Store {
  readonly settings: Settings
  readonly issuers: Issuers["Type"]
  /** What vendors are being asked for. */
  readonly flights: SingleFlight<IssuedToken, ProviderError>
  /** Decides in one step: either everything is changed, or nothing. */
  readonly decide: <Reply, E>(
    decision: (state: State, now: DateTime.Utc) => Either.Either<Result<Reply>, E>
  ) => Effect.Effect<Reply, E>
  /** Looks without changing anything. */
  readonly read: <Reply, E>(
    look: (state: State, now: DateTime.Utc) => Either.Either<Reply, E>
  ) => Effect.Effect<Reply, E>
  /** Changes what cannot be refused. */
  readonly change: (f: (state: State, now: DateTime.Utc) => State) => Effect.Effect<void>
  /** Decides on what is no part of the service, without waiting for anything. */
  readonly diagnostics: <Reply>(f: (aside: Diagnostics) => readonly [Reply, Diagnostics]) => Effect.Effect<Reply>
}

/**
 * What is remembered beside the service itself, for those who test with it.
 *
 * @internal
 */
export type Diagnostics = Pick<State, "faults" | "journal" | "providerFailures">

/**
 * Where the state is: here, or here and in a storage.
 *
 * @internal
 */
export interface Memory {
  readonly read: Effect.Effect<State>
  /** Answers once what has changed is as durable as it will be. */
  readonly modify: <Reply, E>(
    f: (state: State) => readonly [Either.Either<Reply, E>, State]
  ) => Effect.Effect<Reply, E>
  /** Answers at once. */
  readonly modifyAside: <Reply>(f: (aside: Diagnostics) => readonly [Reply, Diagnostics]) => Effect.Effect<Reply>
}

/**
 * A memory as long as the process.
 *
 * @internal
 */
export const volatile = (state: Ref.Ref<State>): Memory => ({
  read: Ref.get(state),
  modify: (f) => Effect.flatten(Ref.modify(state, f)),
  modifyAside: (f) =>
    Ref.modify(state, (before) => {
      const [reply, after] = f(before)
      return [reply, after === before ? before : { ...before, ...after }]
    })
})

/** @internal */
export const make = (
  { flights, issuers, settings }: Pick<Store, "settings" | "issuers" | "flights">,
  memory: Memory
): Store => ({
  settings,
  issuers,
  flights,
  decide: <Reply, E>(decision: (state: State, now: DateTime.Utc) => Either.Either<Result<Reply>, E>) =>
    Effect.flatMap(
      DateTime.now,
      (now) =>
        memory.modify((before): readonly [Either.Either<Reply, E>, State] => {
          const decided = decision(before, now)
          return Either.isLeft(decided)
            ? [Either.left(decided.left), before]
            : [Either.right(decided.right[0]), decided.right[1]]
        })
    ),
  read: (look) => Effect.flatMap(DateTime.now, (now) => Effect.flatMap(memory.read, (state) => look(state, now))),
  change: (f) => Effect.flatMap(DateTime.now, (now) => memory.modify((before) => [Either.void, f(before, now)])),
  diagnostics: memory.modifyAside
})

/** @internal */
export const find = <A>(
  operation: OperationName,
  what: string,
  entries: HashMap.HashMap<string, A>,
  name: string
): Either.Either<A, ResourceNotFound> =>
  Either.fromOption(
    HashMap.get(entries, name),
    () => new ResourceNotFound({ operation, message: `${what} '${name}' not found` })
  )

/**
 * Without the entries that are over, before one is added. Looked for only when the table has doubled, so that a table
 * of many does not make each addition slow.
 *
 * @internal
 */
export const sweep = <A>(
  entries: HashMap.HashMap<string, A>,
  isCurrent: (entry: A) => boolean
): HashMap.HashMap<string, A> => {
  const size = HashMap.size(entries)
  return (size & (size - 1)) === 0 ? HashMap.filter(entries, isCurrent) : entries
}
