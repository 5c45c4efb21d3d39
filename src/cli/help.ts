/** The help pages. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Arr from "effect/Array"

// Without a subcommand, these print their help.
const groups = ["consent", "workloads", "providers"]

const isHelp = (arg: string) => arg === "--help" || arg === "-h"

/** Repeats `--help` after each command of the path. Otherwise the parser prints only the last name of the path. */
export const wholeName = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [executable, args] = Arr.splitAt(argv, 2)
  const names = Arr.takeWhile(args, (arg) => !arg.startsWith("-"))
  const isAsked = Arr.takeWhile(args, (arg) => arg !== "--").some(isHelp) ||
    args.length === 1 && groups.includes(names[0] ?? "")
  return isAsked && names.length > 0
    ? [...executable, "--help", ...names.flatMap((name) => [name, "--help"])]
    : argv
}

const translations: ReadonlyArray<readonly [pattern: RegExp, text: string]> = [
  [/^Received unknown argument: '(.*)'$/, "unknown argument '$1'"],
  [/^Expected to find option: '(.*)'$/, "$1 is required"],
  [/^Expected a value following option: '(.*)'$/, "$1: expected a value"]
]

const translated = (text: string) =>
  translations.reduce((text, [pattern, translation]) => text.replace(pattern, translation), text)

/** The message for arguments that the parser rejected, with the command that prints the help. */
export const usageMessage = (args: ReadonlyArray<string>, messages: ReadonlyArray<string>): string => {
  const [name = "", subcommand] = Arr.takeWhile(args, (arg) => !arg.startsWith("-"))
  const isGroup = groups.includes(name)
  // The parser lists the commands of the top level, also for an unknown subcommand of a group.
  const isUnknown = messages.some((message) => message.startsWith("Invalid subcommand"))
  const path = [
    "agentcore-identity",
    ...(isUnknown && !isGroup ? [] : [name]),
    ...(isUnknown || !isGroup ? [] : [subcommand])
  ]
  const problem = isUnknown
    ? `unknown ${
      isGroup ? `subcommand '${subcommand}' of ${name}` : name === "" ? `argument '${args[0]}'` : `command '${name}'`
    }`
    : messages.map(translated).join("; ")
  return `${problem} (for help, run '${path.filter((part) => part !== undefined && part !== "").join(" ")} --help')`
}

const section = (title: string, lines: Arr.NonEmptyReadonlyArray<string>) =>
  HelpDoc.sequence(HelpDoc.h1(title), HelpDoc.enumeration(Arr.map(lines, (line) => HelpDoc.p(line))))

/** @internal */
export const footer: HelpDoc.HelpDoc = HelpDoc.sequence(
  section("EXIT CODES", [
    "0    success; for serve also after Ctrl-C or SIGTERM",
    "1    failure: an error of the service, a file, a port, the network",
    "2    token: the consent of a user is required, and the URL is on stderr",
    "64   invalid arguments; nothing was executed",
    "130  SIGINT (Ctrl-C) before the end",
    "143  SIGTERM before the end"
  ]),
  section("ENVIRONMENT", [
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE: the AWS credentials, as for all tools " +
    "of AWS; not required for a local server",
    "AWS_REGION, AWS_DEFAULT_REGION: the region, if --region is not given",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE, AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, BEDROCK_AGENTCORE_DP_ENDPOINT, " +
    "BEDROCK_AGENTCORE_CP_ENDPOINT, AWS_ENDPOINT_URL: the endpoints, if --endpoint is not given"
  ])
)
