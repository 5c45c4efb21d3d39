/**
 * How soon a waiting call has its token once its consent is completed: in memory, over HTTP, and with the official package, which
 * polls.
 */
import { HttpMiddleware, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { createServer } from "node:http"
import { AwsIdentity, Credential, IdentityControls, IdentityServer, IdentityService } from "../src/index.js"
import { live, official } from "./environment.js"
import { quantiles } from "./statistics.js"
import { beginAll, callbackUrl, prepare, type Waiter, workloadAccessToken } from "./users.js"

const count = 1_000
const countOverHttp = 500
const countOfOfficial = 40

/** The first polls are five seconds after the start. */
const untilFirstPolls = Effect.sleep("6 seconds")

const approve = (sessionUri: Redacted.Redacted) =>
  Effect.flatMap(IdentityControls.IdentityControls, (controls) => controls.approve(sessionUri))

const completeSession = (userId: string, sessionUri: Redacted.Redacted) =>
  Effect.flatMap(
    IdentityService.IdentityService,
    (identity) => identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId(userId) })
  )

/** The milliseconds from the call that completes to the token. */
const complete = ({ fiber, sessionUri, userId }: Waiter) =>
  Effect.gen(function*() {
    const start = performance.now()
    yield* completeSession(userId, sessionUri)
    return (yield* Fiber.join(fiber)) - start
  })

const oneByOne = (waiters: ReadonlyArray<Waiter>) =>
  Effect.forEach(waiters, (waiter) => Effect.zipRight(approve(waiter.sessionUri), complete(waiter)))

const inMemory = Effect.gen(function*() {
  yield* Effect.flatMap(beginAll("warm", 200), oneByOne)

  // They sleep for a while first, so that their polls and the turns these take are part of what is measured.
  const one = yield* beginAll("one", count)
  yield* untilFirstPolls
  const single = yield* oneByOne(one)

  const all = yield* beginAll("all", count)
  yield* untilFirstPolls
  yield* Effect.forEach(all, ({ sessionUri }) => approve(sessionUri))
  const atOnce = yield* Effect.forEach(all, complete, { concurrency: "unbounded" })
  return { oneByOne: quantiles(single), atOnce: quantiles(atOnce) }
})

/** The live layer with the local server of this process, whose sessions it completes itself. */
const overHttp = Effect.gen(function*() {
  const endpoint = yield* HttpServer.addressFormattedWith(Effect.succeed)
  return yield* Effect.gen(function*() {
    yield* Effect.flatMap(beginAll("http-warm", 50), oneByOne)
    const waiters = yield* beginAll("http", countOverHttp)
    yield* untilFirstPolls
    return quantiles(yield* oneByOne(waiters))
  }).pipe(Effect.provide(AwsIdentity.layer(live(endpoint))))
})

/** Calls of the official package, whose consents are completed at even times within its interval of five seconds. */
const withOfficial = Effect.gen(function*() {
  const endpoint = yield* HttpServer.addressFormattedWith(Effect.succeed)
  const one = (index: number) =>
    Effect.gen(function*() {
      const userId = `official-${index}`
      const workloadIdentityToken = Redacted.value(yield* workloadAccessToken(userId))
      const asked = yield* Deferred.make<Redacted.Redacted>()
      const call = official(endpoint, {
        authFlow: "USER_FEDERATION",
        callbackUrl,
        workloadIdentityToken,
        onAuthUrl: (url) => {
          const sessionUri = new URL(url).searchParams.get("request_uri") ?? ""
          Deferred.unsafeDone(asked, Effect.succeed(Redacted.make(sessionUri)))
        }
      })(async () => performance.now())
      const fiber = yield* Effect.fork(Effect.promise(() => call()))
      const sessionUri = yield* Deferred.await(asked)
      yield* Effect.sleep((index + 0.5) / countOfOfficial * 5_000)
      yield* approve(sessionUri)
      const start = performance.now()
      yield* completeSession(userId, sessionUri)
      return (yield* Fiber.join(fiber)) - start
    })
  const numbers = Array.from({ length: countOfOfficial }, (_, index) => index)
  return quantiles(yield* Effect.forEach(numbers, one, { concurrency: "unbounded" }))
})

const measure = Effect.gen(function*() {
  yield* prepare
  const { atOnce, oneByOne } = yield* inMemory
  const http = yield* overHttp
  process.send?.({ oneByOne, atOnce, overHttp: http, official: yield* withOfficial }, () => process.disconnect())
})

measure.pipe(
  Effect.provide(
    HttpServer.serve(IdentityServer.api).pipe(
      HttpMiddleware.withTracerDisabledWhen(() => true),
      Layer.provideMerge(IdentityService.layerTest),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  ),
  NodeRuntime.runMain
)
