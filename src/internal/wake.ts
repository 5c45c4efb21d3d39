/** Those who sleep until something of a name happens. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

/**
 * Of one who hears of it, which costs less than a fiber that awaits it.
 *
 * @internal
 */
export interface Bell {
  /** Runs `ring` once it has happened; at once if it has already. Whoever is given later takes the place. */
  readonly onRing: (ring: Effect.Effect<unknown>) => Effect.Effect<void>
}

/** @internal */
export interface Hub {
  /** Runs `use` with a bell that rings once it has happened, from now on. */
  readonly hearing: <A, E, R>(name: string, use: (bell: Bell) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs `use` with what ends once it has happened, from now on. */
  readonly listening: <A, E, R>(
    name: string,
    use: (happened: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly wake: (name: string) => Effect.Effect<void>
}

type Sleeper = Ref.Ref<{ readonly isRung: boolean; readonly ring: Effect.Effect<unknown> }>

const bell = (sleeper: Sleeper): Bell => ({
  onRing: (ring) =>
    Effect.asVoid(Effect.flatten(
      Ref.modify(sleeper, ({ isRung }) => [isRung ? ring : Effect.void, { isRung, ring }])
    ))
})

const rung = (sleeper: Sleeper) =>
  Effect.flatten(Ref.modify(sleeper, ({ ring }) => [ring, { isRung: true, ring: Effect.void }]))

/** @internal */
export const make: Effect.Effect<Hub> = Effect.map(
  Ref.make(HashMap.empty<string, ReadonlyArray<Sleeper>>()),
  (rooms) => {
    const enter = (name: string) =>
      Effect.tap(
        Ref.make({ isRung: false, ring: Effect.void }),
        (sleeper: Sleeper) =>
          Ref.update(rooms, (all) =>
            HashMap.set(all, name, [...Option.getOrElse(HashMap.get(all, name), () => []), sleeper]))
      )

    // The room may have been left by the bell, and be others' by now.
    const leave = (name: string, sleeper: Sleeper) =>
      Ref.update(rooms, (all) =>
        HashMap.modifyAt(all, name, (room) =>
          Option.filter(
            Option.map(room, (sleepers) => sleepers.filter((other) => other !== sleeper)),
            (sleepers) => sleepers.length > 0
          )))

    const hearing: Hub["hearing"] = (name, use) =>
      Effect.acquireUseRelease(enter(name), (sleeper) => use(bell(sleeper)), (sleeper) => leave(name, sleeper))

    return {
      hearing,
      listening: (name, use) =>
        Effect.flatMap(
          Deferred.make<void>(),
          (happened) =>
            hearing(name, ({ onRing }) =>
              Effect.zipRight(onRing(Deferred.succeed(happened, undefined)), use(Deferred.await(happened))))
        ),
      wake: (name) =>
        Effect.flatMap(
          Ref.modify(rooms, (all) => [Option.getOrElse(HashMap.get(all, name), () => []), HashMap.remove(all, name)]),
          Effect.forEach(rung, { discard: true })
        )
    }
  }
)
