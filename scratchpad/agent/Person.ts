import { HttpClient } from "@effect/platform"
import { Console, Context, Effect, Layer, Redacted } from "effect"
import { IdentityControls, type IdentityError } from "effect-agentcore-identity"

/** Whoever the agent works for, and how they come to open a page. */
export class Person extends Context.Tag("scratchpad/Person")<Person, {
  readonly userId: string
  readonly open: (consent: IdentityError.ConsentRequired) => Effect.Effect<void>
}>() {}

/** A real one, at a real browser. */
export const layerLive = Layer.succeed(Person, {
  userId: "demo+ada",
  open: () => Console.log("waiting for you to open it ...")
})

/** One who agrees after two seconds, and whose browser then goes where it is sent. */
export const layerSimulated = Layer.effect(
  Person,
  Effect.gen(function*() {
    const controls = yield* IdentityControls.IdentityControls
    const browser = yield* HttpClient.HttpClient
    const agree = (consent: IdentityError.ConsentRequired) =>
      Effect.gen(function*() {
        yield* Effect.sleep("2 seconds")
        const returnUrl = yield* controls.approve(consent.sessionUri)
        const page = yield* browser.get(Redacted.value(returnUrl))
        yield* Console.log(`the simulated person agreed; their browser shows: ${yield* page.text}`)
      })
    return Person.of({
      userId: "demo+ada",
      open: (consent) =>
        Console.log("waiting for a simulated person ...").pipe(
          Effect.zipRight(Effect.forkDaemon(Effect.ignoreLogged(agree(consent)))),
          Effect.asVoid
        )
    })
  })
)
