import { Console, Effect, Layer, Redacted } from "effect"
import { ConsentLedger, ConsentSeal, IdentityControls, IdentityService } from "effect-agentcore-identity"
import * as StoredIdentity from "effect-agentcore-identity/StoredIdentity"
import { readFileSync } from "node:fs"
import { adaAgrees, asAda } from "./consent/world.js"

/** Goes on with what `consent-suspend.ts` put aside, once Ada has agreed. */
const [directory = "."] = process.argv.slice(2)
const Identity = IdentityService.layer.pipe(
  Layer.provideMerge(StoredIdentity.layerApi({ directory: `${directory}/state` }))
)

const program = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const { sessions } = yield* IdentityControls.IdentityControls
  const [session] = yield* sessions
  if (session !== undefined) yield* adaAgrees(session)
  const handle = Redacted.make(readFileSync(`${directory}/handle`, "utf8"))
  const token = yield* identity.resume(handle, { workloadAccessToken: yield* asAda })
  yield* Console.log(`resumed: ${token}`)
  const again = yield* Effect.flip(identity.resume(handle, { workloadAccessToken: yield* asAda }))
  yield* Console.log(again.message)
})

// The key is read from AGENTCORE_IDENTITY_SEAL_KEYS, and has to be the same.
const Resuming = Layer.mergeAll(Identity, ConsentSeal.layerConfig(), ConsentLedger.layerMemory)
Effect.runPromise(program.pipe(Effect.provide(Resuming)))
