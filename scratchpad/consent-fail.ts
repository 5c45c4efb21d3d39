import { Console, Effect } from "effect"
import { Consent, IdentityControls, IdentityService } from "effect-agentcore-identity"
import { asAda, repository, setUp } from "./consent/world.js"

/** The call fails. The caller of the agent shows the URL, and runs the agent again. */
const program = Effect.gen(function*() {
  yield* setUp
  const identity = yield* IdentityService.IdentityService
  const turn = identity.getToken({ ...repository, workloadAccessToken: yield* asAda, consent: Consent.fail })

  const first = yield* turn.pipe(
    Effect.catchTag("ConsentRequired", (consent) =>
      Console.log(`${consent.message}, before ${consent.expiresAt}`).pipe(
        Effect.zipRight(IdentityControls.consent(consent)),
        Effect.as("nothing yet")
      ))
  )
  yield* Console.log(`the first turn had ${first}, the second ${yield* turn}`)
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest))
