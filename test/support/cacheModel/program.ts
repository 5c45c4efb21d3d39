// @effect-diagnostics anyUnknownInErrorContext:off
/** The program under test for one seed: the cache over the service over the port, and the faults that a test builds in. */
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import * as Consent from "../../../src/Consent.js"
import * as ConsentLedger from "../../../src/ConsentLedger.js"
import * as ConsentSeal from "../../../src/ConsentSeal.js"
import * as IdentityService from "../../../src/IdentityService.js"
import * as subscriptions from "../../../src/internal/lib/subscriptions.js"
import { CompletionEvents } from "../../../src/internal/model/completionEvents.js"
import * as TokenCache from "../../../src/TokenCache.js"
import type { AnyTokenOptions, WithWorkloadAccessToken } from "../../../src/TokenOptions.js"
import * as TokenPoller from "../../../src/TokenPoller.js"
import * as WorkloadAccessToken from "../../../src/WorkloadAccessToken.js"
import { workloadName } from "../agent.js"
import type { Call, Model } from "./model.js"
import type { Port } from "./port.js"

export type Service = IdentityService.IdentityService["Type"]
export type Controls = TokenCache.TokenCache["Type"]

/** What a fault changes. */
export interface Fault {
  readonly options?: TokenCache.Options
  /** Sends a request for a token in another way than by the cached service. */
  readonly getToken?: (
    cached: Service,
    inner: Service,
    options: TokenOptions
  ) => Effect.Effect<Redacted.Redacted, unknown, ConsentSeal.ConsentSeal>
  /** In front of the cache. `inner` is the service below it. */
  readonly above?: (cached: Service, inner: Service) => Service
  readonly controls?: (controls: Controls) => Controls
  /** The user that the sources of all users state. */
  readonly statedUser?: string
  /** Each call makes its strategy itself, although it is that of others too. */
  readonly remakesStrategies?: boolean
}

type Limits = { readonly maxEntries: number; readonly maxBytes: number }

type Strategy = Consent.Strategy<unknown, ConsentSeal.ConsentSeal>

export type TokenOptions = AnyTokenOptions<unknown, ConsentSeal.ConsentSeal> & WithWorkloadAccessToken

/** Sends options of any flow. */
export const getToken = (
  service: Service,
  { authFlow, consent, ...rest }: TokenOptions
): Effect.Effect<Redacted.Redacted, unknown, ConsentSeal.ConsentSeal> =>
  authFlow === "USER_FEDERATION"
    ? service.getToken({ ...rest, authFlow, consent })
    : service.getToken({ ...rest, authFlow })

export const reauthenticate = (
  service: Service,
  { authFlow, consent, ...rest }: TokenOptions,
  refused: Redacted.Redacted
): Effect.Effect<Redacted.Redacted, unknown, ConsentSeal.ConsentSeal> =>
  authFlow === "USER_FEDERATION"
    ? service.reauthenticate({ ...rest, authFlow, consent, refused })
    : service.reauthenticate({ ...rest, authFlow, refused })

const skew = 300_000

const lives = { token: 600_000, workload: 300_000 }

/** The longest times for which the cache keeps credentials. Those of `google` have an `exp`. */
export const lifetimes = {
  skew,
  timeToLive: (credential: string, provider: string) =>
    credential === "workload" ? lives.workload : provider === "google" ? Infinity : lives.token
}

export const users = ["ada", "bob", "elsewhere"] as const

/** Seals nothing. The real seal uses the cryptography of the platform, which takes real time. */
const OpenSeal = Layer.succeed(ConsentSeal.ConsentSeal, {
  seal: (_, text) => Effect.succeed(text),
  open: (_, text) => Effect.succeed(text)
})

const schedules = [
  Schedule.spaced("1 second").pipe(Schedule.intersect(Schedule.recurs(5))),
  Schedule.spaced("5 seconds").pipe(Schedule.intersect(Schedule.recurs(40))),
  TokenPoller.completionOnly,
  undefined
]

/** A strategy that waits, and reports to the model what it shows under this id. */
const waiting = (model: Model, id: string, index: number): Strategy =>
  Consent.wait({
    tokenPoller: schedules[index % schedules.length],
    onAuthUrl: (_, { sessionUri }) =>
      Effect.suspend(() => {
        const ended = model.shows(id, Redacted.value(sessionUri))
        return Effect.onExit(
          index % 3 === 0 ? Effect.sleep("700 millis") : Effect.void,
          (exit) => Effect.sync(() => ended(exit))
        )
      })
  })

/** The strategies of a program. The first ones are those of several calls, and the others of one. */
const makeStrategies = (model: Model, { remakesStrategies = false }: Fault) => {
  const make = (index: number) => waiting(model, `strategy-${index}`, index)
  const shared = [0, 1, 2, 3].map(make)
  let count = shared.length
  return (kind: number, call: Call): Strategy => {
    const known = remakesStrategies ? make(kind) : shared[kind]
    const inner = kind > 7 ? Consent.suspend : kind > 5 ? Consent.fail : known ?? make(count++)
    if (kind > 5) return inner
    return Consent.make((consent, waits) =>
      Effect.suspend(() => {
        call.session = Redacted.value(consent.sessionUri)
        return inner.onConsent(consent, waits)
      })
    )
  }
}

export const makeProgram = (model: Model, port: Port, limits: Limits, fault: Fault) =>
  Effect.gen(function*() {
    const registry = yield* subscriptions.make
    const inner = yield* IdentityService.make.pipe(
      Effect.provide(Layer.merge(port.layer, Layer.succeed(CompletionEvents, registry)))
    )
    const context = yield* Layer.build(
      TokenCache.layer({
        providers: { github: lives.token, keys: lives.token },
        workloadAccessTokens: lives.workload,
        skew,
        ...limits,
        ...fault.options
      }).pipe(
        Layer.provide(Layer.succeed(IdentityService.IdentityService, inner)),
        Layer.merge(OpenSeal),
        Layer.merge(ConsentLedger.layerMemory)
      )
    )
    const cached = Context.get(context, IdentityService.IdentityService)
    const controls = Context.get(context, TokenCache.TokenCache)
    const service = fault.above?.(cached, inner) ?? cached
    const source = (userId: string) =>
      Effect.map(
        Layer.build(
          WorkloadAccessToken.layer({ workloadName, userId }).pipe(
            Layer.provide(Layer.succeed(IdentityService.IdentityService, service))
          )
        ),
        (built): WorkloadAccessToken.Source => ({
          ...Context.get(built, WorkloadAccessToken.WorkloadAccessToken),
          identity: { workloadName, userId: fault.statedUser ?? userId }
        })
      )
    return {
      context,
      registry,
      service,
      getToken: (options: TokenOptions) => fault.getToken?.(cached, inner, options) ?? getToken(service, options),
      controls: fault.controls?.(controls) ?? controls,
      strategy: makeStrategies(model, fault),
      sources: { ada: yield* source("ada"), bob: yield* source("bob") }
    }
  })

export type Program = Effect.Effect.Success<ReturnType<typeof makeProgram>>
