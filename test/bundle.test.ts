// @effect-diagnostics globalErrorInEffectCatch:off globalErrorInEffectFailure:off
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Metafile } from "esbuild"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle } from "../scripts/bundle.js"
import { assertEqual } from "./support/equality.js"
import { temporary } from "./support/temporary.js"

const repository = fileURLToPath(new URL("..", import.meta.url))

const file = "THIRD-PARTY-LICENSES.txt"

/** The packages with code in a bundle, by the paths of their modules. */
const packages = ({ outputs }: Metafile): ReadonlySet<string> =>
  new Set(
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
        const parts = path.split("/")
        const at = parts.lastIndexOf("node_modules")
        if (at === -1 || bytesInOutput === 0) return []
        const end = at + (parts[at + 1]?.startsWith("@") === true ? 3 : 2)
        return [parts.slice(0, end).join("/")]
      })
    )
  )

/** The sections of the file: the lines of the packages, and the text below. */
const sections = (text: string) =>
  text.split(`\n\n${"-".repeat(80)}\n\n`).slice(1).map((section) => {
    const end = section.indexOf("\n\n")
    return { packages: section.slice(0, end).split("\n"), text: section.slice(end).trim() }
  })

/** A program that uses packages with these files. */
const program = (dependencies: { readonly [name: string]: { readonly [file: string]: string } }) =>
  Effect.map(temporary, (root) => {
    const write = (path: string, content: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    }
    const names = Object.keys(dependencies)
    write("main.js", names.map((name) => `import ${JSON.stringify(name)}\n`).join(""))
    for (const [name, files] of Object.entries(dependencies)) {
      write(`node_modules/${name}/index.js`, `globalThis[${JSON.stringify(name)}] = true\n`)
      for (const [path, content] of Object.entries(files)) write(`node_modules/${name}/${path}`, content)
    }
    const directory = join(root, "out")
    const outfile = join(directory, "main.mjs")
    return { directory, bundle: () => bundle({ root, entryPoint: "main.js", outfile }) }
  })

const manifest = (name: string, license?: unknown) =>
  JSON.stringify({ name, version: "1.2.3", type: "module", main: "index.js", license })

/** The error of a build, and the files that it wrote. */
const failure = (dependencies: Parameters<typeof program>[0]) =>
  Effect.gen(function*() {
    const { bundle, directory } = yield* program(dependencies)
    const { message } = yield* Effect.flip(Effect.tryPromise({
      try: bundle,
      catch: (error) => error instanceof Error ? error : new Error(String(error))
    }))
    return { message, written: existsSync(directory) ? readdirSync(directory) : [] }
  })

