/** Options whose errors name the option, the expected value and the actual value. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"

/** An option with a value that `parse` accepts. `undefined` rejects it. */
export const parsed = <A>(name: string, expected: string, parse: (text: string) => A | undefined): Options.Options<A> =>
  Options.text(name).pipe(Options.mapEffect((text) => {
    const value = parse(text)
    return value === undefined
      ? Effect.fail(ValidationError.invalidValue(HelpDoc.p(`--${name}: expected ${expected}, got '${text}'`)))
      : Effect.succeed(value)
  }))

/** An option with a number that `isValid` accepts. */
export const number = (name: string, expected: string, isValid: (value: number) => boolean): Options.Options<number> =>
  parsed(name, expected, (text) => text.trim() !== "" && isValid(Number(text)) ? Number(text) : undefined)

/** An option with one of these values. */
export const choice = <A>(
  name: string,
  choices: ReadonlyArray<readonly [text: string, value: A]>
): Options.Options<A> =>
  parsed(
    name,
    `one of ${choices.map(([text]) => text).join(", ")}`,
    (text) => choices.find(([choice]) => choice === text)?.[1]
  ).pipe(Options.withPseudoName(choices.map(([text]) => text).join(" | ")))
