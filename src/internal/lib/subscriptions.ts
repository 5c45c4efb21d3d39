/** Those who sleep until something of a name happens. */
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

/**
 * Of one who hears of it; changed in place, which costs less than a fiber that awaits it.
 *
 * @internal
 */
export interface Bell {
  isRung: boolean
  /** Called when it rings; whether it has already is the listener's to see. */
  onRing: () => void
}

/** @internal */
export interface Hub {
  /** From now on `bell` rings once it has happened. */
  readonly enter: (name: string, bell: Bell) => Effect.Effect<void>
  readonly leave: (name: string, bell: Bell) => Effect.Effect<void>
  /** Runs `use` with what ends once it has happened, from now on. */
  readonly listening: <A, E, R>(
    name: string,
    use: (happened: Effect.Effect<void>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly wake: (name: string) => Effect.Effect<void>
  /** The number of names that have bells: all that the hub keeps. */
  readonly size: Effect.Effect<number>
}

/** @internal */
export const bell = (): Bell => ({ isRung: false, onRing: constVoid })

const ring = (bell: Bell) => {
  bell.isRung = true
  bell.onRing()
}

const rung = (bell: Bell) =>
  Effect.async<void>((resume) => {
    if (bell.isRung) resume(Effect.void)
    else bell.onRing = () => resume(Effect.void)
  })

/** @internal */
export const make: Effect.Effect<Hub> = Effect.map(
  Ref.make(HashMap.empty<string, ReadonlyArray<Bell>>()),
  (rooms) => {
    const enter = (name: string, bell: Bell) =>
      Ref.update(
        rooms,
        (all) => HashMap.set(all, name, [...Option.getOrElse(HashMap.get(all, name), () => []), bell])
      )

    // The room may have been left by the bell, and be others' by now.
    const leave = (name: string, bell: Bell) =>
      Ref.update(rooms, (all) =>
        HashMap.modifyAt(all, name, (room) =>
          Option.filter(
            Option.map(room, (bells) => bells.filter((other) => other !== bell)),
            (bells) => bells.length > 0
          )))

    return {
      enter,
      leave,
      listening: (name, use) =>
        Effect.acquireUseRelease(
          Effect.tap(Effect.sync(bell), (bell) => enter(name, bell)),
          (bell) => use(rung(bell)),
          (bell) => leave(name, bell)
        ),
      wake: (name) =>
        Effect.map(
          Ref.modify(rooms, (all) => [Option.getOrElse(HashMap.get(all, name), () => []), HashMap.remove(all, name)]),
          (bells) => bells.forEach(ring)
        ),
      size: Effect.map(Ref.get(rooms), HashMap.size)
    }
  }
)
