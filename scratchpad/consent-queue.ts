import { Console, Effect, Queue, type Redacted } from "effect"
import { Consent, IdentityControls, IdentityError, IdentityService } from "effect-agentcore-identity"
import { asAda, repository, setUp } from "./consent/world.js"

const program = Effect.gen(function*() {
  yield* setUp
  const identity = yield* IdentityService.IdentityService
  const request = { ...repository, workloadAccessToken: yield* asAda }
  const tokens = yield* Queue.unbounded<Redacted.Redacted>()

  // The rest of the application completes the consent, requests the token, and passes it to the agent.
  const application = (consent: IdentityError.ConsentRequired) =>
    IdentityControls.consent(consent).pipe(
      Effect.zipRight(identity.getToken({ ...request, consent: Consent.fail })),
      Effect.flatMap((token) => Queue.offer(tokens, token))
    )

  // The agent sends no poll: it waits for the queue until the session expires.
  const fromQueue = Consent.make((consent) =>
    Console.log(`the agent waits: ${consent.message}`).pipe(
      Effect.zipRight(Effect.forkDaemon(Effect.delay(application(consent), "1 second"))),
      Effect.zipRight(Queue.take(tokens)),
      Effect.timeoutFail({
        duration: "10 minutes",
        onTimeout: () => new IdentityError.ConsentTimedOut({ providerName: consent.providerName })
      })
    )
  )
  yield* Console.log(`the agent has ${yield* identity.getToken({ ...request, consent: fromQueue })}`)
})

Effect.runPromise(Effect.provide(program, IdentityService.layerTest))
