// @effect-diagnostics globalDate:off globalDateInEffect:off returnEffectInGen:off
import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Layer, Redacted } from "effect"
import { vi } from "vitest"
import { api } from "../scratchpad/agent/AuthorizationServer.js"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import type * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityService from "../src/IdentityService.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import * as TokenCache from "../src/TokenCache.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { callbackUrl, workloadName } from "./support/agent.js"
import { required } from "./support/consenting.js"
import { assertEqual, assertNotEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { temporary } from "./support/temporary.js"
import * as vendor from "./support/vendor.js"

/** An authorization server that replaces its refresh tokens, and revokes a grant whose old one is used. */
const rotating = Effect.gen(function*() {
  const issued: Array<string> = []
  const server = yield* vendor.make({
    dialect: async (ctx, next) => {
      await next()
      const { body } = ctx
      const token: unknown = typeof body === "object" && body !== null && "refresh_token" in body
        ? body.refresh_token
        : undefined
      if (ctx.path === "/token" && typeof token === "string") issued.push(token)
    }
  })
  /** Each refresh succeeded, with the refresh token of the response before it. */
  const assertRotated = (refreshes: number) => {
    const requests = server.requests("refresh_token")
    assertEqual(requests.map(({ status }) => status), Array.from({ length: refreshes }, () => 200))
    assertEqual(requests.map(({ parameters }) => parameters.get("refresh_token") ?? ""), issued.slice(0, refreshes))
    assert.strictEqual(new Set(issued).size, refreshes + 1)
    assert.lengthOf(server.requests("authorization_code"), 1)
  }
  return { server, assertRotated }
})

/**
 * Stops the date of this process until the scope closes: for the service, its clients and the authorization server. Timers are not
 * affected. The result moves the date forward.
 */
const virtualDate = Effect.acquireRelease(
  Effect.sync(() => vi.useFakeTimers({ toFake: ["Date"] })),
  () => Effect.sync(() => vi.useRealTimers())
).pipe(Effect.as((minutes: number) => Effect.sync(() => void vi.setSystemTime(Date.now() + minutes * 60_000))))

// The authorization server ends other refresh tokens with the session of the browser, and asks for consent to this scope.
const offline = {
  scopes: ["openid", "offline_access", "read"],
  customParameters: { prompt: Redacted.make("consent") }
}

/** The options of a request for Ada, whose workload access token is requested again when it expires. */
const asAda = Effect.gen(function*() {
  const workloadAccessToken = yield* Effect.provide(
    WorkloadAccessToken.WorkloadAccessToken,
    yield* Layer.build(WorkloadAccessToken.layer({ workloadName, userId: "ada" }))
  )
  return {
    providerName: federated.providerName,
    ...offline,
    authFlow: "USER_FEDERATION",
    callbackUrl,
    workloadAccessToken
  } as const
})

/** The services of a process, each with nothing in common but the port. */
const services: ReadonlyArray<
  readonly [string, Layer.Layer<IdentityService.IdentityService, never, IdentityApi.IdentityApi>]
> = [
  ["without TokenCache", IdentityService.layer],
  ["with TokenCache", Layer.provide(TokenCache.layer({ timeToLive: "1 hour" }), IdentityService.layer)]
]

/** The tokens of five agents, each with a service of its own: of calls at the same time, and of calls in a row. */
const tokensOf = (service: (typeof services)[number][1]) =>
  Effect.gen(function*() {
    const agent = Effect.flatMap(Layer.build(service), (context) =>
      Effect.gen(function*() {
        const identity = yield* IdentityService.IdentityService
        return identity.getToken(yield* asAda)
      }).pipe(Effect.provide(context)))
    const agents = yield* Effect.all(Array.from({ length: 5 }, () => agent))
    return Effect.zipWith(
      Effect.all([...agents, ...agents], { concurrency: "unbounded" }),
      Effect.all(agents),
      (atOnce, inARow) => [...atOnce, ...inARow].map((token) => Redacted.value(token))
    )
  })

describe("a refresh token that the provider replaces at each use", () => {
  for (const [name, service] of services) {
    it.scopedLive(`is never used twice in five lifetimes of the access token, ${name}`, () =>
      Effect.gen(function*() {
        const move = yield* virtualDate
        const { assertRotated, server } = yield* rotating
        yield* Effect.gen(function*() {
          const { identity } = yield* federated.setUp(server)
          yield* federated.consents(server, yield* required(identity.getToken(yield* asAda)))
          const tokens = yield* tokensOf(service)
          const seen = new Set<string>()
          for (const lifetime of [1, 2, 3, 4, 5]) {
            yield* move(61)
            const [token = "", ...others] = yield* tokens
            assertEqual(others, others.map(() => token))
            yield* server.verify(token, api)
            assertRotated(lifetime)
            seen.add(token)
          }
          assert.strictEqual(seen.size, 5)
        }).pipe(Effect.provide(federated.layer()))
      }))

    it.scopedLive(`is never used twice when the server restarts from its folder five times, ${name}`, () =>
      Effect.gen(function*() {
        const move = yield* virtualDate
        const { assertRotated, server } = yield* rotating
        const directory = yield* temporary
        const restarted = IdentityService.layer.pipe(
          Layer.provideMerge(StoredIdentity.layerApi({ directory })),
          Layer.provide(FederatedIssuer.layer())
        )
        yield* Effect.gen(function*() {
          const { controls, identity } = yield* federated.setUp(server)
          const { sessionUri } = yield* required(identity.getToken(yield* asAda))
          yield* federated.answers(controls, server, sessionUri)
          yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "ada" } })
        }).pipe(Effect.scoped, Effect.provide(restarted))
        for (const restart of [1, 2, 3, 4, 5]) {
          yield* move(61)
          const [token = "", ...others] = yield* Effect.flatten(tokensOf(service)).pipe(
            Effect.scoped,
            Effect.provide(restarted)
          )
          assertEqual(others, others.map(() => token))
          yield* server.verify(token, api)
          assertRotated(restart)
        }
      }))
  }
})

