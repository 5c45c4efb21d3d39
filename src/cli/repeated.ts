/**
 * Options that may be repeated. The parser silently ignores such an option if its value is empty or missing, as in
 * `--verify-jwt "$UNSET"`, and tokens would not be verified.
 */
import * as Arr from "effect/Array"
import type * as Option from "effect/Option"

const names = [
  "--allowed-host",
  "--audience",
  "--ca",
  "--issuer",
  "--issuer-host",
  "--quota",
  "--resource",
  "--return-url",
  "--scope",
  "--verify-jwt",
  "--verify-jwt-client",
  "--verify-jwt-issuer"
]

/** Finds the first repeatable option without a value. */
export const withoutValue = (argv: ReadonlyArray<string>): Option.Option<string> => {
  const args = Arr.takeWhile(argv, (arg) => arg !== "--")
  return Arr.findFirst(args, (arg, index) => names.includes(arg) && (args[index + 1] ?? "").trim() === "")
}