describe("the licenses in the command", () => {
  it.scopedLive("are those of every package in the bundle, each with a text", () =>
    Effect.gen(function*() {
      const directory = yield* temporary
      const outfile = join(directory, "agentcore-identity.mjs")
      const metafile = yield* Effect.promise(() => bundle({ outfile }))
      const listed = sections(readFileSync(join(directory, file), "utf8"))
      const bundled = packages(metafile)
      assert.isAbove(bundled.size, 30)
      for (const path of bundled) {
        const { license, name, version } = JSON.parse(readFileSync(join(repository, path, "package.json"), "utf8"))
        const section = listed.filter(({ packages }) => packages.includes(`${name} ${version} (${license})`))
        assert.strictEqual(section.length, 1, path)
        assert.isAbove(section[0]?.text.length ?? 0, 500, path)
        if (license === "Apache-2.0") assert.include(section[0]?.text, "END OF TERMS AND CONDITIONS", path)
        if (license === "MIT") assert.match(section[0]?.text ?? "", /Copyright[^]*Permission is hereby granted/, path)
      }
    }), 60_000)

  it.scopedLive("have the text of the Apache license once, with the copyright lines of its copies", () =>
    Effect.gen(function*() {
      const apache = readFileSync(new URL("../scripts/licenses/Apache-2.0.txt", import.meta.url), "utf8")
      const { bundle, directory } = yield* program({
        without: { "package.json": manifest("without", "Apache-2.0") },
        filled: {
          "package.json": manifest("filled", "Apache-2.0"),
          "LICENSE.txt": apache.replace("[yyyy] [name of copyright owner]", "2019 Example, Inc.")
        },
        short: {
          "package.json": manifest("short", "Apache-2.0"),
          "license.md": apache.replace(/ {3}END OF TERMS[^]*/, "").replaceAll("\n", "\r\n")
        },
        changed: { "package.json": manifest("changed", "Apache-2.0"), LICENSE: `${apache}\nContains code of Foo.` }
      })
      yield* Effect.promise(bundle)
      const text = readFileSync(join(directory, file), "utf8")
      assertEqual(sections(text).map(({ packages }) => packages), [
        ["changed 1.2.3 (Apache-2.0)"],
        [
          "filled 1.2.3 (Apache-2.0)",
          "    Copyright 2019 Example, Inc.",
          "short 1.2.3 (Apache-2.0)",
          "without 1.2.3 (Apache-2.0)"
        ]
      ])
      assert.include(text, "Contains code of Foo.")
    }))

  it.scopedLive("include the NOTICE file of a package, and each text once", () =>
    Effect.gen(function*() {
      const { bundle, directory } = yield* program({
        one: { "package.json": manifest("one", "MIT"), LICENSE: "Copyright One\n", NOTICE: "Contains Two.\n" },
        other: { "package.json": manifest("other", "MIT"), "LICENCE-MIT": "Copyright One" },
        "@a/scoped": { "package.json": manifest("@a/scoped", "ISC"), COPYING: "Copyright A" }
      })
      yield* Effect.promise(bundle)
      assertEqual(sections(readFileSync(join(directory, file), "utf8")), [
        { packages: ["@a/scoped 1.2.3 (ISC)"], text: "Copyright A" },
        { packages: ["one 1.2.3 (MIT)", "other 1.2.3 (MIT)"], text: "Copyright One" },
        { packages: ["NOTICE of one 1.2.3"], text: "Contains Two." }
      ])
    }))

  it.scopedLive("fail the build, which writes nothing, if a package names none", () =>
    Effect.gen(function*() {
      const { message, written } = yield* failure({
        nameless: { "package.json": manifest("nameless"), LICENSE: "Text" }
      })
      assert.include(message, "nameless 1.2.3 names no license")
      assert.isEmpty(written)
    }))

  it.scopedLive("fail the build if a package's license is not one of those that were reviewed", () =>
    Effect.gen(function*() {
      for (const license of ["GPL-3.0-only", "SEE LICENSE IN LICENSE", "(MIT OR GPL-3.0-only)"]) {
        const { message, written } = yield* failure({
          copyleft: { "package.json": manifest("copyleft", license), LICENSE: "Text" }
        })
        assert.include(message, `copyleft 1.2.3 has the license ${license}`)
        assert.isEmpty(written)
      }
    }))

  it.scopedLive("fail the build if the text is missing, or empty", () =>
    Effect.gen(function*() {
      for (const files of [{}, { LICENSE: "\n" }]) {
        const { message, written } = yield* failure({ bare: { "package.json": manifest("bare", "MIT"), ...files } })
        assert.include(message, "bare 1.2.3 (MIT) has no license file")
        assert.isEmpty(written)
      }
    }))

  it.scopedLive("are not asked of a package that leaves no code in the bundle", () =>
    Effect.gen(function*() {
      const { bundle, directory } = yield* program({ empty: { "package.json": manifest("empty"), "index.js": "" } })
      yield* Effect.promise(bundle)
      assert.isEmpty(sections(readFileSync(join(directory, file), "utf8")))
    }))

  it("are published with the command", () => {
    const { bin, files } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"))
    assert.include(files, "dist")
    for (const path of Object.values(bin)) assert.strictEqual(path, "dist/bin/agentcore-identity.js")
    const entry = readFileSync(join(repository, "scripts/build-bin.ts"), "utf8")
    assert.include(entry, "../dist/bin/agentcore-identity.js")
  })
})
