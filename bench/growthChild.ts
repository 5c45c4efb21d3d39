/** The measurements of `growth.ts`, each in a process of its own. */
import { HttpMiddleware, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { type Context, Effect, Layer, Redacted } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { IdentityApi, IdentityServer, MemoryIdentity } from "../src/index.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import { colliding, distinct } from "./collisions.js"
import { quantiles } from "./statistics.js"

/** Numbers of stored workload access tokens at which a mint is measured. */
export const sizes = [1_000, 20_000, 100_000] as const

export const pendingSessions = 100_000

const samples = 400

const workloadName = "agent"

const returnUrl = "https://app.example/return"

const setUp = (api: IdentityApi.IdentityApi["Type"]) =>
  Effect.gen(function*() {
    yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
    yield* api.createOauth2CredentialProvider({
      name: "github",
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
    })
  })

const mint = (api: IdentityApi.IdentityApi["Type"], user: string) =>
  api.getWorkloadAccessTokenForUserId({ workloadName, userId: user })

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

const numbers = (from: number, to: number) => Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i)

/** The median of a mint, one after the other, at each size; and the mints per second of 64 concurrent callers. */
const mints = (api: IdentityApi.IdentityApi["Type"]) =>
  Effect.gen(function*() {
    const medians: Record<string, number> = {}
    let stored = 0
    for (const size of sizes) {
      yield* Effect.forEach(numbers(stored, size), (i) => mint(api, `user-${i}`), {
        concurrency: 2_000,
        discard: true
      })
      globalThis.gc?.()
      const times = yield* Effect.forEach(numbers(size, size + samples), (i) => timed(mint(api, `user-${i}`)))
      medians[size] = quantiles(times).p50
      stored = size + samples
    }
    const seconds = (yield* timed(Effect.forEach(numbers(stored, stored + 4_000), (i) => mint(api, `user-${i}`), {
      concurrency: 64,
      discard: true
    }))) / 1000
    return { medians, perSecond: 4_000 / seconds }
  })

/** Lets Node compile the code before anything is measured. */
const warmUp = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  yield* setUp(api)
  yield* Effect.forEach(numbers(0, 5_000), (i) => mint(api, `user-${i}`), { discard: true })
})

const folder = Effect.acquireUseRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "growth-"))),
  (parent) =>
    Effect.gen(function*() {
      const layer = StoredIdentity.layerApi({ directory: join(parent, "data") })
      const using = <A, E>(use: (services: Context.Context<IdentityApi.IdentityApi>) => Effect.Effect<A, E>) =>
        Effect.scoped(Effect.flatMap(Effect.flatMap(Effect.scope, (scope) => Layer.buildWithScope(layer, scope)), use))
      yield* Effect.provide(warmUp, StoredIdentity.layerApi({ directory: join(parent, "warm-up") }))
      const measured = yield* using((services) => {
        const api = IdentityApi.IdentityApi.pipe(Effect.provide(services))
        return Effect.flatMap(api, (api) => Effect.zipRight(setUp(api), mints(api)))
      })
      // The shortest of several, because another process can only lengthen it.
      const restarts = yield* Effect.forEach(numbers(0, 3), () => {
        globalThis.gc?.()
        return timed(using(() => Effect.void))
      })
      return { ...measured, restartMillis: Math.min(...restarts) }
    }),
  (parent) => Effect.sync(() => rmSync(parent, { recursive: true, force: true }))
)

const ask = (
  api: IdentityApi.IdentityApi["Type"],
  workloadIdentityToken: Redacted.Redacted,
  scopes: ReadonlyArray<string>
) =>
  api.getResourceOauth2Token({
    workloadIdentityToken,
    resourceCredentialProviderName: "github",
    scopes,
    oauth2Flow: "USER_FEDERATION",
    resourceOauth2ReturnUrl: returnUrl
  })

const levels = 14

const scopes = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  yield* setUp(api)
  const { workloadAccessToken } = yield* mint(api, "ada")
  const median = (scopes: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(numbers(0, 7), () => timed(ask(api, workloadAccessToken, scopes))),
      (times) => quantiles(times).p50
    )
  return { distinct: yield* median(distinct(levels)), colliding: yield* median(colliding(levels)) }
}).pipe(Effect.provide(MemoryIdentity.layerApi()))

/** Serves the local server with pending sessions, reports its port and one authorization URL, and waits. */
const server = Effect.gen(function*() {
  const api = yield* IdentityApi.IdentityApi
  const { address } = yield* HttpServer.HttpServer
  yield* setUp(api)
  const opened = yield* Effect.forEach(
    numbers(0, pendingSessions),
    (i) => Effect.flatMap(mint(api, `user-${i}`), (token) => ask(api, token.workloadAccessToken, ["repo"])),
    { concurrency: 64 }
  )
  const last = opened.at(-1)?.authorizationUrl
  process.send?.({
    port: address._tag === "TcpAddress" ? address.port : 0,
    authorizationUrl: last === undefined ? "" : Redacted.value(last)
  })
  process.on("disconnect", () => process.exit(0))
  return yield* Effect.never
}).pipe(
  Effect.provide(
    Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(MemoryIdentity.layerApi()),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  )
)

const report = <A, E>(measured: Effect.Effect<A, E>) => () =>
  NodeRuntime.runMain(Effect.map(measured, (value) => {
    process.send?.(value, () => process.disconnect())
  }))

const children = {
  folder: report(folder),
  scopes: report(scopes),
  server: () => NodeRuntime.runMain(server)
}

/** The name of a measurement. */
export type Child = keyof typeof children

/** Runs the measurement that the command line names, if it names one. */
export const runChild = (name: string | undefined): boolean => {
  if (name !== "folder" && name !== "scopes" && name !== "server") return false
  children[name]()
  return true
}
