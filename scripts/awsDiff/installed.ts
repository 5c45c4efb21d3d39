/** The clients that are installed. */
import { FileSystem } from "@effect/platform"
import { Effect, Schema } from "effect"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { Client } from "./clients.js"

const require = createRequire(import.meta.url)

const Manifest = Schema.parseJson(Schema.Struct({ version: Schema.String }))

const commandEnding = "Command.d.ts"

const read = (
  plane: Client["plane"],
  name: string,
  load: () => Promise<{ readonly [name: string]: unknown }>
) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const manifest = yield* Effect.sync(() => require.resolve(`${name}/package.json`))
    const types = join(dirname(manifest), "dist-types")
    const { version } = yield* Schema.decode(Manifest)(yield* files.readFileString(manifest))
    const exports = yield* Effect.promise(load)
    const texts = (folder: string, ending: string) =>
      Effect.flatMap(files.readDirectory(join(types, folder)), (names) =>
        Effect.forEach(
          names.filter((file) => file.endsWith(ending)),
          (file) => Effect.map(files.readFileString(join(types, folder, file)), (text) => [file, text] as const)
        ))
    const models = yield* texts("models", ".d.ts")
    const commands = new Map(yield* texts("commands", commandEnding))
    return {
      plane,
      name,
      version,
      exports,
      models: models.map(([, text]) => text),
      command: (operation: string) => commands.get(`${operation}${commandEnding}`) ?? ""
    } satisfies Client
  })

/** The clients of both planes. */
export const clients = Effect.all([
  read("data", "@aws-sdk/client-bedrock-agentcore", () => import("@aws-sdk/client-bedrock-agentcore")),
  read(
    "control",
    "@aws-sdk/client-bedrock-agentcore-control",
    () => import("@aws-sdk/client-bedrock-agentcore-control")
  )
])
