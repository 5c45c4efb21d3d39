/** The whole command, and the list of its commands for the help. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Consent from "./consent.js"
import type { Entry } from "./help.js"
import * as Providers from "./providers.js"
import * as Serve from "./serve.js"
import * as Signals from "./signals.js"
import * as Tags from "./tags.js"
import * as Token from "./token.js"
import * as Vault from "./vault.js"
import * as Workloads from "./workloads.js"

// A signal is the regular end of the server.
const serve = Command.transformHandler(Serve.command, Effect.onInterrupt(() => Effect.sync(Signals.markExpected)))

/** @internal */
export const command = Command.make("agentcore-identity").pipe(
  Command.withDescription("Amazon Bedrock AgentCore Identity from the shell, on AWS or on a local server."),
  Command.withSubcommands([
    serve,
    Token.token,
    Token.apiKey,
    Token.workloadToken,
    Consent.command,
    Workloads.command,
    Providers.command,
    Tags.tags,
    Tags.policies,
    Vault.vault,
    Vault.portals
  ])
)

/** The same commands with their subcommands, in the order of the help. The parser does not list subcommands. */
export const entries: ReadonlyArray<Entry> = [
  { command: serve, subcommands: [] },
  { command: Token.token, subcommands: [] },
  { command: Token.apiKey, subcommands: [] },
  { command: Token.workloadToken, subcommands: [] },
  { command: Consent.command, subcommands: Consent.subcommands },
  { command: Workloads.command, subcommands: Workloads.subcommands },
  { command: Providers.command, subcommands: Providers.subcommands },
  { command: Tags.tags, subcommands: Tags.tagSubcommands },
  { command: Tags.policies, subcommands: Tags.policySubcommands },
  { command: Vault.vault, subcommands: Vault.vaultSubcommands },
  { command: Vault.portals, subcommands: Vault.portalSubcommands }
]
