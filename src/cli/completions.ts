/** Completion scripts for shells, made from the declared options. The scripts of the parser are wrong for nested commands. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Entry } from "./help.js"
import { type Declared, type DeclaredOption, read } from "./helpDoc.js"

/** The names under which the package installs the command. */
const programs = ["agentcore-identity", "effect-agentcore-identity"]

/** @internal */
export const shells = ["bash", "sh", "zsh"] as const

/** @internal */
export type Shell = typeof shells[number]

/** The shell of `--completions SHELL`, or the message if it is invalid. `None` for other arguments. */
export const requested = (
  [first = "", ...rest]: ReadonlyArray<string>
): Option.Option<Either.Either<Shell, string>> => {
  const [name, ...value] = first.split("=")
  if (name !== "--completions") return Option.none()
  const [given, ...others] = value.length > 0 ? [value.join("="), ...rest] : rest
  const shell = shells.find((shell) => shell === given)
  return Option.some(
    shell === undefined
      ? Either.left(
        `--completions: expected one of ${shells.join(", ")}${given === undefined ? "" : `, got '${given}'`}`
      )
      : others[0] === undefined
      ? Either.right(shell)
      : Either.left(`unknown argument '${others[0]}'`)
  )
}

interface Node {
  /** The words before the completed one, such as `providers get`. */
  readonly path: string
  readonly words: ReadonlyArray<string>
  readonly options: ReadonlyArray<DeclaredOption>
}

const optionNames = (options: ReadonlyArray<DeclaredOption>) => [...options.map(({ name }) => name), "--help"]

const nodeOf = (path: string, { options }: Declared, subcommands: ReadonlyArray<Declared>): Node => ({
  path,
  words: subcommands.length > 0 ? [...subcommands.map(({ name }) => name), "--help"] : optionNames(options),
  options
})

const nodesOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<Node> => {
  const commands = entries.map(({ command, subcommands }) => ({
    declared: read(command),
    subcommands: subcommands.map(read)
  }))
  return [
    {
      path: "",
      words: [...commands.map(({ declared }) => declared.name), "--help", "--version", "--completions"],
      options: []
    },
    ...commands.flatMap(({ declared, subcommands }) => [
      nodeOf(declared.name, declared, subcommands),
      ...subcommands.map((child) => nodeOf(`${declared.name} ${child.name}`, child, []))
    ])
  ]
}

// `--kind oauth2|api-key`: the values that the option accepts. Other values are names in capitals.
const choicesOf = ({ usage }: DeclaredOption): ReadonlyArray<string> => {
  const value = usage.split(" ")[1] ?? ""
  return /^[a-z0-9-]+(?:\|[a-z0-9-]+)+$/.test(value) ? value.split("|") : []
}

const hasValue = ({ usage }: DeclaredOption) => usage.includes(" ")

const caseOf = (pattern: string, words: ReadonlyArray<string>) => `    "${pattern}") words="${words.join(" ")}" ;;`

// After an option with a value no word is completed, so that the shell completes the name of a file.
const valueCases = ({ options, path }: Node) =>
  options.filter(hasValue).map((option) => caseOf(`${path} ${option.name}`, choicesOf(option)))

/** The script for a shell. zsh runs that of bash. */
export const script = (entries: ReadonlyArray<Entry>, shell: Shell): ReadonlyArray<string> => {
  const nodes = nodesOf(entries)
  return [
    ...(shell === "zsh" ? [`#compdef ${programs.join(" ")}`, "autoload -U +X bashcompinit && bashcompinit", ""] : []),
    "_agentcore_identity() {",
    "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" path=\"\" words=\"\" i",
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    "    case \"${COMP_WORDS[i]}\" in",
    "      -*) break ;;",
    "      *) path=\"${path:+$path }${COMP_WORDS[i]}\" ;;",
    "    esac",
    "  done",
    "  case \"$path\" in",
    ...nodes.map(({ path, words }) => caseOf(path, words)),
    "  esac",
    "  case \"$path $previous\" in",
    caseOf(" --completions", shells),
    ...nodes.flatMap(valueCases),
    "  esac",
    "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))",
    "}",
    `complete -o default -F _agentcore_identity ${programs.join(" ")}`
  ]
}
