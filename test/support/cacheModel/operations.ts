// @effect-diagnostics anyUnknownInErrorContext:off
/** Operations at random: calls in fibers of their own, interruptions, invalidations, events of consents and of providers. */
import { Effect, Fiber, Random, Redacted } from "effect"
import * as Consent from "../../../src/Consent.js"
import { userId as ofUser } from "../../../src/Credential.js"
import { workloadName } from "../agent.js"
import { type Call, type Credential, type Grant, keyOf, type Kind, type Model, scopesOf } from "./model.js"
import { currentCall, type Port } from "./port.js"
import { type Program, reauthenticate, type TokenOptions, users } from "./program.js"
import type { VirtualClock } from "./virtualClock.js"

const random = (limit: number) => Random.nextIntBetween(0, limit)

const providers = ["github", "google"] as const

const none = { provider: "", scopes: "", flow: "" }

interface Running {
  readonly call: Call | undefined
  readonly fiber: Fiber.RuntimeFiber<unknown, unknown>
}

/** What the operations of a run have left for later ones. */
const makeMemory = (elsewhere: string) => ({
  elsewhere,
  workloads: new Map<string, Redacted.Redacted>(),
  tokens: new Map<string, Redacted.Redacted>(),
  handles: new Array<readonly [handle: Redacted.Redacted, grant: Grant]>(),
  running: new Set<Running>(),
  calls: 0
})

const pick = <A>(items: Iterable<A>) =>
  Effect.suspend(() => {
    const all = [...items]
    return Effect.map(random(Math.max(1, all.length)), (index) => all[index])
  })

