/**
 * The clock of a server whose state outlives it: what was made at a moved time is not to lie in the future next time.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import type * as IdentityServer from "../IdentityServer.js"
import { clockFile } from "../internal/emulator/persistence/leveldb.js"
import { CommandFailed } from "./output.js"

const unusable = (path: string) =>
  new CommandFailed({
    reason: "ServerFailed",
    message: `${path} does not say how many milliseconds the clock was moved by: remove it to begin at the real time`
  })

/**
 * The clock that this folder keeps, which is in use by us alone from here on.
 *
 * @internal
 */
export const open = Effect.fnUntraced(function*(
  directory: string
): Effect.fn.Return<NonNullable<IdentityServer.LocalOptions["clock"]>, CommandFailed, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const path = join(directory, clockFile)
  const begun = `${path}.new`
  const text = yield* files.readFileString(path).pipe(
    Effect.catchAll((error) =>
      error._tag === "SystemError" && error.reason === "NotFound" ? Effect.succeed("0\n") : unusable(path)
    )
  )
  if (!/^\d{1,15}\n?$/.test(text)) return yield* unusable(path)
  const moved = Duration.millis(Number(text))
  if (Duration.toMillis(moved) > 0) {
    yield* Effect.logInfo(`the clock is ${Duration.format(moved)} ahead, as it was left; without ${path} it is not`)
  }
  return {
    moved,
    // Never half of a number: the old one is there until the new one is whole.
    keep: (moved) =>
      files.writeFileString(begun, `${Duration.toMillis(moved)}\n`, { mode: 0o600 }).pipe(
        Effect.zipRight(files.rename(begun, path)),
        Effect.catchAll(({ message }) => Effect.logError(`how far the clock was moved could not be kept: ${message}`))
      )
  }
})
