import { Console, Context, Effect, Layer } from "effect"
import * as Browser from "./Browser.js"

/** Whoever the agent works for, and how they come to open a page. */
export class Person extends Context.Tag("scratchpad/Person")<Person, {
  readonly userId: string
  /** Signs in to the application, and follows its link. */
  readonly open: (signInUrl: string, link: string) => Effect.Effect<void>
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
    const agree = (signInUrl: string, link: string) =>
      Effect.gen(function*() {
        yield* Effect.sleep("2 seconds")
        yield* browser.open(signInUrl)
        const question = yield* browser.open(link)
        yield* Console.log(`the simulated person signs in at ${new URL(question.url).origin}, and agrees`)
        const end = yield* browser.send(question, { user: "ada", decision: "allow" })
        yield* Console.log(`their browser shows: ${/<h1[^>]*>([^<]*)/.exec(end.text)?.[1]}`)
      })
    return Person.of({
      userId: "demo+ada",
      open: (signInUrl, link) =>
        Console.log("waiting for a simulated person ...").pipe(
          Effect.zipRight(Effect.forkDaemon(Effect.ignoreLogged(agree(signInUrl, link)))),
          Effect.asVoid
        )
    })
  })
)
