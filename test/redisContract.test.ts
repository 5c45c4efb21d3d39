import { Layer } from "effect"
import * as IdentityService from "../src/IdentityService.js"
import * as Redis from "../src/Redis.js"
import * as TokenCache from "../src/TokenCache.js"
import { contractExemptions, contractLifetimes } from "./support/cached.js"
import * as Contract from "./support/contract.js"
import { seal, shared, unhurriedConnection } from "./support/redis.js"

const running = shared()

const layer = TokenCache.layer(contractLifetimes).pipe(
  Layer.provideMerge(IdentityService.layerTest),
  // Without renewals: the test clock would move to their timers.
  Layer.provide(Redis.layerTokenStore({ lease: "1 minute", maxLease: "1 minute" })),
  Layer.provide(Layer.suspend(() => unhurriedConnection(running().url))),
  Layer.provide(seal)
)

Contract.suite("cache with Redis over memory", layer, "sample", contractExemptions)
