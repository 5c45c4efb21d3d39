import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import {
  AccessToken,
  ApiKey,
  IdentityControls,
  IdentityError,
  IdentityService,
  WorkloadAccessToken
} from "../src/index.js"
import { agent, asUser, workloadName } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"

class First extends AccessToken.Tag("test/First")<First>() {}
class Second extends AccessToken.Tag("test/Second")<Second>() {}
class Other extends ApiKey.Tag("test/Other")<Other>() {}

const machine = { providerName: "github", scopes: ["repo"], authFlow: "M2M" } as const

const Ada = WorkloadAccessToken.layer({ workloadName, userId: "ada" })

const test = <A, E>(
  title: string,
  body: Effect.Effect<
    A,
    E,
    IdentityService.IdentityService | IdentityControls.IdentityControls | WorkloadAccessToken.WorkloadAccessToken
  >
) =>
  it.effect(
    title,
    () => Effect.zipRight(agent, Effect.provide(body, Ada)).pipe(Effect.provide(Layer.fresh(IdentityService.layerTest)))
  )

describe("provideAccessToken", () => {
  test(
    "gives the program its token, Redacted",
    Effect.gen(function*() {
      const token = yield* AccessToken.provideAccessToken(AccessToken.AccessToken, machine)
      assert.isTrue(Redacted.isRedacted(token))
      assert.strictEqual(String(token), "<redacted>")
      const same = yield* AccessToken.AccessToken.pipe(AccessToken.provideAccessToken(machine))
      assert.strictEqual(Redacted.value(same), Redacted.value(token))
    })
  )

  test(
    "gives each tag the token of its own provider",
    Effect.gen(function*() {
      const [first, second, key] = yield* Effect.all([First, Second, Other]).pipe(
        AccessToken.provideAccessToken({ ...machine, tag: First }),
        AccessToken.provideAccessToken({ ...machine, providerName: "exchange", tag: Second }),
        ApiKey.provideApiKey({ providerName: "weather", tag: Other })
      )
      assert.notStrictEqual(Redacted.value(first), Redacted.value(second))
      assert.strictEqual(Redacted.value(key), "weather-key")
    })
  )

  test(
    "asks again each time the program runs, and not before it runs",
    Effect.gen(function*() {
      const { journal } = yield* IdentityControls.IdentityControls
      const asked = Effect.map(
        journal,
        (entries) => entries.filter(({ operation }) => operation === "getResourceOauth2Token").length
      )
      const program = AccessToken.provideAccessToken(
        Effect.zip(AccessToken.AccessToken, AccessToken.AccessToken),
        machine
      )
      assert.strictEqual(yield* asked, 0)
      yield* program
      assert.strictEqual(yield* asked, 1)
      yield* program
      assert.strictEqual(yield* asked, 2)
    })
  )

  test(
    "fails with the consent that is required, which can be told from the program's own errors",
    Effect.gen(function*() {
      const program = Effect.zipRight(AccessToken.AccessToken, Effect.fail("own"))
      const consent = yield* Effect.flip(AccessToken.provideAccessToken(program, asUser))
      assert.isTrue(consent instanceof IdentityError.ConsentRequired)
      assert.strictEqual(yield* Effect.flip(AccessToken.provideAccessToken(program, machine)), "own")
    })
  )

  test(
    "lets one user's token reach that user's fiber only",
    Effect.gen(function*() {
      const { sessions } = yield* IdentityControls.IdentityControls
      const users = ["grace", "alan", "barbara"]
      yield* Effect.forEach(users, (userId) =>
        AccessToken.provideAccessToken(AccessToken.AccessToken, asUser).pipe(
          Effect.flip,
          Effect.provide(WorkloadAccessToken.layer({ workloadName, userId }))
        ), { concurrency: "unbounded" })
      assert.sameMembers((yield* sessions).map(({ user }) => user), users.map((user) => `userId:${user}`))
    })
  )
})

describe("requiresAccessToken and requiresApiKey", () => {
  test(
    "put credentials into a function's argument, whatever its caller says",
    Effect.gen(function*() {
      const call = (args: {
        readonly city: string
        readonly accessToken: Redacted.Redacted
        readonly apiKey: Redacted.Redacted
      }) => Effect.succeed([args.city, Redacted.value(args.accessToken).length > 0, Redacted.value(args.apiKey)])
      const wrapped = AccessToken.requiresAccessToken({ ...machine, into: "accessToken" })(call)
      const twice = ApiKey.requiresApiKey({ into: "apiKey", providerName: "weather" })(wrapped)
      assertEqual(yield* twice({ city: "Oslo" }), ["Oslo", true, "weather-key"])
      // @ts-expect-error a caller may not pass what is injected
      const forged = yield* twice({ city: "Oslo", apiKey: Redacted.make("forged") })
      assertEqual(forged, ["Oslo", true, "weather-key"])
    })
  )

  test(
    "fail with what asking can fail with",
    Effect.gen(function*() {
      const inject = ApiKey.requiresApiKey({ into: "apiKey", providerName: "nobody" })
      const error = yield* Effect.flip(inject((_: { readonly apiKey: Redacted.Redacted }) => Effect.void)({}))
      assert.strictEqual(error._tag, "ResourceNotFound")
    })
  )
})
