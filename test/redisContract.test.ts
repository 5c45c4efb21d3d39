import { Layer } from "effect"
import * as IdentityService from "../src/IdentityService.js"
import * as Redis from "../src/Redis.js"
import * as TokenCache from "../src/TokenCache.js"
import * as Contract from "./support/contract.js"
import { seal, shared, unhurriedConnection } from "./support/redis.js"

const running = shared()

const layer = TokenCache.layer({ timeToLive: "5 minutes", workloadAccessTokens: "5 minutes" }).pipe(
  Layer.provideMerge(IdentityService.layerTest),
  // Without renewals: the test clock would move to their timers.
  Layer.provide(Redis.layerTokenStore({ lease: "1 minute", maxLease: "1 minute" })),
  Layer.provide(Layer.suspend(() => unhurriedConnection(running().url))),
  Layer.provide(seal)
)

/** The tests of the contract that a cache with a lifetime of five minutes does not pass. */
const exemptions = {
  "a transient failure is retried, except where a repetition could open a second session":
    "its last call receives the token of its first one from the cache",
  "an expired access token is refreshed until the vendor revokes the grant":
    "the token expires behind the back of the service",
  "a call after another one sends a request of its own": "the second call receives the token from the cache",
  "two tokens that were requested for one user belong to one grant, and other users, scopes and providers do not":
    "the second workload access token comes from the cache",
  "a workload identity that is deleted and created again has no workload access token, session, grant or machine token":
    "it is deleted through the port, behind the back of the service"
}

Contract.suite("cache with Redis over memory", layer, "sample", exemptions)
