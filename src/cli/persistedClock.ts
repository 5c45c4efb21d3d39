/**
 * The clock of a server with a persistent state. Without its offset, the next start would find timestamps in the future.
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
    message:
      `${path} does not contain the offset of the clock in milliseconds: remove the file to start with the real time`
  })

/** Reads the offset of the clock in this folder, which no other process uses. */
export const open = Effect.fnUntraced(function*(
  directory: string
): Effect.fn.Return<NonNullable<IdentityServer.LocalOptions["clock"]>, CommandFailed, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const path = join(directory, clockFile)
  const temporary = `${path}.new`
  const text = yield* files.readFileString(path).pipe(
    Effect.catchAll((error) =>
      error._tag === "SystemError" && error.reason === "NotFound" ? Effect.succeed("0\n") : unusable(path)
    )
  )
  if (!/^\d{1,15}\n?$/.test(text)) return yield* unusable(path)
  const offset = Duration.millis(Number(text))
  if (Duration.toMillis(offset) > 0) {
    yield* Effect.logInfo(
      `the clock is ${Duration.format(offset)} ahead, as stored in ${path}; remove the file to start with the real time`
    )
  }
  return {
    offset,
    // The rename is atomic, so the file is never incomplete.
    onMove: (offset) =>
      files.writeFileString(temporary, `${Duration.toMillis(offset)}\n`, { mode: 0o600 }).pipe(
        Effect.zipRight(files.rename(temporary, path)),
        Effect.catchAll(({ message }) => Effect.logError(`the offset of the clock could not be stored: ${message}`))
      )
  }
})
