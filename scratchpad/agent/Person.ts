import { Console, Context, Effect, Layer, Redacted } from "effect"
import type { IdentityError } from "effect-agentcore-identity"
import * as Browser from "./Browser.js"

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

/** One who signs in and agrees after two seconds, and whose browser then goes where it is sent. */
export const layerSimulated = Layer.effect(
  Person,
  Effect.gen(function*() {
    const browser = yield* Browser.make
    const agree = (consent: IdentityError.ConsentRequired) =>
      Effect.gen(function*() {
        yield* Effect.sleep("2 seconds")
        const question = yield* browser.open(Redacted.value(consent.authorizationUrl))
        yield* Console.log(`the simulated person signs in at ${new URL(question.url).origin}, and agrees`)
        const end = yield* browser.send(question, { user: "ada", decision: "allow" })
        yield* Console.log(`their browser shows: ${end.text}`)
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
