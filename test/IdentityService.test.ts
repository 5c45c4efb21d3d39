import { describe } from "@effect/vitest"
import { IdentityService } from "../src/index.js"
import * as Contract from "./support/contract.js"

describe("contract", () => {
  Contract.suite("memory", IdentityService.layerTest, "whole")
})
