import { describe } from "@effect/vitest"
import * as IdentityService from "../src/IdentityService.js"
import * as Contract from "./support/contract.js"

describe("contract", () => {
  Contract.suite("memory", IdentityService.layerTest, "whole")
})
