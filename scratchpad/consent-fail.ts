import { Console, Effect } from "effect"
import { Consent, IdentityService } from "effect-agentcore-identity"
import { adaAgrees, asAda, repository, setUp } from "./consent/world.js"

/** The runtime gets the error, shows the URL by its own means, and lets the agent try again. */
const program = Effect.gen(function*() {
  yield* setUp
  const identity = yield* IdentityService.IdentityService
  const turn = identity.getToken({ ...repository, workloadAccessToken: yield* asAda, consent: Consent.fail })

  const first = yield* turn.pipe(
    Effect.catchTag("ConsentRequired", (consent) =>
      Console.log(`${consent.message}, before ${consent.expiresAt}`).pipe(
        Effect.zipRight(adaAgrees(consent)),
        Effect.as("nothing yet")
      ))
  )
  yield* Console.log(`the first turn had ${first}, the second ${yield* turn}`)
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest))
