// @effect-diagnostics anyUnknownInErrorContext:off
/** The measurements of `scale.ts`, in a process of their own. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { IdentityApi, IdentityControls, IdentityService, MemoryIdentity, TokenCache } from "../src/index.js"
import * as Tree from "../src/internal/emulator/state/tree.js"
import { interleaved, type Variant } from "./rounds.js"
import { spread } from "./statistics.js"

/** Numbers of users, grants, sessions and providers at which a call is measured. */
export const sizes = [10, 1_000, 100_000] as const

/** Calls after which the heap must be as large as before. */
export const callsOfMemory = 200_000

const rounds = 48
const warmUpRounds = 12
const callsPerRound = 400
/** Fewer, since each mint stores a token. */
const mintsPerRound = 50

const workloadName = "agent"

const returnUrl = "https://app.example/return"

type Services = IdentityApi.IdentityApi | IdentityControls.IdentityControls

type Api = IdentityApi.IdentityApi["Type"]

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

const userId = (index: number) => `user-${index}`

const createProvider = (api: Api, name: string) =>
  api.createOauth2CredentialProvider({
    name,
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
  })

const mint = (api: Api, index: number) =>
  Effect.map(
    api.getWorkloadAccessTokenForUserId({ workloadName, userId: userId(index) }),
    ({ workloadAccessToken }) => workloadAccessToken
  )

const userToken = (api: Api, token: Redacted.Redacted, sessionUri?: Redacted.Redacted) =>
  api.getResourceOauth2Token({
    workloadIdentityToken: token,
    resourceCredentialProviderName: "github",
    scopes: ["repo"],
    oauth2Flow: "USER_FEDERATION",
    resourceOauth2ReturnUrl: returnUrl,
    ...(sessionUri === undefined ? {} : { sessionUri })
  })

/** The authorization URL that one of `size` users receives, with the session of the URL. */
const openSession = (api: Api, index: number) =>
  Effect.gen(function*() {
    const token = yield* mint(api, index)
    const { sessionUri } = yield* userToken(api, token)
    if (sessionUri === undefined) return yield* Effect.dieMessage("no session was opened")
    return { token, sessionUri }
  })

const forAll = <A, E, R>(size: number, make: (index: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(numbers(size), make)

/** Prepares an instance of a size, and returns one call of an entry. */
type Kind = (size: number) => Effect.Effect<(index: number) => Effect.Effect<unknown, unknown>, unknown, Services>

const kinds: Readonly<Record<"users" | "grants" | "sessions" | "providers", Kind>> = {
  users: (size) =>
    Effect.map(
      Effect.tap(IdentityApi.IdentityApi, (api) => forAll(size, (index) => mint(api, index))),
      (api) => (index) => mint(api, index)
    ),
  grants: (size) =>
    Effect.gen(function*() {
      const api = yield* IdentityApi.IdentityApi
      const controls = yield* IdentityControls.IdentityControls
      const tokens = yield* forAll(size, (index) =>
        Effect.gen(function*() {
          const { sessionUri, token } = yield* openSession(api, index)
          yield* controls.approve(sessionUri)
          yield* controls.complete(sessionUri)
          return token
        }))
      return (index) =>
        Effect.filterOrDieMessage(
          userToken(api, tokens[index] ?? Redacted.make("")),
          ({ accessToken }) => accessToken !== undefined,
          "a grant has no token"
        )
    }),
  sessions: (size) =>
    Effect.gen(function*() {
      const api = yield* IdentityApi.IdentityApi
      const opened = yield* forAll(size, (index) => openSession(api, index))
      return (index) => {
        const session = opened[index]
        return session === undefined
          ? Effect.dieMessage("there is no such session")
          : Effect.filterOrDieMessage(
            userToken(api, session.token, session.sessionUri),
            ({ accessToken, sessionStatus }) => accessToken === undefined && sessionStatus === "IN_PROGRESS",
            "a session is not pending"
          )
      }
    }),
  providers: (size) =>
    Effect.gen(function*() {
      const api = yield* IdentityApi.IdentityApi
      yield* forAll(size, (index) => createProvider(api, `provider-${index}`))
      return (index) => api.getOauth2CredentialProvider({ name: `provider-${index}` })
    })
}

/** Only the lookup of a key in a sorted tree, as the tables of the emulator have them. */
const lookups: Kind = (size) =>
  Effect.sync(() => {
    const tree = numbers(size).reduce<Tree.Tree<object>>((tree, i) => Tree.set(tree, `provider-${i}`, { i }), undefined)
    return (index) => Effect.sync(() => Tree.get(tree, `provider-${index}`))
  })

/** Each size has an emulator of its own, with quotas that allow it. */
const instance = (kind: Kind, size: number) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      MemoryIdentity.layerApi({ quotas: { oauth2Providers: size + 1, workloadIdentities: 1 } })
    )
    const prepared = Effect.gen(function*() {
      const api = yield* IdentityApi.IdentityApi
      yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
      yield* createProvider(api, "github")
      return yield* kind(size)
    })
    return yield* Effect.provide(prepared, services)
  })

