/** The help pages, for terminals with 80 columns. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import { type Declared, type DeclaredOption, type Described, read } from "./helpDoc.js"
import { type File, pages } from "./pages.js"
import { quoted } from "./quoted.js"

/** A command of the top level. */
export interface Entry {
  readonly command: Described
  readonly subcommands: ReadonlyArray<Described>
}

/** A command by its whole name, without the name of the program. */
export interface Found {
  readonly path: string
  readonly declared: Declared
  readonly subcommands: ReadonlyArray<Declared>
}

const program = "agentcore-identity"

const about = "Amazon Bedrock AgentCore Identity from the shell, on AWS or on a local server."

const findEntry = (entries: ReadonlyArray<Entry>, name: string | undefined) =>
  entries.find(({ command }) => read(command).name === name)

/** The command that the arguments name, or `None` if there is no such command. */
export const find = (entries: ReadonlyArray<Entry>, args: ReadonlyArray<string>): Option.Option<Found> =>
  Option.gen(function*() {
    const [name, subname] = Arr.takeWhile(args, (arg) => !arg.startsWith("-"))
    if (name === undefined) {
      const subcommands = entries.map(({ command }) => read(command))
      return { path: "", declared: { name: program, description: about, options: [] }, subcommands }
    }
    const { command, subcommands } = yield* Option.fromNullable(findEntry(entries, name))
    const children = subcommands.map(read)
    if (subname === undefined || children.length === 0) {
      return { path: name, declared: read(command), subcommands: children }
    }
    const child = yield* Option.fromNullable(children.find((child) => child.name === subname))
    return { path: `${name} ${subname}`, declared: child, subcommands: [] }
  })

const isHelp = (arg: string) => arg === "--help" || arg === "-h"

/** Tests if the arguments ask for help: by an option, or by a command that has subcommands without one of them. */
export const isAsked = (found: Found, args: ReadonlyArray<string>): boolean =>
  Arr.takeWhile(args, (arg) => arg !== "--").some(isHelp) ||
  (found.subcommands.length > 0 && args.length === found.path.split(" ").filter((part) => part !== "").length)

const columns = 80

/** Breaks a text into lines of at most 80 columns. A longer word has a line of its own. */
const wrapped = (text: string, first: string, rest = first): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = first
  let isEmpty = true
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = rest
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line]
}

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", title, "", ...lines]

const optionLines = ({ about, usage }: Pick<DeclaredOption, "about" | "usage">) => [
  `  ${usage}`,
  ...wrapped(about, "      ")
]

const usageOf = ({ declared: { options }, path, subcommands }: Found) =>
  [
    program,
    path,
    ...options.filter(({ isRequired }) => isRequired).map(({ usage }) => usage),
    subcommands.length > 0 ? "COMMAND" : "",
    options.some(({ isRequired }) => !isRequired) ? "[options]" : ""
  ].filter((part) => part !== "").join(" ")

const commandLines = (subcommands: ReadonlyArray<Declared>) => {
  const width = Math.max(...subcommands.map(({ name }) => name.length))
  return subcommands.flatMap(({ description, name }) =>
    wrapped(description, `  ${name.padEnd(width)}  `, " ".repeat(width + 4))
  )
}

const globalOptions = [
  { usage: "-h, --help", about: "print this help (default: off)" },
  { usage: "--version", about: "print the version (default: off)" },
  {
    usage: "--completions bash|sh|zsh",
    about: "print a completion script, for 'source <(agentcore-identity --completions bash)' (default: none)"
  }
]

// A shell continues a line after a backslash, so that an example can be pasted.
const exampleLines = (example: string) => {
  const lines = wrapped(example.replaceAll(" --", "\n--").replaceAll(" ", "\u0000").replaceAll("\n", " "), "  ", "    ")
  return lines.map((line, index) => line.replaceAll("\u0000", " ") + (index < lines.length - 1 ? " \\" : ""))
}

