import { Console, Context, Effect, Layer } from "effect"
import * as Browser from "./Browser.js"

/** User of the agent, and the way to open a page for them. */
export class User extends Context.Tag("scratchpad/User")<User, {
  readonly userId: string
  /** Signs in to the application, and opens its link. */
  readonly open: (signInUrl: string, link: string) => Effect.Effect<void>
}>() {}

/** A real user with a browser. */
export const layerLive = Layer.succeed(User, {
  userId: "demo+ada",
  open: () => Console.log("waiting for you to open it ...")
})

/** A simulated user who signs in and consents after two seconds. */
export const layerSimulated = Layer.effect(
  User,
  Effect.gen(function*() {
    const browser = yield* Browser.make
    const consent = (signInUrl: string, link: string) =>
      Effect.gen(function*() {
        yield* Effect.sleep("2 seconds")
        yield* browser.open(signInUrl)
        const consentPage = yield* browser.open(link)
        yield* Console.log(`the simulated user signs in at ${new URL(consentPage.url).origin}, and consents`)
        const end = yield* browser.send(consentPage, { user: "ada", decision: "allow" })
        yield* Console.log(`the browser shows: ${/<h1[^>]*>([^<]*)/.exec(end.text)?.[1]}`)
      })
    return User.of({
      userId: "demo+ada",
      open: (signInUrl, link) =>
        Console.log("waiting for the simulated user ...").pipe(
          Effect.zipRight(Effect.forkDaemon(Effect.ignoreLogged(consent(signInUrl, link)))),
          Effect.asVoid
        )
    })
  })
)
