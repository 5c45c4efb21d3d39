import { Layer } from "effect"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenCache from "../src/TokenCache.js"
import { contractExemptions, contractLifetimes } from "./support/cached.js"
import * as Contract from "./support/contract.js"

const layer = TokenCache.layer(contractLifetimes).pipe(Layer.provideMerge(IdentityService.layerTest))

Contract.suite("cache over memory", layer, "whole", contractExemptions)