/** Calls for entries in an order that jumps, so that each call has another entry. */
const variant = (size: number, calls: number, call: (index: number) => Effect.Effect<unknown, unknown>): Variant => {
  let next = 0
  const one = Effect.suspend(() => {
    next = (next + 7_919) % size
    return call(next)
  })
  return {
    calls,
    run: (count) =>
      Effect.runPromise(Effect.gen(function*() {
        for (let i = 0; i < count; i++) yield* one
      }))
  }
}

/** The spread of the microseconds of one call, by size. */
const measureKind = (kind: Kind, calls = callsPerRound) =>
  Effect.scoped(Effect.gen(function*() {
    const variants: Record<string, Variant> = {}
    for (const size of sizes) variants[size] = variant(size, calls, yield* instance(kind, size))
    yield* Effect.sync(() => globalThis.gc?.())
    const times = yield* Effect.promise(() => interleaved(variants, { rounds, warmUpRounds }))
    return Object.fromEntries([...times].map(([size, { wall }]) => [size, spread(wall)]))
  }))

const heapMiB = Effect.sync(() => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1024 / 1024
})

/** The growth of the heap by machine tokens that a cache with a limit keeps, in MiB. */
const memory = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: workloadName })
  yield* Effect.flatMap(IdentityApi.IdentityApi, (api) => createProvider(api, "github"))
  const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
  const cache = yield* Layer.build(TokenCache.layer({ timeToLive: "1 hour", maxEntries: 500 }))
  const cached = yield* Effect.provide(IdentityService.IdentityService, cache)
  // Twice as many different requests as the cache keeps.
  const call = (index: number) =>
    cached.getToken({
      providerName: "github",
      scopes: [`scope-${index % 1_000}`],
      authFlow: "M2M",
      workloadAccessToken
    })
  const calls = (count: number) =>
    Effect.gen(function*() {
      for (let i = 0; i < count; i++) yield* call(i)
    })
  yield* calls(callsOfMemory / 10)
  const before = yield* heapMiB
  yield* calls(callsOfMemory)
  return { before, growth: (yield* heapMiB) - before }
}).pipe(Effect.scoped, Effect.provide(MemoryIdentity.layer()))

/** The spread of the microseconds of one call, by size. */
export type BySize = Readonly<Record<string, ReturnType<typeof spread>>>

/** What the process reports. */
export interface Scale {
  readonly micros: Readonly<Record<keyof typeof kinds, BySize>>
  readonly lookupMicros: BySize
  readonly heapMiB: Effect.Effect.Success<typeof memory>
}

const measure = Effect.gen(function*() {
  const heapMiB = yield* memory
  const micros = yield* Effect.all({
    users: measureKind(kinds.users, mintsPerRound),
    grants: measureKind(kinds.grants),
    sessions: measureKind(kinds.sessions),
    providers: measureKind(kinds.providers)
  })
  const scale: Scale = { micros, lookupMicros: yield* measureKind(lookups), heapMiB }
  process.send?.(scale, () => process.disconnect())
})

/** The name of the measurement on the command line. */
export const childName = "scale"

/** Runs the measurement if the command line names it. */
export const runScaleChild = (name: string | undefined): boolean => {
  if (name !== childName) return false
  NodeRuntime.runMain(measure)
  return true
}
