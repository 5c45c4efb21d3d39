/** The seed file of `serve`. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as IdentityControls from "../IdentityControls.js"
import * as Input from "./input.js"
import { CommandFailed } from "./output.js"

/** @internal */
export const read = (path: string): Effect.Effect<IdentityControls.Seed, CommandFailed, FileSystem.FileSystem> =>
  Input.json(path, IdentityControls.Seed)

/** Applies the seed, and logs the outcome for each member. */
export const apply = (
  seed: IdentityControls.Seed
): Effect.Effect<void, CommandFailed, IdentityControls.IdentityControls> => {
  const log = (results: ReadonlyArray<IdentityControls.SeedResult>) =>
    Effect.forEach(results, ({ member, name, outcome }) => {
      const issuer = member === "issuers" && outcome === "set" ? seed.issuers?.[name] : undefined
      return Effect.logInfo(`seed ${member} ${name}: ${issuer ?? outcome}`)
    }, { discard: true })
  return Effect.flatMap(IdentityControls.IdentityControls, (controls) =>
    controls.seed(seed).pipe(
      Effect.tapError(({ applied }) => log(applied)),
      Effect.mapError(({ message }) => new CommandFailed({ reason: "SeedFailed", message })),
      Effect.flatMap(log)
    ))
}
