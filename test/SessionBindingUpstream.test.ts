// @effect-diagnostics anyUnknownInErrorContext:off
import { HttpRouter, HttpServer, HttpServerRequest } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Logger, Queue, Redacted, TestClock, TestServices } from "effect"
import { createServer } from "node:http"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as Consent from "../src/Consent.js"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as ConsentSignal from "../src/ConsentSignal.js"
import * as Credential from "../src/Credential.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as SessionBinding from "../src/SessionBinding.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { asUser } from "./support/agent.js"
import { agrees, completions, CurrentUser, providers } from "./support/binding.js"
import { origin, Port } from "./support/server.js"
import { holding } from "./support/upstream.js"
import { visit } from "./support/visit.js"

const path = "/identities/CompleteResourceTokenAuth"

type Pages = (binding: SessionBinding.SessionBinding) => Effect.Effect<
  void,
  never,
  HttpServer.HttpServer | SessionBinding.Needs | Effect.Effect.Context<ReturnType<typeof HttpServer.serveEffect>>
>

const mounts: ReadonlyArray<readonly [string, Pages]> = [
  ["served as an HttpApp, which the platform runs uninterruptibly", (binding) =>
    HttpServer.serveEffect(
      Effect.flatMap(
        HttpServerRequest.HttpServerRequest,
        ({ url }) => url.startsWith("/oauth2/start") ? binding.startPage : binding.returnPage
      )
    )],
  ["on an HttpRouter, which makes its handlers interruptible", (binding) =>
    HttpServer.serveEffect(
      HttpRouter.empty.pipe(
        HttpRouter.all("/oauth2/start", binding.startPage),
        HttpRouter.all("/oauth2/return", binding.returnPage)
      )
    )]
]

/** An application over `AwsIdentity`. The AWS stand-in delays this number of completions. The test controls the clock. */
const application = (mount: Pages, held: number) =>
  Effect.gen(function*() {
    const aws = yield* Layer.build(
      HttpServer.serve(IdentityServer.make()).pipe(
        Layer.provideMerge(MemoryIdentity.layerApi()),
        Layer.provideMerge(Port)
      )
    )
    const upstream = yield* holding(yield* Effect.provide(origin, aws), path, held)
    // One item per request whose client disconnected before the response.
    const closed = yield* Queue.unbounded<string>()
    const server = createServer((request, response) => {
      response.on("close", () => response.writableFinished || closed.unsafeOffer(request.url ?? ""))
    })
    const app = yield* Layer.build(
      IdentityService.layer.pipe(
        Layer.provide(AwsIdentity.layerApi({
          region: "us-east-1",
          dataEndpoint: upstream.origin,
          controlEndpoint: upstream.origin,
          credentials: { accessKeyId: "test", secretAccessKey: "test" }
        })),
        Layer.merge(CurrentUser),
        Layer.merge(ConsentSeal.layerEphemeral),
        Layer.merge(ConsentLedger.layerMemory),
        Layer.merge(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
      )
    )
    const context = Context.merge(aws, app)
    return yield* Effect.gen(function*() {
      const here = yield* origin
      const callbackUrl = `${here}/oauth2/return`
      const identity = yield* IdentityService.IdentityService
      yield* providers(identity, [callbackUrl])
      const binding = yield* SessionBinding.make({ origin: here })
      yield* mount(binding)
      // Ada's agent waits for her consent. Only the completion in this process notifies it.
      const told = yield* Deferred.make<{ readonly link: string; readonly sessionUri: Redacted.Redacted }>()
      const who = { user: "ada", userIdentifier: Credential.userId("ada") }
      const agent = yield* Effect.fork(identity.getToken({
        ...asUser,
        callbackUrl,
        customState: yield* SessionBinding.customState,
        workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "ada" }),
        consent: Consent.wait({
          onAuthUrl: (_, consent) =>
            Effect.flatMap(
              binding.register(consent, who),
              (link) => Deferred.succeed(told, { link, sessionUri: consent.sessionUri })
            ),
          tokenPoller: TokenPoller.completionOnly
        })
      }))
      const { link, sessionUri } = yield* Deferred.await(told)
      const started = yield* visit(link, { headers: { cookie: "user=ada" } })
      assert.strictEqual(started.status, 303)
      const [set = ""] = started.cookies
      const cookie = `user=ada; ${set.slice(0, set.indexOf(";"))}`
      const back = yield* agrees(sessionUri)
      return {
        agent,
        held: upstream.held,
        aborts: upstream.aborts,
        closed,
        completions: Effect.provide(completions, context),
        returns: visit(back.href, { headers: { cookie } })
      }
    }).pipe(Effect.provide(context))
  })

