import { Console, Effect, Schedule } from "effect"
import { Consent, IdentityControls, IdentityService } from "effect-agentcore-identity"
import { asAda, repository, setUp } from "./consent/world.js"

/** Polls quickly at first, then slower, with jitter, for at most two minutes. */
const eager = Schedule.exponential("100 millis", 1.5).pipe(Schedule.jittered, Schedule.upTo("2 minutes"))

const program = Effect.gen(function*() {
  yield* setUp
  const identity = yield* IdentityService.IdentityService
  const token = yield* identity.getToken({
    ...repository,
    workloadAccessToken: yield* asAda,
    consent: Consent.wait({
      tokenPoller: eager,
      onAuthUrl: (_, consent) => Effect.forkDaemon(Effect.delay(IdentityControls.consent(consent), "1 second"))
    })
  })
  yield* Console.log(`consented: ${token}`)
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest))
