import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Record, Redacted, TestClock } from "effect"
import * as AccessToken from "../src/AccessToken.js"
import * as ApiKey from "../src/ApiKey.js"
import * as Consent from "../src/Consent.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { agent, asUser, workloadName } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import { answering, inProgress, sessionUri, token } from "./support/stub.js"

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
    "requests the token each time the program runs, and not before",
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
    "fails with ConsentRequired, which is distinct from the errors of the program",
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
    "inject the credential into the argument of a function, also if its caller passes the member",
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

describe("the tags of credentials", () => {
  it("have keys of their own, so that no credential is taken for another", () => {
    const keys = [AccessToken.AccessToken, ApiKey.ApiKey, WorkloadAccessToken.WorkloadAccessToken, First, Second, Other]
      .map(({ key }) => key)
    assertEqual(keys, [
      "effect-agentcore-identity/AccessToken",
      "effect-agentcore-identity/ApiKey",
      "effect-agentcore-identity/WorkloadAccessToken",
      "test/First",
      "test/Second",
      "test/Other"
    ])
  })

  it.effect("each get the credential that was requested for them, and leave the others as they are", () =>
    Effect.gen(function*() {
      const { identity } = yield* answering(({ resourceCredentialProviderName }) =>
        Effect.succeed(token(`token of ${resourceCredentialProviderName}`))
      )
      const keys: IdentityService.IdentityService["Type"] = {
        ...identity,
        getApiKey: ({ providerName }) => Effect.succeed(Redacted.make(`key of ${providerName}`))
      }
      const all = Effect.all({
        outer: AccessToken.AccessToken,
        first: First,
        second: Second,
        key: ApiKey.ApiKey,
        other: Other,
        workload: Effect.flatMap(WorkloadAccessToken.WorkloadAccessToken, ({ get }) => get)
      })
      const credentials = yield* all.pipe(
        AccessToken.provideAccessToken({ ...machine, providerName: "first", tag: First }),
        ApiKey.provideApiKey({ providerName: "other", tag: Other }),
        AccessToken.provideAccessToken({ ...machine, providerName: "outer" }),
        AccessToken.provideAccessToken({ ...machine, providerName: "second", tag: Second }),
        ApiKey.provideApiKey({ providerName: "key" }),
        Effect.provideService(
          WorkloadAccessToken.WorkloadAccessToken,
          WorkloadAccessToken.fixed(Redacted.make("workload"))
        ),
        Effect.provideService(IdentityService.IdentityService, keys)
      )
      assertEqual(Record.map(credentials, Redacted.value), {
        outer: "token of outer",
        first: "token of first",
        second: "token of second",
        key: "key of key",
        other: "key of other",
        workload: "workload"
      })
      const inner = yield* ApiKey.provideApiKey(Effect.all([Other, ApiKey.ApiKey]), {
        providerName: "inner",
        tag: Other
      })
        .pipe(
          ApiKey.provideApiKey({ providerName: "key" }),
          Effect.provideService(
            WorkloadAccessToken.WorkloadAccessToken,
            WorkloadAccessToken.fixed(Redacted.make("workload"))
          ),
          Effect.provideService(IdentityService.IdentityService, keys)
        )
      assertEqual(inner.map(Redacted.value), ["key of inner", "key of key"])
    }))
})

describe("a credential", () => {
  const full = {
    providerName: "github",
    scopes: ["repo"],
    authFlow: "USER_FEDERATION",
    resources: ["https://api.example"],
    audiences: ["api"],
    callbackUrl: "https://app.example/return",
    customParameters: { prompt: "consent" },
    customState: "state",
    forceAuthentication: true
  } as const

  const expected = {
    workloadIdentityToken: Redacted.make("workload"),
    resourceCredentialProviderName: "github",
    scopes: ["repo"],
    oauth2Flow: "USER_FEDERATION",
    resources: ["https://api.example"],
    audiences: ["api"],
    resourceOauth2ReturnUrl: "https://app.example/return",
    customParameters: { prompt: Redacted.make("consent") },
    customState: Redacted.make("state"),
    forceAuthentication: true
  } as const

  /** The requests of a program that gets its token in one of the two ways, once a poll has given it. */
  const requested = <E, E2>(
    calls: (announce: Effect.Effect<void>) => ReadonlyArray<
      Effect.Effect<
        Redacted.Redacted,
        E | E2,
        IdentityService.IdentityService | WorkloadAccessToken.WorkloadAccessToken
      >
    >
  ) =>
    Effect.gen(function*() {
      let announced = 0
      const announce = Effect.sync(() => void announced++)
      for (const [index, call] of calls(announce).entries()) {
        const { identity, requests } = yield* answering(({ sessionUri }) =>
          Effect.succeed(sessionUri === undefined ? inProgress : token("token"))
        )
        const fiber = yield* call.pipe(
          Effect.provideService(
            WorkloadAccessToken.WorkloadAccessToken,
            WorkloadAccessToken.fixed(Redacted.make("workload"))
          ),
          Effect.provideService(IdentityService.IdentityService, identity),
          Effect.fork
        )
        yield* TestClock.adjust("5 seconds")
        assertEqual(yield* Fiber.join(fiber), Redacted.make("token"))
        const [first, poll] = yield* requests
        assertEqual<unknown>(first, expected)
        assertEqual<unknown>(poll, { ...expected, forceAuthentication: undefined, sessionUri })
        assert.strictEqual(announced, index + 1)
      }
    })

  const returned = ({ accessToken }: { readonly accessToken: Redacted.Redacted }) => Effect.succeed(accessToken)

  it.effect("is requested with every option, and waits with the strategy of the call", () =>
    requested((announce) => {
      const consent = Consent.wait({ onAuthUrl: () => announce })
      return [
        AccessToken.provideAccessToken(AccessToken.AccessToken, { ...full, consent }),
        AccessToken.requiresAccessToken({ ...full, consent, into: "accessToken" })(returned)({}),
        AccessToken.provideAccessToken(AccessToken.AccessToken, full).pipe(Effect.provide(Consent.layer(consent)))
      ]
    }))

  it.effect("that is injected is requested at each call, and not before", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering((_, index) => Effect.succeed(token(`token-${index}`)))
      const call = AccessToken.requiresAccessToken({ ...machine, into: "accessToken" })(returned)
      const program = call({}).pipe(
        Effect.provideService(
          WorkloadAccessToken.WorkloadAccessToken,
          WorkloadAccessToken.fixed(Redacted.make("workload"))
        ),
        Effect.provideService(IdentityService.IdentityService, identity)
      )
      assert.lengthOf(yield* requests, 0)
      assertEqual(yield* program, Redacted.make("token-0"))
      assertEqual(yield* program, Redacted.make("token-1"))
    }))

  it.effect("that is injected does not change the argument of the caller", () =>
    Effect.gen(function*() {
      const { identity } = yield* answering(() => Effect.succeed(token("token")))
      const given = { city: "Oslo", accessTokens: 2 }
      const call = AccessToken.requiresAccessToken({ ...machine, into: "accessToken" })((
        args: typeof given & { readonly accessToken: Redacted.Redacted }
      ) => Effect.succeed(args))
      const received = yield* call(given).pipe(
        Effect.provideService(
          WorkloadAccessToken.WorkloadAccessToken,
          WorkloadAccessToken.fixed(Redacted.make("workload"))
        ),
        Effect.provideService(IdentityService.IdentityService, identity)
      )
      assertEqual(received, { city: "Oslo", accessTokens: 2, accessToken: Redacted.make("token") })
      assertEqual(given, { city: "Oslo", accessTokens: 2 })
    }))
})