export const makeOperations = (model: Model, port: Port, program: Program, clock: VirtualClock) => {
  const memory = makeMemory(port.foreignToken())
  const { context, controls, service, sources, strategy } = program

  const fork = (call: Call | undefined, self: Effect.Effect<unknown, unknown>) =>
    Effect.gen(function*() {
      const running: { call: Call | undefined; fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined } = {
        call,
        fiber: undefined
      }
      const fiber = yield* Effect.forkDaemon(Effect.locally(Effect.interruptible(self), currentCall, call))
      const one: Running = { ...running, fiber }
      memory.running.add(one)
      fiber.addObserver(() => memory.running.delete(one))
    })

  const makeCall = (kind: Kind, grant: Grant, workloadToken?: string): Call => ({
    id: ++memory.calls,
    kind,
    grant,
    workloadToken,
    beganAt: 0,
    state: "active",
    session: undefined
  })

  /** Runs a call under the eyes of the model. */
  const run = (
    call: Call,
    self: Effect.Effect<Redacted.Redacted, unknown, Effect.Effect.Context<ReturnType<Service["resume"]>>>,
    then: (credential: Redacted.Redacted) => void,
    refused?: Redacted.Redacted
  ) =>
    fork(
      call,
      Effect.suspend(() => {
        model.began(call)
        return self
      }).pipe(
        Effect.provide(context),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            model.ended(call, exit, clock.now(), refused && Redacted.value(refused))
            if (exit._tag === "Success") then(exit.value)
            else if (exit.cause._tag === "Fail") suspended(exit.cause.error, call.grant)
          })
        )
      )
    )

  const suspended = (error: unknown, grant: Grant) => {
    const handle: unknown = Reflect.get(Object(error), "handle")
    if (Redacted.isRedacted(handle)) memory.handles.push([Redacted.make(String(Redacted.value(handle))), grant])
  }

  /** A user, and how a call states it: by a source, or by a fixed workload access token. */
  const caller = Effect.gen(function*() {
    const user = users[(yield* random(10)) % 3] ?? "ada"
    if (user === "elsewhere") {
      const { elsewhere } = memory
      return { user: elsewhere, workloadToken: elsewhere, workloadAccessToken: Redacted.make(elsewhere) }
    }
    const fixed = (yield* random(4)) === 0 ? memory.workloads.get(user) : undefined
    return fixed === undefined
      ? { user, workloadToken: undefined, workloadAccessToken: sources[user] }
      : { user, workloadToken: Redacted.value(fixed), workloadAccessToken: fixed }
  })

  const newChoice = Effect.gen(function*() {
    const by = yield* caller
    const providerName = providers[yield* random(2)] ?? "github"
    const scopes = (yield* random(3)) === 0 ? ["b"] : (yield* random(2)) === 0 ? ["a", "b"] : ["b", "a"]
    const authFlow = (yield* random(2)) === 0 ? "M2M" as const : "USER_FEDERATION" as const
    return { ...by, providerName, scopes, authFlow }
  })

  let before: Effect.Effect.Success<typeof newChoice> | undefined

  /** What a request is for: often the same as for the one before, so that requests of one key interleave. */
  const chosen = Effect.flatMap(random(10), (kind) =>
    kind < 5 && before !== undefined
      ? Effect.succeed(before)
      : Effect.tap(newChoice, (one) => {
        before = one
        return Effect.void
      }))

  const tokenRequest = (kind: Kind) =>
    Effect.gen(function*() {
      const { authFlow, providerName, scopes, user, workloadAccessToken, workloadToken } = yield* chosen
      const grant = { user, provider: providerName, scopes: scopesOf(scopes), flow: authFlow }
      const call = makeCall(kind, grant, workloadToken)
      const consent = authFlow === "M2M" ? undefined : strategy(yield* random(10), call)
      const options: TokenOptions = { providerName, scopes, authFlow, consent, workloadAccessToken }
      return { call, options, grant }
    })

  const remember = (grant: Grant) => (token: Redacted.Redacted) => memory.tokens.set(keyOf(grant), token)

  const token = (kind: "getToken" | "forced") =>
    Effect.flatMap(tokenRequest(kind), ({ call, grant, options }) =>
      run(
        call,
        program.getToken(kind === "forced" ? { ...options, forceAuthentication: true } : options),
        remember(grant)
      ))

  /** Runs an event that is a barrier once it has ended. */
  const event = (
    reason: string,
    self: Effect.Effect<unknown, unknown>,
    matches: Parameters<Model["barrier"]>[1]
  ) => fork(undefined, Effect.onExit(self, () => Effect.sync(() => model.barrier(reason, matches))))

  /** An invalidation that fails has not found its caller, and removes nothing. */
  const invalidation = (reason: string, self: Effect.Effect<void, unknown>, matches: Parameters<Model["barrier"]>[1]) =>
    fork(undefined, Effect.tap(self, () => Effect.sync(() => model.barrier(reason, matches))))

  const open = () =>
    [...port.sessions.values()].filter(({ state, expiresAt }) => state === "open" && clock.now() < expiresAt)

  const operations = {
    getToken: token("getToken"),
    forced: token("forced"),
    reauthenticate: Effect.gen(function*() {
      const { call, grant, options } = yield* tokenRequest("reauthenticate")
      const refused = memory.tokens.get(keyOf(grant))
      if (refused !== undefined) yield* run(call, reauthenticate(service, options, refused), remember(grant), refused)
    }),
    resume: Effect.gen(function*() {
      const [handle, grant] = (yield* pick(memory.handles)) ?? []
      if (handle === undefined || grant === undefined) return
      const { user, workloadAccessToken } = yield* caller
      if (user !== grant.user) return
      const waits = (yield* random(2)) === 0
      yield* run(
        makeCall("resume", grant),
        waits
          ? service.resume(handle, { workloadAccessToken })
          : Effect.mapError(service.resume(handle, { workloadAccessToken, wait: false }), (error): unknown => error),
        remember(grant)
      )
    }),
    getApiKey: Effect.gen(function*() {
      const { user, workloadAccessToken, workloadToken } = yield* caller
      const providerName = (yield* random(2)) === 0 ? "keys" : "github"
      const call = makeCall("apiKey", { ...none, user, provider: providerName }, workloadToken)
      yield* run(call, service.getApiKey({ providerName, workloadAccessToken }), () => {})
    }),
    getWorkloadAccessToken: Effect.gen(function*() {
      const userId = (yield* random(2)) === 0 ? "ada" : "bob"
      const rejected = (yield* random(4)) === 0 ? memory.workloads.get(userId) : undefined
      const call = makeCall("workload", { ...none, user: userId })
      yield* run(
        call,
        service.getWorkloadAccessToken({ workloadName, userId, rejected }),
        (workloadToken) => memory.workloads.set(userId, workloadToken)
      )
    }),
    interrupt: Effect.gen(function*() {
      const one = yield* pick(memory.running)
      if (one === undefined) return
      if (one.call !== undefined) one.call.state = "interrupted"
      yield* Fiber.interruptFork(one.fiber)
    }),
    invalidate: Effect.gen(function*() {
      const { user, workloadAccessToken, workloadToken } = yield* caller
      const providerName = providers[yield* random(2)] ?? "github"
      const kind = yield* random(8)
      const by = kind < 3 ? "provider" : kind < 5 && workloadToken !== user ? "user" : kind < 7 ? "caller" : "all"
      const all = {}
      const selections = {
        provider: { providerName },
        user: { user: ofUser(user) },
        caller: { workloadAccessToken },
        all
      }
      yield* invalidation(
        `invalidate ${by} ${by === "provider" ? providerName : user}`,
        controls.invalidate(selections[by]),
        by === "all"
          ? () => true
          : by === "provider"
          ? (_, { provider }) => provider === providerName
          : (_, grant) => grant.user === user
      )
    }),
    invalidateGrant: Effect.gen(function*() {
      const { grant, options } = yield* tokenRequest("getToken")
      const { consent: _, ...rest } = options
      yield* invalidation(`invalidate ${keyOf(grant)}`, controls.invalidateGrant(rest), model.ofKey(keyOf(grant)))
    }),
    complete: Effect.gen(function*() {
      const session = yield* pick(open())
      if (session === undefined) return
      const { user } = session.grant
      yield* event(
        `completion for ${user}`,
        service.completeResourceTokenAuth({ sessionUri: session.uri, userIdentifier: ofUser(user) }),
        (_, grant) => grant.user === user && !user.startsWith("elsewhere")
      )
    }),
    answerElsewhere: Effect.gen(function*() {
      const session = yield* pick(open())
      if (session !== undefined) port.answer(session.uri, (yield* random(2)) === 0 ? "completed" : "denied")
    }),
    changeProvider: Effect.gen(function*() {
      const name = providers[yield* random(2)] ?? "github"
      const create = service.createOauth2CredentialProvider({
        name,
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: {
          githubOauth2ProviderConfig: { clientId: "client", clientSecret: Redacted.make("secret") }
        }
      })
      const ofProvider = (_: Credential, { provider }: Grant) => provider === name
      if (port.isDeleted(name)) yield* fork(undefined, create)
      else if ((yield* random(2)) === 0) {
        yield* event(`deletion of ${name}`, service.deleteOauth2CredentialProvider({ name }), ofProvider)
      } else {
        const update = service.updateApiKeyCredentialProvider({ name, apiKey: Redacted.make("key") })
        yield* event(`update of ${name}`, update, ofProvider)
      }
    }),
    expire: Effect.gen(function*() {
      const user = users[yield* random(3)] ?? "ada"
      port.expire(user === "elsewhere" ? memory.elsewhere : user)
      if (user === "elsewhere") memory.elsewhere = port.foreignToken()
    }),
    revoke: Effect.flatMap(caller, ({ user }) => Effect.sync(() => port.revokeUser(user))),
    advance: Effect.gen(function*() {
      const kind = yield* random(20)
      const most = kind < 10 ? 3_000 : kind < 16 ? 60_000 : kind < 19 ? 600_000 : 3 * 3_600_000
      yield* clock.advance(1 + (yield* random(most)))
    })
  }

  /** One call for each key of the users that this program knows. */
  const oneOfEachKey = Effect.sync(() =>
    (["ada", "bob"] as const).flatMap((user) =>
      providers.flatMap((providerName) =>
        [["a", "b"], ["b"]].flatMap((scopes) =>
          (["M2M", "USER_FEDERATION"] as const).map((authFlow) => {
            const call = makeCall("getToken", {
              user,
              provider: providerName,
              scopes: scopesOf(scopes),
              flow: authFlow
            })
            const consent = authFlow === "M2M" ? undefined : Consent.fail
            const options = { providerName, scopes, authFlow, consent, workloadAccessToken: sources[user] }
            return run(call, program.getToken(options), () => {})
          })
        )
      )
    )
  )

  return { operations, memory, oneOfEachKey }
}

type Service = Program["service"]

/** How often each operation occurs, in relation to the others. */
const weights: Record<keyof ReturnType<typeof makeOperations>["operations"], number> = {
  getToken: 36,
  forced: 4,
  reauthenticate: 5,
  resume: 3,
  getApiKey: 8,
  getWorkloadAccessToken: 5,
  interrupt: 7,
  invalidate: 4,
  invalidateGrant: 3,
  complete: 6,
  answerElsewhere: 3,
  changeProvider: 2,
  expire: 1,
  revoke: 1,
  advance: 14
}

export const choices = Object.entries(weights).flatMap(([name, weight]) => Array.from({ length: weight }, () => name))
