/**
 * Options that may be repeated. The parser ignores such an option without a word if its value is empty or missing, as in
 * `--verify-jwt "$UNSET"`, which would leave tokens unverified.
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
  "--verify-jwt-client"
]

/**
 * The first of them that has no value.
 *
 * @internal
 */
export const withoutValue = (argv: ReadonlyArray<string>): Option.Option<string> => {
  const args = Arr.takeWhile(argv, (arg) => arg !== "--")
  return Arr.findFirst(args, (arg, index) => names.includes(arg) && (args[index + 1] ?? "").trim() === "")
}
