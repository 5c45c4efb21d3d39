import { Clock, Console, Effect, Redacted } from "effect"
import { Consent, IdentityService } from "effect-agentcore-identity"
import { adaAgrees, asAda, repository, setUp } from "./consent/world.js"

/** The agent waits where it is; the whole program does, so that the agent itself says nothing of it. */
const Waiting = Consent.layer(Consent.wait({
  onAuthUrl: (url, consent) =>
    Console.log(`please open a URL of ${Redacted.value(url).length} characters`).pipe(
      Effect.zipRight(Effect.forkDaemon(Effect.delay(Effect.orDie(adaAgrees(consent)), "1 second")))
    )
}))

const agent = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  const began = yield* Clock.currentTimeMillis
  const token = yield* identity.getToken({ ...repository, workloadAccessToken: yield* asAda })
  // Not at the next poll, five seconds after it began.
  yield* Console.log(`the agent has ${token} after ${Math.round((yield* Clock.currentTimeMillis) - began)} ms`)
})

Effect.runPromise(
  Effect.zipRight(setUp, agent.pipe(Effect.provide(Waiting))).pipe(Effect.provide(IdentityService.layerTest))
)
