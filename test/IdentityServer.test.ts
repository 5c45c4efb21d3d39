import { describe } from "@effect/vitest"
import * as Contract from "./support/contract.js"
import * as Server from "./support/server.js"

describe("contract", () => {
  Contract.suite("SDK over HTTP over memory", Server.layer)
})
