import { FileSystem } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readFileSync } from "node:fs"
import * as Seed from "../src/cli/seed.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { layer } from "./support/browser.js"
import { jar } from "./support/jar.js"

const guide = readFileSync(new URL("../guides/local-server.md", import.meta.url), "utf8")

it.effect("the seed file of the guide can be sown, and uses every list", () =>
  Effect.gen(function*() {
    const [, text = ""] = /<!-- seed\.json -->\n\n```json\n([\s\S]*?)```/.exec(guide) ?? []
    const seed = yield* Effect.provide(
      Seed.read("seed.json"),
      FileSystem.layerNoop({ readFile: () => Effect.succeed(new TextEncoder().encode(text)) })
    )
    yield* Seed.apply(seed)
    for (const items of Object.values(yield* (yield* IdentityControls.IdentityControls).inventory)) {
      assert.isNotEmpty(items)
    }
    const api = yield* IdentityApi.IdentityApi
    const { workloadAccessToken } = yield* api.getWorkloadAccessToken({ workloadName: "my-agent" })
    const { apiKey } = yield* api.getResourceApiKey({
      workloadIdentityToken: workloadAccessToken,
      resourceCredentialProviderName: "maps"
    })
    assert.strictEqual(Redacted.value(apiKey), "a-key-for-the-maps")
  }).pipe(Effect.provide(MemoryIdentity.layerApi())))

it.live("the guide tells of every endpoint of the control API, and of each of its members", () =>
  Effect.gen(function*() {
    const listed: {
      readonly endpoints: ReadonlyArray<{
        readonly method: string
        readonly path: string
        readonly body?: { readonly [member: string]: string }
      }>
    } = JSON.parse((yield* (yield* jar).get("/_local/")).text)
    assert.isAbove(listed.endpoints.length, 10)
    for (const { body = {}, method, path } of listed.endpoints) {
      if (path === "/_local/expire-session") continue
      const row = guide.split("\n").find((line) => line.startsWith(`| \`${method} ${path}\``))
      assert.isDefined(row, path)
      if (row?.includes("which session") === true) continue
      for (const member of Object.keys(body)) assert.include(row, member, path)
    }
  }).pipe(Effect.provide(layer)))