describe("SessionBinding when AWS is slow or does not respond", () => {
  for (const [where, mount] of mounts) {
    it.scoped(`closing the browser during a slow completion loses no consent: ${where}`, () =>
      Effect.gen(function*() {
        const { aborts, agent, closed, completions, held, returns } = yield* application(mount, 1)
        const browser = yield* Effect.fork(returns)
        const { release } = yield* Queue.take(held)
        yield* TestClock.adjust("250 millis")
        yield* Fiber.interrupt(browser)
        assert.match(yield* Queue.take(closed), /^\/oauth2\/return/)
        // This gives an abort, if there is one, time to arrive.
        yield* TestServices.provideLive(Effect.sleep("150 millis"))
        assert.strictEqual(yield* Queue.size(aborts), 0, "the completion was aborted")
        release()
        assert.isNotEmpty(Redacted.value(yield* Fiber.join(agent)))
        assert.strictEqual(yield* completions, 1)
        const again = yield* returns
        assert.strictEqual(again.status, 409)
        assert.include(again.body, "already used")
        assert.strictEqual(yield* completions, 1)
      }))

    it.scoped(`a completion without a response ends at the time limit with 502, and the page can be loaded again: ${where}`, () =>
      Effect.gen(function*() {
        const { aborts, agent, completions, held, returns } = yield* application(mount, 2)
        for (const _ of ["first", "second"]) {
          const browser = yield* Effect.fork(returns)
          yield* Queue.take(held)
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual((yield* Fiber.join(browser)).status, 502)
          assert.strictEqual(yield* Queue.take(aborts), path)
          assert.strictEqual(yield* completions, 0)
        }
        assert.strictEqual((yield* returns).status, 200)
        assert.isNotEmpty(Redacted.value(yield* Fiber.join(agent)))
        assert.strictEqual(yield* completions, 1)
        assert.strictEqual((yield* returns).status, 409)
      }))

    it.scoped(`a browser that is closed before the time limit can load the page again afterwards: ${where}`, () =>
      Effect.gen(function*() {
        const { aborts, agent, closed, completions, held, returns } = yield* application(mount, 1)
        const browser = yield* Effect.fork(returns)
        yield* Queue.take(held)
        yield* Fiber.interrupt(browser)
        yield* Queue.take(closed)
        assert.strictEqual((yield* returns).status, 409, "the first visit is not over")
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* Queue.take(aborts), path)
        // The abandoned page needs a moment to end.
        const again = yield* Effect.repeat(
          Effect.zipLeft(returns, TestServices.provideLive(Effect.sleep("20 millis"))),
          {
            while: ({ status }) => status === 409,
            times: 200
          }
        )
        assert.strictEqual(again.status, 200)
        assert.isNotEmpty(Redacted.value(yield* Fiber.join(agent)))
        assert.strictEqual(yield* completions, 1)
      }))

    it.scoped(`a signal that is never delivered delays no page, and is abandoned after 10 seconds: ${where}`, () =>
      Effect.gen(function*() {
        const lines = yield* Queue.unbounded<string>()
        const begun = yield* Deferred.make<void>()
        const ended = yield* Deferred.make<void>()
        const signal: ConsentSignal.Signal = {
          publish: () =>
            Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never).pipe(
              Effect.onInterrupt(() => Deferred.succeed(ended, undefined))
            ),
          arrival: () => Effect.never
        }
        const logger = Logger.make(({ message }) => lines.unsafeOffer(String(message)))
        yield* Effect.gen(function*() {
          const { agent, returns } = yield* application(mount, 0)
          assert.strictEqual((yield* returns).status, 200)
          assert.isNotEmpty(Redacted.value(yield* Fiber.join(agent)))
          yield* Deferred.await(begun)
          yield* TestClock.adjust("9 seconds")
          assert.isFalse(yield* Deferred.isDone(ended))
          yield* TestClock.adjust("1 seconds")
          yield* Deferred.await(ended)
          assert.include(yield* Queue.take(lines), "The completion of a consent was not published")
        }).pipe(
          Effect.provideService(ConsentSignal.ConsentSignal, signal),
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )
      }))
  }
})
