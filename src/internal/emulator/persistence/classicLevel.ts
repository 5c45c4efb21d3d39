/** Loads `classic-level`, an optional peer dependency. Only state in a folder needs it, so it is imported on first use. */
import type { ClassicLevel } from "classic-level"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { StorageProblem } from "./durableStore.js"

// Codes of Node: an import, and a `require`, of a package that does not exist.
const notFound: ReadonlyArray<unknown> = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n", 1).join()

const unusable = (error: unknown) => {
  const isMissing = Predicate.hasProperty(error, "code") && notFound.includes(error.code)
  const what = isMissing ? "is not installed" : `cannot be loaded (${firstLine(error)})`
  return new StorageProblem({
    message: `the package 'classic-level' ${what}; install it with 'npm install classic-level@3'`,
    cause: error
  })
}

/** Imports the database class. The failure names the command that installs the version that `peerDependencies` accepts. */
export const load: Effect.Effect<typeof ClassicLevel, StorageProblem> = Effect.tryPromise({
  try: () => import("classic-level").then((library) => library.ClassicLevel),
  catch: unusable
})
