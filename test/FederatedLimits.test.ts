// @effect-diagnostics anyUnknownInErrorContext:off globalTimers:off
import { type HttpApp, HttpServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import {
  Context,
  Duration,
  Effect,
  Fiber,
  Layer,
  Logger,
  LogLevel,
  Queue,
  Redacted,
  TestClock,
  TestServices
} from "effect"
import type { ServerResponse } from "node:http"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as Credential from "../src/Credential.js"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import type * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { callbackUrl, jwt, workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { required } from "./support/consenting.js"
import { assertContains } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { Jar } from "./support/jar.js"
import { origin, Port } from "./support/server.js"

const limit = Duration.seconds(10)

type How = "silent" | "slow"

const hows: ReadonlyArray<How> = ["silent", "slow"]

const discovery = "/.well-known/openid-configuration"

/** Starts a response, then sends single bytes without an end. */
const trickle = (response: ServerResponse) => {
  response.writeHead(200, { "content-type": "application/json" })
  const timer = setInterval(() => response.write(" "), 10)
  response.on("close", () => clearInterval(timer))
}

/** An authorization server that responds correctly, except at one path that exceeds the time limit. */
const authorizationServer = (how: How) =>
  Effect.gen(function*() {
    const arrivals = yield* Queue.unbounded<string>()
    const aborts = yield* Queue.unbounded<string>()
    let slow: string | undefined
    let tokens = 0
    const { origin } = yield* answering((request, response) => {
      const path = request.url ?? ""
      request.resume()
      if (path === slow) {
        response.on("close", () => response.writableFinished || aborts.unsafeOffer(path))
        arrivals.unsafeOffer(path)
        return how === "silent" ? undefined : trickle(response)
      }
      const issuer = `http://${request.headers.host}`
      const token = `token-${++tokens}`
      const answers: Record<string, object> = {
        [discovery]: {
          issuer,
          authorization_endpoint: `${issuer}/auth`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`
        },
        "/jwks": { keys: [] },
        "/token": { access_token: token, refresh_token: `again-${token}`, token_type: "Bearer", expires_in: 3600 }
      }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[path] ?? {}))
    })
    return {
      origin,
      discoveryUrl: `${origin}${discovery}`,
      arrivals,
      aborts,
      turnsSlowAt: (path: string) => Effect.sync(() => slow = path)
    }
  })

type App = HttpApp.Default<never, IdentityApi.IdentityApi | IdentityControls.IdentityControls>

const apps: ReadonlyArray<readonly [string, Effect.Effect<App>]> = [
  ["IdentityServer.api", Effect.succeed(IdentityServer.api)],
  ["IdentityServer.make", Effect.sync(() => IdentityServer.make())],
  ["IdentityServer.makeLocal", Effect.orDie(IdentityServer.makeLocal())]
]

/** The service over HTTP with federated providers and the test clock. */
const setUp = (app: Effect.Effect<App>, how: How, verifyJwtFor: ReadonlyArray<string> = []) =>
  Effect.gen(function*() {
    const vendor = yield* authorizationServer(how)
    const server = yield* Layer.build(
      HttpServer.serve(yield* app).pipe(
        Layer.provideMerge(
          Layer.unwrapEffect(Effect.map(origin, (endpoint) => MemoryIdentity.layerApi({ endpoint })))
        ),
        Layer.provide(
          FederatedIssuer.layer({ timeout: limit, verifyJwtFor, allowedHosts: ["127.0.0.1"] })
        ),
        Layer.provide(Logger.minimumLogLevel(LogLevel.None)),
        Layer.provideMerge(Port)
      )
    )
    const here = yield* Effect.provide(origin, server)
    const client = yield* Layer.build(
      AwsIdentity.layer({
        region: "us-east-1",
        dataEndpoint: here,
        controlEndpoint: here,
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
        requestTimeout: Duration.infinity
      })
    )
    const identity = Context.get(client, IdentityService.IdentityService)
    const controls = Context.get(server, IdentityControls.IdentityControls)
    yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
    yield* federated.provide(vendor.discoveryUrl, {
      onBehalfOfTokenExchangeConfig: { grantType: "TOKEN_EXCHANGE" }
    }).pipe(Effect.provide(client))
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
    const asUser = {
      providerName: federated.providerName,
      scopes: ["read"],
      authFlow: "USER_FEDERATION",
      callbackUrl,
      workloadAccessToken
    } as const
    const asked = required(identity.getToken(asUser))
    /** The user has consented at the provider, and the browser has returned with a code. */
    const authorized = Effect.gen(function*() {
      const { sessionUri } = yield* asked
      const state = "state"
      const redirect = yield* controls.beginAuthorization(sessionUri, state)
      if (redirect === undefined) return yield* Effect.dieMessage("the provider is simulated")
      const parameters = new URLSearchParams({ state, code: "code" })
      yield* controls.completeAuthorization(sessionUri, { state, codeVerifier: redirect.codeVerifier, parameters })
      return { sessionUri, userIdentifier: Credential.userId("ada") }
    })
    return { vendor, identity, controls, here, asUser, asked, authorized }
  })

type World = Effect.Effect.Success<ReturnType<typeof setUp>>

/** Advances the clock by the limit whenever a request waits for the authorization server, and slightly in between. */
const driven = <A, E, R>({ vendor }: World, call: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(call)
    const drive = Effect.gen(function*() {
      yield* TestServices.provideLive(Effect.sleep("5 millis"))
      const late = yield* Queue.takeAll(vendor.arrivals)
      yield* TestClock.adjust(late.length > 0 ? limit : "20 millis")
    })
    yield* Effect.repeat(drive, { until: () => fiber.unsafePoll() !== null })
    return yield* Fiber.join(fiber)
  })

/** The call times out, and the request to the authorization server is aborted. */
const endsAtTheLimit = <A, E, R>(
  world: World,
  path: string,
  step: IdentityControls.ProviderFailure["step"],
  call: Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    yield* world.vendor.turnsSlowAt(path)
    const error = yield* driven(world, Effect.flip(call))
    const failure = (yield* world.controls.providerFailures).at(-1)
    assertContains(failure, { step, reason: "TimedOut" })
    assert.match(failure?.description ?? "", /(^|: )no response within 10s$/)
    assert.strictEqual(yield* Queue.take(world.vendor.aborts), path)
    return error
  })

const userToken = ({ vendor }: World) => jwt({ iss: vendor.origin, sub: "ada", aud: "the agent", exp: 4_102_444_800 })

const mint = (world: World) => world.identity.getWorkloadAccessToken({ workloadName, userToken: userToken(world) })

const machine = ({ asUser: { workloadAccessToken }, identity }: World) =>
  identity.getToken({ providerName: federated.providerName, scopes: ["read"], authFlow: "M2M", workloadAccessToken })

const onBehalfOf = (world: World) =>
  Effect.flatMap(mint(world), (workloadAccessToken) =>
    world.identity.getToken({
      providerName: federated.providerName,
      scopes: ["read"],
      authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE",
      workloadAccessToken
    }))

type Case = (world: World) => Effect.Effect<unknown, unknown>

const verifying: ReadonlyArray<readonly [string, Case]> = [
  [
    "the discovery document of the issuer of a user's JWT",
    (world) =>
      Effect.map(
        endsAtTheLimit(world, discovery, "discovery", mint(world)),
        (error) => assert.strictEqual(error._tag, "Unauthorized")
      )
  ],
  [
    "the keys of the issuer of a user's JWT",
    (world) =>
      Effect.map(
        endsAtTheLimit(world, "/jwks", "verification", mint(world)),
        (error) => assert.strictEqual(error._tag, "Unauthorized")
      )
  ]
]

const asking: ReadonlyArray<readonly [string, Case]> = [
  [
    "the discovery document of a provider",
    (world) =>
      Effect.map(
        endsAtTheLimit(world, discovery, "discovery", machine(world)),
        (error) => assert.strictEqual(error._tag, "ValidationError")
      )
  ],
  [
    "a machine token (client credentials)",
    (world) =>
      Effect.map(
        endsAtTheLimit(world, "/token", "token", machine(world)),
        (error) => assert.strictEqual(error._tag, "ValidationError")
      )
  ],
  [
    "the token on behalf of a user (token exchange)",
    (world) =>
      Effect.map(
        endsAtTheLimit(world, "/token", "exchange", onBehalfOf(world)),
        (error) => assert.strictEqual(error._tag, "ValidationError")
      )
  ],
  ["the token for an authorization code", (world) =>
    Effect.gen(function*() {
      const completes = world.identity.completeResourceTokenAuth(yield* world.authorized)
      const error = yield* endsAtTheLimit(world, "/token", "token", completes)
      assert.strictEqual(error._tag, "ValidationError")
    })],
  ["a new token for a refresh token", (world) =>
    Effect.gen(function*() {
      yield* world.identity.completeResourceTokenAuth(yield* world.authorized)
      const refreshes = world.identity.getToken(world.asUser)
      assert.isNotEmpty(Redacted.value(yield* refreshes))
      yield* world.controls.expireTokens()
      const error = yield* endsAtTheLimit(world, "/token", "refresh", refreshes)
      assert.strictEqual(error._tag, "ValidationError")
    })]
]

describe("an authorization server that is too slow", () => {
  for (const [name, app] of apps) {
    for (const how of hows) {
      for (const [what, test] of verifying) {
        it.scoped(`for ${what}, ${how}, keeps no caller waiting longer than the limit: ${name}`, () =>
          Effect.flatMap(setUp(app, how, ["the agent"]), test))
      }
      for (const [what, test] of asking) {
        it.scoped(`for ${what}, ${how}, keeps no caller waiting longer than the limit: ${name}`, () =>
          Effect.flatMap(setUp(app, how), test))
      }
    }
  }

  for (const how of hows) {
    const browsing = Effect.gen(function*() {
      const world = yield* setUp(Effect.orDie(IdentityServer.makeLocal()), how)
      const browser = new Jar(world.here)
      const { authorizationUrl } = yield* world.asked
      const { pathname, search } = new URL(Redacted.value(authorizationUrl))
      return { world, browser, authorize: browser.get(pathname + search) }
    })

    it.scoped(`at the page that redirects to the provider, ${how}, causes a 502 response at the limit`, () =>
      Effect.gen(function*() {
        const { authorize, world } = yield* browsing
        yield* world.vendor.turnsSlowAt(discovery)
        assert.strictEqual((yield* driven(world, authorize)).status, 502)
        assert.strictEqual(yield* Queue.take(world.vendor.aborts), discovery)
      }))

    it.scoped(`at the callback page, ${how}, causes a 502 response at the limit`, () =>
      Effect.gen(function*() {
        const { authorize, browser, world } = yield* browsing
        const to = new URL((yield* authorize).headers.get("location") ?? "")
        const { pathname } = new URL(to.searchParams.get("redirect_uri") ?? "")
        const state = to.searchParams.get("state") ?? ""
        yield* world.vendor.turnsSlowAt(discovery)
        const page = yield* driven(world, browser.get(`${pathname}?${new URLSearchParams({ code: "code", state })}`))
        assert.strictEqual(page.status, 502)
        assert.strictEqual(yield* Queue.take(world.vendor.aborts), discovery)
      }))
  }
})
