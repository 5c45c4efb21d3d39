/** The option `--ca`: certificates of a private certificate authority. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { fromPem } from "../internal/lib/certificates.js"
import * as Input from "./input.js"
import { CommandFailed } from "./output.js"

/** @internal */
export const read = (path: string): Effect.Effect<string, CommandFailed, FileSystem.FileSystem> =>
  Input.text(path).pipe(
    Effect.mapError(({ message, reason }) => new CommandFailed({ reason, message: `--ca: ${message}` })),
    Effect.flatMap((pem) =>
      Either.match(fromPem(pem), {
        onLeft: (problem) =>
          Effect.fail(new CommandFailed({ reason: "InputInvalid", message: `--ca: the file ${path} ${problem}` })),
        onRight: () => Effect.succeed(pem)
      })
    )
  )
