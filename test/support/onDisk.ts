/**
 * A process that uses a folder on a disk with a problem: `open` opens it, `ledger` opens a ledger in it, `fill` writes until a write fails, and `check` finds
 * what `fill` has acknowledged. Prints its results as JSON.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Layer, Logger, Redacted } from "effect"
import { appendFileSync, readFileSync } from "node:fs"
import { ConsentLedger, layerFileSystem } from "../../src/ConsentLedger.js"
import { IdentityApi } from "../../src/IdentityApi.js"
import * as StoredIdentity from "../../src/StoredIdentity.js"

const [mode = "", directory = "", acknowledged = ""] = process.argv.slice(2)

const logged: Array<string> = []

const logger = Logger.replace(
  Logger.defaultLogger,
  Logger.map(Logger.logfmtLogger, (line) => {
    logged.push(line)
  })
)

const workloadName = "agent"

const fill = Effect.gen(function*() {
  const api = yield* IdentityApi
  yield* api.createWorkloadIdentity({ name: workloadName })
  yield* api.createApiKeyCredentialProvider({ name: "key", apiKey: Redacted.make("secret") })
  const mint = Effect.flatMap(
    api.getWorkloadAccessTokenForUserId({ workloadName, userId: "u".repeat(128) }),
    ({ workloadAccessToken }) =>
      Effect.sync(() => appendFileSync(acknowledged, `${Redacted.value(workloadAccessToken)}\n`))
  )
  const first = yield* Effect.flip(Effect.forever(mint))
  const later = yield* Effect.flip(mint)
  return { first: [first._tag, first.message], later: [later._tag, later.message], logged }
})

const check = Effect.gen(function*() {
  const api = yield* IdentityApi
  const tokens = readFileSync(acknowledged, "utf8").trim().split("\n")
  yield* Effect.forEach(
    tokens,
    (token) =>
      api.getResourceApiKey({ workloadIdentityToken: Redacted.make(token), resourceCredentialProviderName: "key" })
  )
  yield* api.getWorkloadAccessToken({ workloadName })
  return { found: tokens.length }
})

/** The result of this mode. */
const result: Effect.Effect<
  unknown,
  Effect.Effect.Error<typeof fill> | Effect.Effect.Error<typeof check>,
  IdentityApi
> = mode === "fill"
  ? fill
  : mode === "check"
  ? check
  : Effect.succeed("opened")

const ledger = Effect.as(ConsentLedger, "opened").pipe(
  Effect.provide(Layer.provide(layerFileSystem(directory), NodeFileSystem.layer)),
  Effect.catchTag("LedgerFailure", ({ message }) => Effect.succeed({ message }))
)

const service = result.pipe(
  Effect.provide(StoredIdentity.layerApi({ directory })),
  Effect.catchAll((error) =>
    error instanceof StoredIdentity.StorageError ? Effect.succeed({ message: error.message }) : Effect.die(error)
  )
)

const run = Effect.suspend((): Effect.Effect<unknown> => mode === "ledger" ? ledger : service).pipe(
  Effect.tap((result) => Effect.sync(() => process.stdout.write(`${JSON.stringify(result)}\n`))),
  Effect.provide(logger)
)

await Effect.runPromise(run)
