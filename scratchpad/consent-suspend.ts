import { Console, Effect, Layer, Redacted } from "effect"
import { Consent, ConsentSeal, IdentityService } from "effect-agentcore-identity"
import * as StoredIdentity from "effect-agentcore-identity/StoredIdentity"
import { writeFileSync } from "node:fs"
import { asAda, repository, setUp } from "./consent/world.js"

/** Asks, puts the call aside, and ends; `consent-resume.ts` goes on with it in another process. */
const [directory = "."] = process.argv.slice(2)
const Identity = IdentityService.layer.pipe(Layer.provide(StoredIdentity.layerApi({ directory: `${directory}/state` })))

const program = Effect.gen(function*() {
  yield* setUp
  const identity = yield* IdentityService.IdentityService
  yield* identity.getToken({ ...repository, workloadAccessToken: yield* asAda, consent: Consent.suspend }).pipe(
    Effect.catchTag(
      "ConsentRequired",
      ({ handle = Redacted.make("") }) =>
        Effect.sync(() => writeFileSync(`${directory}/handle`, Redacted.value(handle))).pipe(
          Effect.zipRight(Console.log("put aside: node consent-resume.ts"))
        )
    )
  )
})

// The key is read from AGENTCORE_IDENTITY_SEAL_KEYS.
Effect.runPromise(program.pipe(Effect.provide(Layer.merge(Identity, ConsentSeal.layerConfig()))))
