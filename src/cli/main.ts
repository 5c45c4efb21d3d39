/** The command `agentcore-identity`: AgentCore Identity from the shell, on AWS or on a local server. */
import * as Command from "@effect/cli/Command"
import type * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import manifest from "../../package.json" with { type: "json" }
import { command, entries } from "./command.js"
import * as Completions from "./completions.js"
import * as Help from "./help.js"
import { paragraphs } from "./helpDoc.js"
import * as Logging from "./logging.js"
import * as OptionChecks from "./optionChecks.js"
import * as Output from "./output.js"
import * as OutputErrors from "./outputErrors.js"
import * as Signals from "./signals.js"

// Disables the warning of the AWS SDK about the version of Node, which it prints at each call.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true"

const Services = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

// Only terminals receive the colours of the help.
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

const args = process.argv.slice(2)

const usageMessage = (error: HelpDoc.HelpDoc) => Help.usageMessage(entries, args, paragraphs(error))

const json = Arr.takeWhile(args, (arg) => arg !== "--").includes("--json")

const report = Output.reporting(json)

// The parser prints nothing itself: its errors are reported like all others. The commands keep the console.
const parsed = Console.consoleWith((console) =>
  Command.run(Command.transformHandler(command, Effect.withConsole(console)), {
    name: "agentcore-identity",
    version: manifest.version
  })(process.argv).pipe(Effect.withConsole({ ...console, error: () => Effect.void }))
)

const problemOf = (options: Help.Found["declared"]["options"]) =>
  Option.firstSomeOf([
    Option.map(
      OptionChecks.undeclared(options, args),
      (name) => Help.usageMessage(entries, args, [`unknown argument '${name}'`])
    ),
    Option.map(OptionChecks.withoutValue(options, args), (name) => `${name}: expected a value`),
    Option.map(OptionChecks.duplicate(options, args), (name) => `${name} is given more than once: pass it once`)
  ])

const completions = (request: Either.Either<Completions.Shell, string>) =>
  Either.match(request, {
    onLeft: (problem) => report(Output.usageInvalid(Help.usageMessage(entries, [], [problem]))),
    onRight: (shell) => Output.lines(Completions.script(entries, shell))
  })

const execute: Effect.Effect<
  void,
  Output.Exited | ValidationError.ValidationError,
  Layer.Layer.Success<typeof Services>
> = Option.match(Completions.requested(args), {
  onSome: completions,
  onNone: () =>
    Option.match(Help.find(entries, args), {
      onNone: () => report(Output.usageInvalid(Help.usageMessage(entries, args, []))),
      onSome: (found) =>
        Help.isAsked(found, args)
          ? Output.lines(Help.page(found, manifest.version))
          : Option.match(problemOf(found.declared.options), {
            onNone: () => parsed,
            onSome: (problem) => report(Output.usageInvalid(problem))
          })
    })
})

const exitCode = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.isInterruptedOnly(exit.cause)) return Signals.exitCode()
  const failure = Cause.failureOption(exit.cause)
  return Option.isSome(failure) && failure.value instanceof Output.Exited ? failure.value.code : 1
}

const unexpected = (defect: unknown) =>
  new Output.CommandFailed({
    reason: "Unexpected",
    message: (defect instanceof Error ? defect.message.split("\n")[0] : undefined) ?? "unknown error"
  })

const interrupted = Effect.suspend(() =>
  Option.match(Signals.unexpected(), {
    onNone: () => Effect.void,
    onSome: (signal) =>
      Output.report(
        json,
        new Output.CommandFailed({ reason: "Interrupted", message: `interrupted by ${signal}` })
      )
  })
)

Signals.watch()
OutputErrors.watch()

execute.pipe(
  Effect.catchIf(ValidationError.isValidationError, ({ error }) => report(Output.usageInvalid(usageMessage(error)))),
  // A defect is a bug of this program: one line, without the stack.
  Effect.catchAllDefect((defect) => report(unexpected(defect))),
  Effect.onInterrupt(() => interrupted),
  Effect.provide(Services),
  Effect.provide(Logging.layer(json)),
  process.stdout.isTTY && process.stderr.isTTY ? identity : withoutColours,
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, end) => end(exitCode(exit))
  })
)
