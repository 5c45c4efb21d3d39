// @effect-diagnostics globalErrorInEffectCatch:off globalErrorInEffectFailure:off
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assertEqual } from "./support/equality.js"
import * as Markdown from "./support/markdown.js"
import { temporary } from "./support/temporary.js"

/** The folders and modules that only tests, development and servers require. */
const heavy = /src\/(internal\/(emulator|presets|server|oauth|web)\/|MemoryIdentity|StoredIdentity|FederatedIssuer)/

/** The bundle of a program without packages: its size and its library modules. */
const bundled = async (layer: string) => {
  const { metafile } = await build({
    stdin: {
      // Imports go by module, because esbuild keeps every member of a module that the index re-exports.
      contents: `import { Effect } from "effect"
import * as AwsIdentity from "./src/AwsIdentity.js"
import * as IdentityService from "./src/IdentityService.js"
const program = Effect.gen(function*() {
  const identity = yield* IdentityService.IdentityService
  return yield* identity.getWorkloadAccessToken({ workloadName: "my-agent" })
})
Effect.runPromise(Effect.provide(program, ${layer}))`,
      resolveDir: Markdown.root,
      loader: "ts"
    },
    absWorkingDir: Markdown.root,
    external: ["effect", "@effect/*", "@aws-sdk/*", "@smithy/*", "@aws-crypto/*", "@noble/*", "jose", "oauth4webapi"],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node"
  })
  const outputs = Object.values(metafile.outputs)
  return {
    bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
    modules: outputs.flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => bytesInOutput > 0 ? [path] : [])
    )
  }
}

describe("a bundled program", () => {
  it("that uses AwsIdentity.layer contains no emulator, presets, server or OAuth client", async () => {
    const { bytes, modules } = await bundled("AwsIdentity.layer()")
    assert.include(modules, "src/AwsIdentity.ts")
    assertEqual(modules.filter((path) => heavy.test(path)), [])
    // It was 80,854 when this limit was set.
    assert.isBelow(bytes, 105_000)
  })

  it("that uses IdentityService.layerTest contains the emulator and no server", async () => {
    const { modules } = await bundled("IdentityService.layerTest")
    assert.include(modules, "src/internal/emulator/emulator.ts")
    assertEqual(modules.filter((path) => path.includes("/server/") || path.includes("/oauth/")), [])
  })
})

/** The library modules that a separate process loads for these imports, as a loader hook lists them. */
const loadedBy = (directory: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const list = join(directory, "loaded.txt")
  const program = join(directory, "program.mjs")
  const hook = `import { appendFileSync } from "node:fs"
export const load = (url, context, next) => {
  appendFileSync(${JSON.stringify(list)}, url + "\\n")
  return next(url, context)
}`
  const urls = names.map((name) => pathToFileURL(join(Markdown.root, "src", `${name}.ts`)).href)
  writeFileSync(
    program,
    `import { register } from "node:module"
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})
${urls.map((url) => `await import(${JSON.stringify(url)})`).join("\n")}
`
  )
  execFileSync(process.execPath, ["--import", "tsx", program], { cwd: Markdown.root, encoding: "utf8" })
  return readFileSync(list, "utf8").split("\n").filter((url) => url.includes("/src/") && !url.includes("node_modules"))
}

describe("a fresh process", () => {
  it.scoped("that imports IdentityService, AccessToken and AwsIdentity loads no emulator", () =>
    Effect.gen(function*() {
      const loaded = loadedBy(yield* temporary, ["IdentityService", "AccessToken", "AwsIdentity"])
      assert.isTrue(loaded.some((url) => url.includes("/src/internal/aws/call.ts")))
      assertEqual(loaded.filter((url) => heavy.test(url)), [])
    }))

  it.scoped("that imports MemoryIdentity loads the emulator", () =>
    Effect.gen(function*() {
      const loaded = loadedBy(yield* temporary, ["MemoryIdentity"])
      assert.isTrue(loaded.some((url) => url.includes("/src/internal/emulator/emulator.ts")))
    }))
})
