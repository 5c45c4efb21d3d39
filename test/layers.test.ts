import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import { assertEqual } from "./support/equality.js"
import { temporary } from "./support/temporary.js"

const region = "eu-central-1"

const layers = {
  "MemoryIdentity.layer": Layer.suspend(() => MemoryIdentity.layer({ region })),
  "StoredIdentity.layer": Layer.unwrapScoped(
    Effect.map(temporary, (directory) => StoredIdentity.layer({ directory, region }))
  )
}

describe("a layer of the service", () => {
  for (const [name, layer] of Object.entries(layers)) {
    it.effect(`${name} provides the service, its port and its controls over one state, with the options given`, () =>
      Effect.gen(function*() {
        const service = yield* IdentityService.IdentityService
        const api = yield* IdentityApi.IdentityApi
        const controls = yield* IdentityControls.IdentityControls
        yield* service.createWorkloadIdentity({ name: "my-agent" })
        const { workloadIdentityArn } = yield* api.getWorkloadIdentity({ name: "my-agent" })
        assert.include(workloadIdentityArn, `:${region}:`)
        const { workloadIdentities } = yield* controls.inventory
        assertEqual(workloadIdentities.map(({ name }) => name), ["my-agent"])
      }).pipe(Effect.provide(layer)))
  }

  it.effect("StoredIdentity.layer reads what an earlier one wrote in its folder", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* temporary
      yield* IdentityService.IdentityService.pipe(
        Effect.flatMap((service) => service.createWorkloadIdentity({ name: "my-agent" })),
        Effect.provide(StoredIdentity.layer({ directory }))
      )
      const { name } = yield* IdentityService.IdentityService.pipe(
        Effect.flatMap((service) => service.getWorkloadIdentity({ name: "my-agent" })),
        Effect.provide(StoredIdentity.layer({ directory }))
      )
      assert.strictEqual(name, "my-agent")
    })))
})
