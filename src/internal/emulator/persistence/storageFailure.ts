/** Failures of the file system as problems of the storage, with the owner of a file to which access is denied. */
import * as Effect from "effect/Effect"
import { stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import process from "node:process"
import * as diskProblem from "../../lib/diskProblem.js"
import { StorageProblem } from "./durableStore.js"

/** The id of the user of this process. `undefined` on Windows, where files have no mode. */
export const currentUser: Effect.Effect<number | undefined> = Effect.sync(() => process.getuid?.())

const placeOf = async (error: unknown, user: number): Promise<diskProblem.Place | undefined> => {
  const denied = diskProblem.deniedPath(error)
  if (denied === undefined) return undefined
  const path = resolve(denied)
  // A file that is to be created has no owner: its folder denies the access.
  for (const candidate of [path, dirname(path)]) {
    const info = await stat(candidate).catch(() => undefined)
    if (info !== undefined) return { path: candidate, owner: info.uid, mode: info.mode, user }
  }
  return undefined
}

/** Fails with what failed, why, and the remedy. */
export const fail = (what: string, cause: unknown): Effect.Effect<never, StorageProblem> =>
  Effect.gen(function*() {
    const user = yield* currentUser
    // Owners and modes do not restrict root.
    const place = user === undefined || user === 0
      ? undefined
      : yield* Effect.promise(() => placeOf(cause, user))
    return yield* new StorageProblem({ message: diskProblem.describe(what, cause, place), cause })
  })

/** Runs an operation of the file system. */
export const attempt = <A>(what: string, body: () => Promise<A>): Effect.Effect<A, StorageProblem> =>
  Effect.catchAll(Effect.tryPromise({ try: body, catch: (cause) => ({ cause }) }), ({ cause }) => fail(what, cause))
