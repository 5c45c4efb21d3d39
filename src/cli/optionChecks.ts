/** Checks of options that the parser does not have. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import type { DeclaredOption } from "./helpDoc.js"

type Declared = ReadonlyArray<Pick<DeclaredOption, "name" | "isRepeated">>

const isEmpty = (text: string | undefined) => (text ?? "").trim() === ""

/**
 * Finds the first repeatable option without a value. The parser silently ignores it, as in `--verify-jwt "$UNSET"`, and
 * tokens would not be verified.
 */
export const withoutValue = (options: Declared, args: ReadonlyArray<string>): Option.Option<string> => {
  const names = options.filter(({ isRepeated }) => isRepeated).map(({ name }) => name)
  const given = Arr.takeWhile(args, (arg) => arg !== "--")
  return Option.fromNullable(
    names.find((name) =>
      given.some((arg, index) =>
        arg === name ? isEmpty(given[index + 1]) : arg.startsWith(`${name}=`) && isEmpty(arg.slice(name.length + 1))
      )
    )
  )
}

/** Finds the first option that is given more than once and may not be. The parser reports another option instead. */
export const duplicate = (options: Declared, args: ReadonlyArray<string>): Option.Option<string> => {
  const names = Arr.takeWhile(args, (arg) => arg !== "--").map((arg) => arg.split("=")[0])
  return Option.fromNullable(
    options.find(({ isRepeated, name }) => !isRepeated && names.indexOf(name) !== names.lastIndexOf(name))?.name
  )
}

// The parser has them for every command. `--completions` is not for subcommands, and only `serve` has a log level.
const builtIns = ["--completions", "--log-level", "--wizard"]

/** Finds the first option of the parser that the command does not declare. */
export const undeclared = (options: Declared, args: ReadonlyArray<string>): Option.Option<string> =>
  Option.fromNullable(
    Arr.takeWhile(args, (arg) => arg !== "--")
      .map((arg) => arg.split("=")[0] ?? arg)
      .find((arg) => builtIns.includes(arg) && !options.some(({ name }) => name === arg))
  )
