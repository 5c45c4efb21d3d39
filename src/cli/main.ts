/**
 * The command `agentcore-identity`: AgentCore Identity from the shell, on AWS or on this machine.
 */
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import manifest from "../../package.json" with { type: "json" }
import { Exited } from "./output.js"
import * as Providers from "./providers.js"
import * as Serve from "./serve.js"
import * as Token from "./token.js"
import * as Workloads from "./workloads.js"

// What the AWS SDK has to say about the version of Node is not the user's concern on each call.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true"

const command = Command.make("agentcore-identity").pipe(
  Command.withDescription("Amazon Bedrock AgentCore Identity from the shell, on AWS or on this machine."),
  Command.withSubcommands([
    Serve.command,
    Token.token,
    Token.apiKey,
    Token.consent,
    Workloads.command,
    Providers.command
  ])
)

const Services = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

// The colours of help are for terminals.
// oxlint-disable-next-line no-control-regex
const plain = (text: unknown) => typeof text === "string" ? text.replaceAll(/\u001b\[[0-9;]*m/g, "") : text

const withoutColours = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Console.consoleWith((console) =>
    Effect.withConsole(effect, {
      ...console,
      log: (...parts) => console.log(...parts.map(plain)),
      error: (...parts) => console.error(...parts.map(plain))
    })
  )

const exitCode = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  const failure = Cause.failureOption(exit.cause)
  return Option.isSome(failure) && failure.value instanceof Exited ? failure.value.code : 1
}

// Whatever is left is a fault of ours: one line, and no stack.
const lastWord = (cause: Cause.Cause<unknown>) => {
  if (Cause.isInterruptedOnly(cause)) return Effect.void
  const failure = Cause.squash(cause)
  return failure instanceof Exited || ValidationError.isValidationError(failure)
    ? Effect.void
    : Console.error(`Unexpected: ${failure instanceof Error ? failure.message.split("\n")[0] : "an unknown failure"}`)
}

Command.run(command, { name: "agentcore-identity", version: manifest.version })(process.argv).pipe(
  Effect.tapErrorCause(lastWord),
  Effect.provide(Services),
  process.stdout.isTTY && process.stderr.isTTY ? identity : withoutColours,
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, end) => end(exitCode(exit))
  })
)
