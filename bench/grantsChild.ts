/** The measurements of `grants.ts`, in a process of its own. */
import { HttpMiddleware, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { type Context, Effect, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { IdentityApi, IdentityControls, IdentityServer, MemoryIdentity } from "../src/index.js"
import { quantiles } from "./statistics.js"

/** Numbers of grants at which each call is measured. */
export const sizes = [1_000, 100_000] as const

/** Each user has a grant at each of these providers. */
const providers = Array.from({ length: 10 }, (_, i) => `provider-${i}`)

const providerAt = (index: number) => providers[index % providers.length] ?? ""

const workloadName = "agent"

const returnUrl = "https://app.example/return"

const samples = 100

type Services = Context.Context<IdentityApi.IdentityApi | IdentityControls.IdentityControls>

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

const numbers = (from: number, to: number) => Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i)

const median = <A, E, R>(call: (index: number) => Effect.Effect<A, E, R>, count = samples) =>
  Effect.map(Effect.forEach(numbers(0, count), (index) => timed(call(index))), (times) => quantiles(times).p50)

const setUp = (api: IdentityApi.IdentityApi["Type"]) =>
  Effect.zipRight(
    api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] }),
    Effect.forEach(providers, (name) =>
      api.createOauth2CredentialProvider({
        name,
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
      }), { discard: true })
  )

const mint = (api: IdentityApi.IdentityApi["Type"], user: number) =>
  Effect.map(
    api.getWorkloadAccessTokenForUserId({ workloadName, userId: `user-${user}` }),
    ({ workloadAccessToken }) => workloadAccessToken
  )

const ask = (
  api: IdentityApi.IdentityApi["Type"],
  workloadIdentityToken: Redacted.Redacted,
  resourceCredentialProviderName: string,
  forceAuthentication = false
) =>
  api.getResourceOauth2Token({
    workloadIdentityToken,
    resourceCredentialProviderName,
    scopes: ["repo"],
    oauth2Flow: "USER_FEDERATION",
    resourceOauth2ReturnUrl: returnUrl,
    forceAuthentication
  })

/** Completes the consents of these users at all providers. */
const consent = (services: Services, from: number, to: number) =>
  Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    const controls = yield* IdentityControls.IdentityControls
    yield* Effect.forEach(numbers(from, to), (user) =>
      Effect.flatMap(mint(api, user), (token) =>
        Effect.forEach(providers, (provider) =>
          Effect.gen(function*() {
            const { sessionUri } = yield* ask(api, token, provider)
            if (sessionUri === undefined) {
              return yield* Effect.dieMessage("no session was opened")
            }
            yield* controls.approve(sessionUri)
            yield* controls.complete(sessionUri)
          }), { discard: true })), { concurrency: 256, discard: true })
  }).pipe(Effect.provide(services))

/** Times of single calls, in milliseconds. */
const calls = (services: Services, users: number) =>
  Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    const controls = yield* IdentityControls.IdentityControls
    const userAt = (index: number) => Math.floor((index + 0.5) * users / samples)
    const tokens = yield* Effect.forEach(numbers(0, samples), (index) => mint(api, userAt(index)))
    const tokenAt = (index: number) => tokens[index] ?? Redacted.make("")
    const filterAt = (index: number) => ({ user: `userId:user-${userAt(index)}` })
    return {
      getToken: yield* median((index) => ask(api, tokenAt(index), providerAt(index))),
      forceAuthentication: yield* median((index) => ask(api, tokenAt(index), providerAt(index), true)),
      grantsPage: yield* median(() => controls.grantsPage(100)),
      expireTokensOfUser: yield* median((index) => controls.expireTokens(filterAt(index)), 20),
      refresh: yield* median((index) => ask(api, tokenAt(index), providerAt(index)), 20),
      revokeOneGrant: yield* median(
        (index) => controls.revoke({ ...filterAt(index), workloadName, providerName: providerAt(index) }),
        20
      ),
      revokeUser: yield* median((index) => controls.revoke(filterAt(index)), 20)
    }
  }).pipe(Effect.provide(services))

const page = (path: string) =>
  Effect.flatMap(
    HttpServer.addressFormattedWith(Effect.succeed),
    (origin) => median(() => Effect.promise(async () => (await fetch(`${origin}${path}`)).text()), 15)
  )

const pages = (services: Services) =>
  Effect.gen(function*() {
    yield* page("/_local/")
    return { dashboard: yield* page("/"), state: yield* page("/_local/state") }
  }).pipe(
    Effect.provide(
      Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
        HttpMiddleware.withTracerDisabledWhen(() => true),
        Layer.provide(Layer.succeedContext(services)),
        Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
      )
    )
  )

const heapBytes = Effect.sync(() => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
})

const measure = (services: Services) =>
  Effect.gen(function*() {
    yield* Effect.provide(Effect.flatMap(IdentityApi.IdentityApi, setUp), services)
    const empty = yield* heapBytes
    const results: Array<Record<string, number>> = []
    let users = 0
    for (const size of sizes) {
      const next = size / providers.length
      yield* consent(services, users, next)
      users = next
      const bytesPerGrant = Math.round((yield* heapBytes) - empty) / size
      results.push({ bytesPerGrant, ...yield* calls(services, users), ...yield* pages(services) })
    }
    return results
  })

const inMemory = Effect.scoped(Effect.flatMap(Layer.build(MemoryIdentity.layerApi()), measure))

/** What the child reports. */
export interface Grants {
  readonly few: Record<string, number>
  readonly many: Record<string, number>
}

/** Lets Node compile the code before anything is measured. */
const warmUp = Effect.scoped(
  Effect.flatMap(Layer.build(MemoryIdentity.layerApi()), (services) =>
    Effect.gen(function*() {
      yield* Effect.provide(Effect.flatMap(IdentityApi.IdentityApi, setUp), services)
      yield* consent(services, 0, 300)
      yield* calls(services, 300)
      yield* pages(services)
    }))
)

/** The name of the measurement on the command line. */
export const childName = "grants"

/** Runs the measurement if the command line names it. */
export const runGrantsChild = (name: string | undefined): boolean => {
  if (name !== childName) return false
  NodeRuntime.runMain(Effect.gen(function*() {
    yield* warmUp
    const [few = {}, many = {}] = yield* inMemory
    const measured: Grants = { few, many }
    process.send?.(measured, () => process.disconnect())
  }))
  return true
}
