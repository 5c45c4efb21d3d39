/** Those who sleep until something of a name happens. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

/** @internal */
export interface Hub {
  /** Runs `use` with what ends once it has happened, from now on. */
  readonly listening: <A, E, R>(
    name: string,
    use: (happened: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly wake: (name: string) => Effect.Effect<void>
}

interface Room {
  readonly bell: Deferred.Deferred<void>
  readonly sleepers: number
}

/** @internal */
export const make: Effect.Effect<Hub> = Effect.map(Ref.make(HashMap.empty<string, Room>()), (rooms) => {
  const enter = (name: string, bell: Deferred.Deferred<void>) =>
    Ref.modify(rooms, (all) => {
      const room = Option.getOrElse(HashMap.get(all, name), (): Room => ({ bell, sleepers: 0 }))
      return [room.bell, HashMap.set(all, name, { ...room, sleepers: room.sleepers + 1 })]
    })

  // The room may have been left by the bell, and be another's by now.
  const leave = (name: string, bell: Deferred.Deferred<void>) =>
    Ref.update(rooms, (all) =>
      HashMap.modifyAt(
        all,
        name,
        Option.flatMap((room) =>
          room.bell !== bell
            ? Option.some(room)
            : room.sleepers === 1
            ? Option.none()
            : Option.some({ ...room, sleepers: room.sleepers - 1 })
        )
      ))

  return {
    listening: (name, use) =>
      Effect.acquireUseRelease(
        Effect.flatMap(Deferred.make<void>(), (bell) => enter(name, bell)),
        (bell) => use(Deferred.await(bell)),
        (bell) => leave(name, bell)
      ),
    wake: (name) =>
      Effect.flatMap(
        Ref.modify(rooms, (all) => [HashMap.get(all, name), HashMap.remove(all, name)]),
        Option.match({ onNone: () => Effect.void, onSome: ({ bell }) => Deferred.succeed(bell, undefined) })
      )
  }
})
