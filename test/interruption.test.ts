import { HttpApp, HttpServerRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, identity, Layer, Redacted } from "effect"
import * as Consent from "../src/Consent.js"
import type * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as Credential from "../src/Credential.js"
import type * as IdentityApi from "../src/IdentityApi.js"
import type * as IdentityControls from "../src/IdentityControls.js"
import type * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { agent, asUser, workloadName } from "./support/agent.js"
import * as binding from "./support/binding.js"
import { withoutTimers } from "./support/clock.js"
import { consents, required } from "./support/consenting.js"
import {
  type Failure,
  idle,
  makeAsked,
  makeStage,
  type Moment,
  moments,
  type Stage,
  type Story,
  tell
} from "./support/interruption.js"
import * as server from "./support/server.js"

type Services =
  | IdentityService.IdentityService
  | IdentityApi.IdentityApi
  | IdentityControls.IdentityControls
  | ConsentLedger.ConsentLedger
  | ConsentSeal.ConsentSeal

type Setup<R> = (stage: Stage) => Effect.Effect<Story<R>, Failure, R>

type Person = (consent: IdentityError.ConsentRequired) => Effect.Effect<unknown, Failure, Services>

const atOnce: Person = (consent) => consents(consent)

const later: Person = (consent) => Effect.delay(consents(consent), "12 seconds")

/** A flow that restarts from the beginning. The user may have approved by then. */
const restarted = <R>(attempt: () => Pick<Story<R>, "flow" | "others" | "isTold">): Story<R> => ({
  ...attempt(),
  again: () => {
    const { flow, others } = attempt()
    return Effect.raceFirst(flow, Effect.zipRight(others, Effect.never))
  }
})

const asAda = (identity: IdentityService.IdentityService["Type"]) =>
  Effect.map(
    identity.getWorkloadAccessToken({ workloadName, userId: "ada" }),
    (workloadAccessToken) => ({ ...asUser, workloadAccessToken })
  )

const waiting = (person: Person): Setup<Services> => () =>
  Effect.map(agent, ({ identity }) =>
    restarted(() => {
      const { isTold, tell, told } = makeAsked<IdentityError.ConsentRequired>()
      const consent = Consent.wait({ onAuthUrl: (_, consent) => tell(consent) })
      return {
        flow: Effect.flatMap(asAda(identity), (options) => identity.getToken({ ...options, consent })),
        others: Effect.flatMap(told, person),
        isTold
      }
    }))

/** The handle returns a token unless it has already returned one. An interruption in its last steps can lose that token. */
const resuming = (person: Person): Setup<Services> => (stage) =>
  Effect.map(agent, ({ identity, workloadAccessToken }) => {
    const { isTold, latest, tell, told } = makeAsked<IdentityError.ConsentRequired>()
    const options = { ...asUser, workloadAccessToken }
    const resume = (consent: IdentityError.ConsentRequired) =>
      identity.resume(consent.handle ?? Redacted.make("none"), { workloadAccessToken })
    const suspended = required(identity.getToken({ ...options, consent: Consent.suspend }))
    const isGiven = (exit: Exit.Exit<unknown, unknown>) =>
      stage.isAmidCalls ? Exit.isSuccess(exit) : stage.entries.size === 1
    return {
      flow: suspended.pipe(Effect.tap(tell), Effect.flatMap(resume)),
      others: Effect.flatMap(told, person),
      isTold,
      left: (exit) => assert.strictEqual(stage.entries.size, isGiven(exit) ? 1 : 0),
      again: (exit) =>
        Effect.gen(function*() {
          if (isGiven(exit)) return yield* identity.getToken(options)
          return yield* resume(latest() ?? (yield* Effect.tap(suspended, consents)))
        })
    }
  })

const refusedToken = Effect.gen(function*() {
  const { identity, workloadAccessToken } = yield* agent
  const options = { ...asUser, workloadAccessToken }
  yield* consents(yield* required(identity.getToken(options)))
  const refused = yield* identity.getToken(options)
  const another = (announce: Person) =>
    identity.reauthenticate({
      ...options,
      refused,
      consent: Consent.wait({ onAuthUrl: (_, consent) => announce(consent) })
    }).pipe(
      Effect.tap((token) => assert.notStrictEqual(Redacted.value(token), Redacted.value(refused)))
    )
  return another
})

