/**
 * Options that may be repeated. The parser silently ignores such an option if its value is empty or missing, as in
 * `--verify-jwt "$UNSET"`, and tokens would not be verified.
 */
import * as Arr from "effect/Array"
import type * as Option from "effect/Option"
import type { DeclaredOption } from "./helpDoc.js"

/** Finds the first repeatable option without a value. */
export const withoutValue = (
  options: ReadonlyArray<Pick<DeclaredOption, "name" | "isRepeated">>,
  args: ReadonlyArray<string>
): Option.Option<string> => {
  const names = options.filter(({ isRepeated }) => isRepeated).map(({ name }) => name)
  const given = Arr.takeWhile(args, (arg) => arg !== "--")
  return Arr.findFirst(given, (arg, index) => names.includes(arg) && (given[index + 1] ?? "").trim() === "")
}