/** The response 401 of a resource. */
class Unauthorized extends Data.TaggedError("Unauthorized")<{}> {}

/** A provider with tokens that only its resource understands, and its resource. Both know that a token lives one hour. */
const opaque = Effect.gen(function*() {
  const ends = new Map<string, number>()
  const server = yield* vendor.make({
    dialect: async (ctx, next) => {
      await next()
      if (ctx.path !== "/token" || typeof ctx.body !== "object" || ctx.body === null || !("access_token" in ctx.body)) {
        return
      }
      const token = `opaque-${ends.size + 1}`
      ends.set(token, Date.now() + 3_600_000)
      ctx.body = { ...ctx.body, access_token: token }
    }
  })
  const rejections: Array<string> = []
  const use = (token: Redacted.Redacted) =>
    Effect.suspend(() => {
      const text = Redacted.value(token)
      if (Date.now() < (ends.get(text) ?? 0)) return Effect.succeed(text)
      rejections.push(text)
      return new Unauthorized()
    })
  return { server, use, rejections }
})

/** A provider whose tokens are JWTs, and its resource. */
const jwts = Effect.gen(function*() {
  const server = yield* vendor.make()
  const rejections: Array<string> = []
  const use = (token: Redacted.Redacted) =>
    Effect.catchAllDefect(Effect.as(server.verify(Redacted.value(token), api), Redacted.value(token)), () => {
      rejections.push(Redacted.value(token))
      return new Unauthorized()
    })
  return { server, use, rejections }
})

describe("in 24 hours of use, with access tokens of one hour, a user is asked for consent once", () => {
  const cases = [
    ["JWTs, which the cache keeps until they expire", jwts, 0],
    ["tokens that the cache keeps too long, so that the resource rejects each when it expires", opaque, 23]
  ] as const
  for (const [tokens, provider, rejected] of cases) {
    it.scopedLive(`for ${tokens}`, () =>
      Effect.gen(function*() {
        const move = yield* virtualDate
        const { rejections, server, use } = yield* provider
        yield* Effect.gen(function*() {
          const { identity } = yield* federated.setUp(server)
          const options = yield* asAda
          let prompts = 0
          const started = Date.now()
          /** A tool of the agent, as the README shows it. */
          const tool = Effect.gen(function*() {
            const token = yield* identity.getToken(options)
            return yield* Effect.catchTag(use(token), "Unauthorized", () =>
              Effect.flatMap(identity.reauthenticate({ ...options, refused: token }), use))
          })
          const answered = Effect.catchTag(tool, "ConsentRequired", (consent) => {
            if (prompts++ > 0) {
              return Effect.dieMessage(`asked again after ${(Date.now() - started) / 60_000} minutes`)
            }
            return Effect.zipRight(federated.consents(server, consent), tool)
          })
          yield* answered
          const used = new Set<string>()
          for (let minutes = 20; minutes < 24 * 60; minutes += 20) {
            yield* move(20)
            for (const token of yield* Effect.all([answered, answered, answered], { concurrency: "unbounded" })) {
              used.add(token)
            }
          }
          assert.strictEqual(prompts, 1)
          assert.lengthOf(server.requests("authorization_code"), 1)
          assert.strictEqual(new Set(rejections).size, rejected)
          assert.isAtLeast(used.size, 23)
          assertEqual(
            server.requests("refresh_token").map(({ status }) =>
              status === 200 ? "" : `HTTP ${status}`
            ).join(""),
            ""
          )

          const before = yield* identity.getToken(options)
          yield* federated.consents(
            server,
            yield* required(identity.getToken({ ...options, forceAuthentication: true }))
          )
          assertNotEqual(Redacted.value(yield* identity.getToken(options)), Redacted.value(before))
          assert.lengthOf(server.requests("authorization_code"), 2)
        }).pipe(
          Effect.provide(
            TokenCache.layer({ timeToLive: "2 hours" }).pipe(Layer.provideMerge(federated.layer()))
          )
        )
      }), 120_000)
  }
})
