/** Runs commands of `agentcore-identity` in this process, without the set-up of `main.ts`. */
import * as Command from "@effect/cli/Command"
import { NodeFileSystem, NodePath, NodeTerminal } from "@effect/platform-node"
import { ConfigProvider, Console, Effect, Either, Layer } from "effect"
import { command } from "../../src/cli/command.js"
import { Exited } from "../../src/cli/output.js"

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const Services = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

/** Runs a command, without the environment of this process. Arguments that the parser rejects are a defect. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<Result> =>
  Effect.gen(function*() {
    const stdout: Array<string> = []
    const stderr: Array<string> = []
    const console = yield* Console.consoleWith(Effect.succeed)
    const recorder: Console.Console = {
      ...console,
      log: (...parts) => Effect.sync(() => stdout.push(`${parts.join(" ")}\n`)),
      error: (...parts) => Effect.sync(() => stderr.push(`${parts.join(" ")}\n`))
    }
    const exit = yield* Command.run(command, { name: "agentcore-identity", version: "0" })(["node", "cli", ...args])
      .pipe(
        Effect.withConsole(recorder),
        Effect.provide(Services),
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map())),
        Effect.either
      )
    if (Either.isLeft(exit) && !(exit.left instanceof Exited)) return yield* Effect.die(exit.left)
    return {
      code: Either.isLeft(exit) && exit.left instanceof Exited ? exit.left.code : 0,
      stdout: stdout.join(""),
      stderr: stderr.join("")
    }
  })

/** Parses a command and does not execute it. Fails if the parser rejects the arguments. */
export const parse = (args: ReadonlyArray<string>) =>
  Command.run(Command.transformHandler(command, () => Effect.void), { name: "agentcore-identity", version: "0" })([
    "node",
    "cli",
    ...args
  ]).pipe(Effect.provide(Services))