const three = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.all([self, self, self], { concurrency: "unbounded" })

const allReauthenticating = (person: Person): Setup<Services> => () =>
  Effect.map(refusedToken, (another) =>
    restarted(() => {
      const { isTold, tell, told } = makeAsked<IdentityError.ConsentRequired>()
      return { flow: three(another(tell)), others: Effect.flatMap(told, person), isTold }
    }))

const oneReauthenticating = (person: Person): Setup<Services> => () =>
  Effect.map(refusedToken, (another) => ({
    ...restarted(() => {
      const { tell, told } = makeAsked<IdentityError.ConsentRequired>()
      const others = Effect.zip(three(another(tell)), Effect.flatMap(told, person), { concurrent: true })
      return { flow: another(tell), others, isTold: () => true }
    }),
    isShared: true
  }))

/** Ada's browser. Closing it aborts its requests; it keeps its cookies. */
const closing = (pages: (app: Pages) => Pages) =>
  Effect.gen(function*() {
    const app = yield* binding.application
    const runtime = yield* Effect.runtime<SessionBinding.Needs>()
    const page = Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      ({ originalUrl }) =>
        new URL(originalUrl).pathname === "/oauth2/start" ? app.binding.startPage : app.binding.returnPage
    )
    const serve = HttpApp.toWebHandlerRuntime(runtime)(pages(page))
    let controller = new AbortController()
    const close = () => {
      controller.abort()
      controller = new AbortController()
    }
    const handler = (request: Request) => serve(new Request(request, { signal: controller.signal }))
    const ada = binding.browser({ ...app, handler }, "ada")
    const asked = (announce: (consent: IdentityError.ConsentRequired, link: string) => Effect.Effect<unknown>) =>
      Effect.gen(function*() {
        const options = yield* asAda(app.identity)
        const who = { user: "ada", userIdentifier: Credential.userId("ada") }
        return yield* app.identity.getToken({
          ...options,
          callbackUrl: binding.returnUrl,
          customState: yield* SessionBinding.customState,
          consent: Consent.make((consent, { wait }) =>
            app.binding.register(consent, who).pipe(
              Effect.flatMap((link) => announce(consent, link)),
              Effect.zipRight(withoutTimers(wait()))
            )
          )
        })
      })
    return { ada, asked, close }
  })

type Pages = HttpApp.Default<never, SessionBinding.Needs>

interface Link {
  readonly consent: IdentityError.ConsentRequired
  readonly link: string
}

const wholeStory: Setup<Services | SessionBinding.CurrentUser> = () =>
  Effect.map(closing(Effect.interruptible), ({ ada, asked, close }) => ({
    ...restarted(() => {
      const { isTold, tell, told } = makeAsked<Link>()
      const journey = Effect.gen(function*() {
        const { consent, link } = yield* told
        assert.strictEqual((yield* ada.open(link)).status, 303)
        const back = yield* binding.agrees(consent.sessionUri)
        assert.strictEqual((yield* ada.open(back.href)).status, 200)
      })
      const flow = Effect.raceFirst(
        asked((consent, link) => tell({ consent, link })),
        Effect.zipRight(journey, Effect.never)
      )
      return { flow, others: Effect.void, isTold }
    }),
    interrupt: close
  }))

/** The agent continues to wait. The user who closed the browser opens the link again in the same browser. */
const browsing = (pages: (app: Pages) => Pages): Setup<Services | SessionBinding.CurrentUser> => () =>
  Effect.gen(function*() {
    const { ada, asked, close } = yield* closing(pages)
    const { tell, told } = makeAsked<Link>()
    const waiting = yield* Effect.fork(asked((consent, link) => tell({ consent, link })))
    const { consent, link } = yield* told
    let back: URL | undefined
    const journey = Effect.gen(function*() {
      assert.strictEqual((yield* ada.open(link)).status, 303)
      back = back ?? (yield* binding.agrees(consent.sessionUri))
      assert.strictEqual((yield* ada.open(back.href)).status, 200)
    })
    return {
      flow: journey,
      others: Effect.void,
      isTold: () => true,
      interrupt: close,
      again: () =>
        Effect.gen(function*() {
          const { status } = yield* ada.open(link)
          // No consent may end twice: a consumed state is a completed one, or the agent would wait forever.
          if (status === 409) assert.isDefined(back)
          else yield* journey
          assert.isNotEmpty(Redacted.value(yield* Fiber.join(waiting)))
        })
    }
  })