const fileLines = ({ about, body, kind, option }: File) =>
  section(`FILE OF ${option}${kind === undefined ? "" : `: ${kind}`}`, [
    ...wrapped(about, "  "),
    "",
    ...JSON.stringify(body, null, 2).split("\n").map((line) => `  ${line}`)
  ])

const exitCodes = [
  "0    success; for serve also after Ctrl-C or SIGTERM",
  "1    failure: an error of the service, a file, a port, the network",
  "2    token: the consent of a user is required, and the URL is on stderr",
  "64   invalid arguments; nothing was executed",
  "130  SIGINT (Ctrl-C) before the end",
  "141  the reader of the output ended first",
  "143  SIGTERM before the end"
]

const environment = [
  "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE: the AWS credentials, as for all tools " +
  "of AWS; not required for a local server, for which AWS_PROFILE is ignored",
  "AWS_REGION, AWS_DEFAULT_REGION: the region, if --region is not given",
  "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE, AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, BEDROCK_AGENTCORE_DP_ENDPOINT, " +
  "BEDROCK_AGENTCORE_CP_ENDPOINT, AWS_ENDPOINT_URL: the endpoints, if --endpoint is not given"
]

const footer = (path: string) =>
  path === ""
    ? [
      ...section("EXIT CODES", exitCodes.map((line) => `  - ${line}`)),
      ...section("ENVIRONMENT", environment.flatMap((text) => wrapped(text, "  - ", "    ")))
    ]
    : ["", `For exit codes and environment variables, run '${program} --help'.`]

/** The help page of a command, as lines. */
export const page = (found: Found, version: string): ReadonlyArray<string> => {
  const { declared, path, subcommands } = found
  const { examples = [], files = [] } = pages[path] ?? {}
  return [
    `${program} ${version}`,
    ...section("USAGE", wrapped(usageOf(found), "  $ ", "    ")),
    ...section("DESCRIPTION", wrapped(declared.description, "  ")),
    ...section("COMMANDS", subcommands.length === 0 ? [] : commandLines(subcommands)),
    ...section(
      "OPTIONS",
      [...declared.options, ...(path === "" ? globalOptions : globalOptions.slice(0, 1))].flatMap(optionLines)
    ),
    ...section("EXAMPLES", examples.flatMap(exampleLines)),
    ...files.flatMap(fileLines),
    ...footer(path)
  ]
}

const translations: ReadonlyArray<readonly [pattern: RegExp, translate: (matched: string) => string]> = [
  [/^Received unknown argument: '(.*)'$/s, (argument) => `unknown argument ${quoted(argument)}`],
  [/^Expected to find option: '(.*)'$/s, (option) => `${option} is required`],
  [/^Expected a value following option: '(.*)'$/s, (option) => `${option}: expected a value`]
]

const translated = (text: string) =>
  translations.reduce((text, [pattern, translate]) => text.replace(pattern, (_, matched) => translate(matched)), text)

/** The message for arguments that the parser rejected, with the command that prints the help. */
export const usageMessage = (
  entries: ReadonlyArray<Entry>,
  args: ReadonlyArray<string>,
  messages: ReadonlyArray<string>
): string => {
  const [name, subname] = Arr.takeWhile(args, (arg) => !arg.startsWith("-"))
  const entry = findEntry(entries, name)
  const isGroup = entry !== undefined && entry.subcommands.length > 0
  const found = Option.map(find(entries, args), ({ path }) => path)
  // The parser lists all subcommands if an option is in the place of one.
  const isMisplaced = messages.some((message) => message.startsWith("Invalid subcommand"))
  const problem = Option.isSome(found)
    ? isMisplaced
      ? `unknown argument ${quoted(args.find((arg) => arg.startsWith("-")) ?? "")}`
      : messages.map(translated).join("; ")
    : isGroup
    ? `unknown subcommand ${quoted(subname ?? "")} of ${name}`
    : `unknown command ${quoted(name ?? "")}`
  const path = Option.getOrElse(found, () => isGroup ? name : "")
  return `${problem} (for help, run '${[program, path].filter((part) => part !== "").join(" ")} --help')`
}
