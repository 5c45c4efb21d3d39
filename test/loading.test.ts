// @effect-diagnostics globalErrorInEffectCatch:off globalErrorInEffectFailure:off
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { eagerChunks } from "../bench/coldStartBundle.js"
import { assertEqual } from "./support/equality.js"
import * as Markdown from "./support/markdown.js"
import { temporary } from "./support/temporary.js"
import { serve } from "./support/wire.js"

const credentialsInEnvironment = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
}

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

/** The names of the packages of these files. */
const packagesOf = (paths: Iterable<string>) =>
  new Set(
    Array.from(paths).flatMap((path) => {
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? []
      return name === undefined ? [] : [name]
    })
  )

/** What a program loads only when it uses it: the operations of the control plane, and their client. */
const onUse =
  /src\/(ApiKeyProvider|ConsentPortal|IdentityApi|Oauth2Provider|Oauth2ProviderConfig|PaymentProvider|ResourceTag|TokenVault|WorkloadIdentity|internal\/aws\/control|internal\/(cache|consent\/ledger(Files|KeyValueStore)|redis))\b|client-bedrock-agentcore-control/

describe("the chunks that a bundled program loads before its first token", () => {
  let built: ReturnType<typeof eagerChunks> | undefined
  const chunks = () => built ??= eagerChunks(Markdown.root)

  it(
    "are at most 28 KB larger, compressed, than those of a program with the same members of Effect and the client",
    async () => {
      const { library, reference } = await chunks()
      // It was 25,257 when this limit was set. The goal is 30,000.
      assert.isBelow(library.bytes - reference.bytes, 28_000)
    },
    60_000
  )

  it("contain no emulator, no control plane, and no package but those of that program and the digest", async () => {
    const { library, reference } = await chunks()
    assert.include(library.modules, "src/AwsIdentity.ts")
    assertEqual(library.modules.filter((path) => heavy.test(path) || onUse.test(path)), [])
    const known = packagesOf(reference.modules)
    assertEqual([...packagesOf(library.modules)].filter((name) => !known.has(name)), ["@noble/hashes"])
  }, 60_000)
})

/** The files that a separate process loads for these imports and these lines, as a loader hook and `require` list them. */
const loadedBy = (directory: string, names: ReadonlyArray<string>, lines = "", env = {}) =>
  Effect.promise(async () => {
    const list = join(directory, "loaded.txt")
    const program = join(directory, "program.mjs")
    const hook = `import { appendFileSync } from "node:fs"
export const load = (url, context, next) => {
  appendFileSync(${JSON.stringify(list)}, url + "\\n")
  return next(url, context)
}`
    const imports = names.map((name) =>
      `const ${name} = await import(${JSON.stringify(pathToFileURL(join(Markdown.root, "src", `${name}.ts`)).href)})`
    )
    writeFileSync(
      program,
      `import { appendFileSync } from "node:fs"
import Module, { register } from "node:module"
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})
${imports.join("\n")}
${lines}
appendFileSync(${JSON.stringify(list)}, Object.keys(Module._cache).join("\\n"))
`
    )
    await promisify(execFile)(process.execPath, ["--import", "tsx", program], {
      cwd: Markdown.root,
      env: { ...process.env, ...env }
    })
    return readFileSync(list, "utf8").split("\n")
  })

const sources = (loaded: ReadonlyArray<string>) =>
  loaded.filter((url) => url.includes("/src/") && !url.includes("node_modules"))

describe("a fresh process", () => {
  it.scoped("that imports IdentityService, AccessToken and AwsIdentity loads no emulator", () =>
    Effect.gen(function*() {
      const loaded = sources(yield* loadedBy(yield* temporary, ["IdentityService", "AccessToken", "AwsIdentity"]))
      assert.isTrue(loaded.some((url) => url.includes("/src/internal/aws/call.ts")))
      assertEqual(loaded.filter((url) => heavy.test(url)), [])
    }))

  const effect = join(Markdown.root, "node_modules/effect/dist/esm/Effect.js")

  const token = `const Effect = await import(${JSON.stringify(pathToFileURL(effect).href)})
const program = Effect.gen(function*() {
  const api = yield* AwsIdentity.make({ region: "us-east-1", requestTimeout: "20 seconds" })
  yield* api.getWorkloadAccessToken({ workloadName: "my-agent" })
`

  const reply = serve(({ path }) =>
    path?.endsWith("Identity") === true
      ? { status: 204, body: "" }
      : { body: JSON.stringify({ workloadAccessToken: "wat-1" }) }
  )

  const calls = (lines: string) =>
    Effect.gen(function*() {
      const { url } = yield* reply
      return yield* loadedBy(
        yield* temporary,
        ["IdentityService", "AccessToken", "AwsIdentity"],
        `${token}${lines}})
await Effect.runPromise(Effect.scoped(program))`,
        { ...credentialsInEnvironment, AWS_ENDPOINT_URL: url }
      )
    })

  it.scopedLive("that has requested a token has loaded no control plane, no STS, no Redis and no JWT library", () =>
    Effect.gen(function*() {
      const loaded = yield* calls("")
      assert.isTrue(loaded.some((path) => path.includes("/client-bedrock-agentcore/")))
      assertEqual(loaded.filter((path) => onUse.test(path)), [])
      const packages = packagesOf(loaded)
      for (
        const name of [
          "@aws-crypto/sha256-js",
          "ioredis",
          "jose",
          "oauth4webapi",
          "classic-level"
        ]
      ) {
        assert.isFalse(packages.has(name), name)
      }
      assertEqual(loaded.filter((path) => /client-sts|submodules\/sts\//.test(path)), [])
    }))

  it.scopedLive("that calls an operation of the control plane loads it then", () =>
    Effect.gen(function*() {
      const loaded = yield* calls("  yield* api.deleteWorkloadIdentity({ name: 'agent-1' })\n")
      assert.isTrue(loaded.some((path) => path.includes("/client-bedrock-agentcore-control/")))
      assert.isTrue(loaded.some((path) => path.endsWith("/src/internal/aws/control.ts")))
    }))

  it.scoped("that imports MemoryIdentity loads the emulator", () =>
    Effect.gen(function*() {
      const loaded = sources(yield* loadedBy(yield* temporary, ["MemoryIdentity"]))
      assert.isTrue(loaded.some((url) => url.includes("/src/internal/emulator/emulator.ts")))
    }))
})