const inMemory = (stage: Stage) => Layer.merge(binding.over(stage.api(MemoryIdentity.layerApi())), stage.ledger)

const overHttp = (stage: Stage) =>
  Layer.mergeAll(server.over(stage.api(MemoryIdentity.layerApi())), ConsentSeal.layerEphemeral, stage.ledger)

/** The sockets in use. Node does not count idle sockets of the agent, but it counts their server ends. */
const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

/** Opens more idle sockets than a flow needs. Afterwards there are no more sockets than these. */
const noSocketIsBusy = IdentityService.IdentityService.pipe(
  Effect.flatMap((identity) => three(three(asAda(identity)))),
  Effect.zipRight(idle(() => false, 5)),
  Effect.map(() => {
    const before = sockets()
    return Effect.map(
      idle(() => sockets() <= before),
      () => assert.isAtMost(sockets(), before, "a socket is busy")
    )
  })
)

type World<R> = (stage: Stage) => Layer.Layer<R, Failure>

/** Interrupts the flow at successive places, `stride` apart, until it completes. Returns the number of places. */
const interruptedAt = <R, R2 = never>(
  moment: Moment,
  setup: Setup<R>,
  { check = Effect.succeed(Effect.void), stride = 1, world }: {
    readonly world: World<R | R2>
    readonly check?: Effect.Effect<Effect.Effect<void>, Failure, R2>
    readonly stride?: number
  }
) =>
  Effect.gen(function*() {
    for (let at = stride;; at += stride) {
      const stage = makeStage({ at, moment })
      const reached = yield* Effect.provide(tell(stage, setup(stage), check), world(stage))
      if (!reached) return at / stride - 1
    }
  })

/** Each flow with a lower bound of its calls. */
type Flow<R> = readonly [name: string, setup: Setup<R>, calls: number]

const flows: ReadonlyArray<Flow<Services>> = [
  ["a wait with an immediate response", waiting(atOnce), 4],
  ["a call that is suspended and resumed after the response", resuming(atOnce), 5],
  ["reauthentication of three callers with a rejected token", allReauthenticating(atOnce), 4]
]

const moreFlows: ReadonlyArray<Flow<Services | SessionBinding.CurrentUser>> = [
  ["a wait with a later response", waiting(later), 4],
  ["a call that is suspended and resumed before the response", resuming(later), 5],
  ["the first of four callers with a rejected token", oneReauthenticating(atOnce), 4],
  ["a waiting agent with a browser on the pages", wholeStory, 9],
  ["a browser on the pages", browsing(Effect.interruptible), 6],
  ["a browser with pages that continue after its requests end", browsing(identity), 6]
]

describe("interruption", () => {
  for (const [name, setup, calls] of [...flows, ...moreFlows]) {
    for (const moment of moments) {
      it.effect(`${name}, interrupted ${moment} each call, leaves nothing that blocks a retry`, () =>
        Effect.map(interruptedAt(moment, setup, { world: inMemory }), (count) => assert.isAtLeast(count, calls)))
    }
    it.effect(`${name}, interrupted between its own steps, leaves nothing that blocks a retry`, () =>
      Effect.map(interruptedAt("step", setup, { world: inMemory, stride: 61 }), (count) => assert.isAtLeast(count, 5)))
  }

  const overSockets = { world: overHttp, check: noSocketIsBusy }
  for (const [name, setup, calls] of flows) {
    for (const moment of ["before", "after"] as const) {
      it.effect(`${name}, interrupted ${moment} the server executes each call, leaves no socket busy`, () =>
        Effect.map(interruptedAt(moment, setup, overSockets), (count) => assert.isAtLeast(count, calls)))
    }
  }
})
