import { Clock, Console, Effect, Redacted } from "effect"
import { Consent, IdentityControls, IdentityService } from "effect-agentcore-identity"
import { asAda, repository, setUp } from "./consent/world.js"

/** All calls of the program wait for consent. The code of the agent does not change. */
const Waiting = Consent.layer(Consent.wait({
  onAuthUrl: (url, consent) =>
    Console.log(`please open a URL of ${Redacted.value(url).length} characters`).pipe(
      Effect.zipRight(Effect.forkDaemon(Effect.delay(Effect.orDie(IdentityControls.consent(consent)), "1 second")))
    )
}))

const agent = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const began = yield* Clock.currentTimeMillis
  const token = yield* identity.getToken({ ...repository, workloadAccessToken: yield* asAda })
  // The completion event ends the wait before the first poll, which is after five seconds.
  yield* Console.log(`the agent has ${token} after ${Math.round((yield* Clock.currentTimeMillis) - began)} ms`)
})

Effect.runPromise(
  Effect.zipRight(setUp, agent.pipe(Effect.provide(Waiting))).pipe(Effect.provide(IdentityService.layerTest))
)
