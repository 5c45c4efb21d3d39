import { assert, it } from "@effect/vitest"
import { Array as Arr, Effect, Encoding } from "effect"
import * as IdentityApi from "../src/IdentityApi.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { assertEqual } from "./support/equality.js"

it.effect("a page token is accepted exactly as it was issued, and in no other form", () =>
  Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    for (const name of ["agent-a", "agent-b", "agent-c"]) yield* api.createWorkloadIdentity({ name })
    const { nextToken = "" } = yield* api.listWorkloadIdentities({ maxResults: 1 })
    const said: object = JSON.parse(yield* Encoding.decodeBase64UrlString(nextToken))
    const made = (json: unknown) => Encoding.encodeBase64Url(JSON.stringify(json))
    const list = "ListWorkloadIdentities"
    for (
      const [what, token] of [
        ["other members", made({ list, after: "zzz", z: 1 })],
        ["a name of its own", made({ list, after: "zzz" })],
        ["another name", made({ ...said, after: "agent-b" })],
        ["a member more", made({ ...said, z: 1 })],
        ["members in another order", made(Object.fromEntries(Arr.reverse(Object.entries(said))))],
        ["spaces", Encoding.encodeBase64Url(JSON.stringify(said, undefined, 1))],
        ["padding", `${nextToken}=`]
      ] as const
    ) {
      const error = yield* Effect.flip(api.listWorkloadIdentities({ nextToken: token }))
      assert.strictEqual(error._tag, "ValidationError", what)
    }
    // Nobody has to start again because the entry is gone at which a page ended.
    yield* api.deleteWorkloadIdentity({ name: "agent-a" })
    const rest = yield* api.listWorkloadIdentities({ nextToken })
    assertEqual(rest.workloadIdentities.map(({ name }) => name), ["agent-b", "agent-c"])
  }).pipe(Effect.provide(MemoryIdentity.layerApi())))
