/**
 * The time from the start of a process to its first machine token, from disk, relative to a program that loads the same modules
 * of Effect and calls the client of the SDK; and the bytes that a bundled program loads before its first token.
 */
import { build } from "esbuild"
import { spawn } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Benchmark } from "./benchmark.js"
import { message, program } from "./child.js"
import { eagerChunks } from "./coldStartBundle.js"
import { token, withClient, withLibrary, withOfficialPackage } from "./coldStartPrograms.js"
import { credentials, region } from "./environment.js"
import { atMost, rounded, rule } from "./report.js"
import { order } from "./rounds.js"
import { median, spread } from "./statistics.js"

const rounds = 30

/** Kilobytes of 1,000 bytes. */
const kilobytes = (bytes: number) => bytes / 1000

/** Appends the URL of each loaded module to a file. */
const hook = (list: string) => {
  const load = `import { appendFileSync } from "node:fs"
export const load = (url, context, next) => {
  appendFileSync(${JSON.stringify(list)}, url + "\\n")
  return next(url, context)
}`
  return `import { register } from "node:module"
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(load)}`)})
`
}

/** Compiles the library without bundling, so that it has as many modules on disk as the package. */
const compile = async (root: string, directory: string) => {
  const source = join(root, "src")
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("cli"))
  await build({
    entryPoints: files.map((name) => join(source, name)),
    outbase: source,
    outdir: join(directory, "dist"),
    format: "esm",
    platform: "node",
    target: "es2022"
  })
}

interface Started {
  /** From the start of the process to the token. */
  readonly millis: number
  /** Of all threads of the process. */
  readonly cpuMillis: number
}

const run = (url: string, file: string, options: ReadonlyArray<string> = []) =>
  new Promise<Started>((resolve, reject) => {
    const start = performance.now()
    const child = spawn(process.execPath, [...options, file], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        AWS_REGION: region,
        AWS_ENDPOINT_URL: url,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true"
      }
    })
    let output = ""
    let errors = ""
    let millis = NaN
    child.stderr.on("data", (data) => errors += data)
    child.stdout.on("data", (data) => {
      if (output === "") millis = performance.now() - start
      output += data
    })
    child.once("error", reject)
    child.once("close", (code) => {
      const printed = code === 0 ? JSON.parse(output) : undefined
      if (printed?.token !== token) return reject(new Error(`${file} ended with ${code}: ${output}${errors}`))
      resolve({ millis, cpuMillis: (printed.cpu.user + printed.cpu.system) / 1000 })
    })
  })

const publicModule = /\/node_modules\/(effect|@effect\/[^/]+)\/dist\/esm\/(\w+)\.js$/

/** Imports a module of Effect by its public name, as the library does, or by its URL if it has none. */
const importOf = (url: string) => {
  const [, name, module] = publicModule.exec(url) ?? []
  return `import ${JSON.stringify(module === undefined ? url : `${name}/${module}`)}`
}

const isEffect = (url: string) => /\/node_modules\/(effect|@effect\/[^/]+)\//.test(url)

/** Writes the programs, and returns their files. The reference imports the modules of Effect that the library loads. */
const write = async (url: string, root: string, directory: string) => {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  await compile(root, directory)
  const file = (name: string, text: string) => {
    const path = join(directory, `${name}.mjs`)
    writeFileSync(path, text)
    return path
  }
  writeFileSync(join(directory, "package.json"), `{"type":"module"}`)
  const library = file("library", withLibrary("./dist"))
  const list = join(directory, "loaded.txt")
  await run(url, library, ["--import", file("hook", hook(list))])
  const loaded = [...new Set(readFileSync(list, "utf8").trimEnd().split("\n"))]
  const effect = loaded.filter(isEffect)
  return {
    modules: {
      library: loaded.filter((url) => url.includes("/dist/") && !isEffect(url)).length,
      effect: effect.length
    },
    files: new Map([
      ["library", library],
      ["reference", file("reference", withClient(effect.map(importOf).join("\n")))],
      ["client", file("client", withClient(""))],
      ["official", file("official", withOfficialPackage)]
    ])
  }
}

const titles = {
  library: "this library",
  reference: "the same modules of Effect, and the client of the SDK",
  client: "the client of the SDK alone",
  official: "official withAccessToken"
}

const names = ["library", "reference", "client", "official"] as const

/** Starts every program once in each round, in changing order. */
const fromDisk = async (root: string) => {
  const server = program("./fixedReply.js")
  const { port } = await message<{ readonly port: number }>(server)
  const url = `http://127.0.0.1:${port}`
  const { files, modules } = await write(url, root, join(root, "node_modules/.cache/coldStart"))
  const times = new Map<string, Array<Started>>(names.map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const name of order(names, round + 1)) {
      const started = await run(url, files.get(name) ?? "")
      if (round >= 0) times.get(name)?.push(started)
    }
  }
  server.disconnect()
  const figures = (of: (started: Started) => number) =>
    names.map((name) => {
      const own = (times.get(name) ?? []).map(of)
      const base = (times.get("reference") ?? []).map(of)
      const { p10, p50, p90 } = spread(own)
      const ratio = rounded(median(own.map((time, round) => time / (base[round] ?? NaN))))
      return { name, medianMillis: rounded(p50), p10Millis: rounded(p10), p90Millis: rounded(p90), ratio }
    })
  return { modules, wall: figures(({ millis }) => millis), processor: figures(({ cpuMillis }) => cpuMillis) }
}

const measure = async () => {
  const root = process.cwd()
  const { modules, processor, wall } = await fromDisk(root)
  const chunks = await eagerChunks(root)
  const above = chunks.library.bytes - chunks.reference.bytes
  const sizes = (["library", "reference", "official"] as const).map((name) => ({ name, bytes: chunks[name].bytes }))
  return {
    goals: [
      atMost("the first token of a new process, from disk", wall[0]?.ratio ?? NaN, 1.15, "×"),
      rule(atMost("eager chunks above those of the reference, compressed", kilobytes(above), 30, "KB"))
    ],
    figures: {
      modules,
      wall,
      processor,
      eagerBytes: Object.fromEntries(sizes.map(({ bytes, name }) => [name, bytes]))
    },
    tables: [{
      title: "From the start of a process to its first machine token",
      head: ["program", "ratio", "median", "80 % of the rounds", "time of the processor"],
      rows: wall.map(({ medianMillis, name, p10Millis, p90Millis, ratio }, index) => [
        titles[name],
        `${ratio} ×`,
        `${medianMillis.toFixed(0)} ms`,
        `${p10Millis.toFixed(0)}–${p90Millis.toFixed(0)} ms`,
        `${processor[index]?.medianMillis.toFixed(0)} ms, ${processor[index]?.ratio} ×`
      ])
    }, {
      title: "Chunks that a bundled program loads before its first token",
      head: ["program", "compressed"],
      rows: sizes.map(({ bytes, name }) => [titles[name], `${kilobytes(bytes).toFixed(1)} KB`])
    }],
    plots: []
  }
}

export const coldStart: Benchmark = {
  name: "cold",
  title: "the first token of a new process, and the size of its bundle",
  measures:
    "New processes that request one machine token, from a server whose reply is fixed, and print it. The library has as " +
    "many modules on disk as the package. The reference imports exactly the modules of Effect that the library loads, and " +
    "calls the client of the AWS SDK once. The programs alternate; the ratio is the median of the ratios within one round. " +
    "The chunks are those that esbuild makes with code splitting and that load before the first token, each compressed by " +
    "gzip. There the reference has the same members of the modules of Effect.",
  run: measure
}
