/** How soon a waiter has its token once its consent is completed in the same process. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Fiber } from "effect"
import { Credential, IdentityControls, IdentityService } from "../src/index.js"
import { quantiles } from "./statistics.js"
import { beginAll, prepare, type Waiter } from "./users.js"

const count = 1_000

const approve = (waiter: Waiter) =>
  Effect.flatMap(IdentityControls.IdentityControls, (controls) => controls.approve(waiter.sessionUri))

/** The milliseconds from the call that completes to the token. */
const complete = ({ fiber, sessionUri, userId }: Waiter) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const start = performance.now()
    yield* identity.completeResourceTokenAuth({
      sessionUri,
      userIdentifier: Credential.userId(userId)
    })
    return (yield* Fiber.join(fiber)) - start
  })

const measure = Effect.gen(function*() {
  yield* prepare
  const some = yield* beginAll("warm", 200)
  yield* Effect.forEach(some, (waiter) => Effect.zipRight(approve(waiter), complete(waiter)))

  // They sleep for a while first, so that their polls and the turns these take are part of what is measured.
  const one = yield* beginAll("one", count)
  yield* Effect.sleep("6 seconds")
  const oneByOne = yield* Effect.forEach(one, (waiter) => Effect.zipRight(approve(waiter), complete(waiter)))

  const all = yield* beginAll("all", count)
  yield* Effect.sleep("6 seconds")
  yield* Effect.forEach(all, approve)
  const atOnce = yield* Effect.forEach(all, complete, { concurrency: "unbounded" })

  process.send?.({ oneByOne: quantiles(oneByOne), atOnce: quantiles(atOnce) })
  process.disconnect()
})

measure.pipe(Effect.provide(IdentityService.layerTest), NodeRuntime.runMain)
