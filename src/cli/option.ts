/** Options with a description and a default value. Errors name the option, the expected value and the actual value. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { quoted } from "./quoted.js"

/** The value of an option: its name in the help, the text that states which values are valid, and the parser. */
export interface Value<A> {
  readonly placeholder: string
  readonly expected: string
  /** Returns `undefined` for an invalid value. */
  readonly parse: (text: string) => A | undefined
}

const describe = (placeholder: string, about: string, status: string) => <A>(options: Options.Options<A>) =>
  options.pipe(Options.withPseudoName(placeholder), Options.withDescription(`${about} (${status})`))

/** An option that must be given. */
export const required = (name: string, placeholder: string, about: string): Options.Options<string> =>
  Options.text(name).pipe(describe(placeholder, about, "required"))

/** An option that may be absent. `otherwise` describes what applies then. */
export const optional = (
  name: string,
  placeholder: string,
  about: string,
  otherwise = "none"
): Options.Options<Option.Option<string>> =>
  Options.text(name).pipe(describe(placeholder, about, `default: ${otherwise}`), Options.optional)

/** An option that may be given more than once. */
export const repeated = (
  name: string,
  placeholder: string,
  about: string,
  otherwise = "none"
): Options.Options<Array<string>> =>
  Options.text(name).pipe(describe(placeholder, `${about}; may be repeated`, `default: ${otherwise}`), Options.repeated)

/** An option without a value. */
export const flag = (name: string, about: string): Options.Options<boolean> =>
  Options.boolean(name).pipe(Options.withDescription(`${about} (default: off)`))

const text = <A>(name: string, { expected, parse }: Value<A>): Options.Options<A> =>
  Options.text(name).pipe(Options.mapEffect((text) => {
    const value = parse(text)
    return value === undefined
      ? Effect.fail(ValidationError.invalidValue(HelpDoc.p(`--${name}: expected ${expected}, got ${quoted(text)}`)))
      : Effect.succeed(value)
  }))

/** An option with a value that is parsed, which must be given. */
export const requiredValue = <A>(name: string, value: Value<A>, about: string): Options.Options<A> =>
  text(name, value).pipe(describe(value.placeholder, about, "required"))

/** An option with a value that is parsed, which may be absent. */
export const optionalValue = <A>(
  name: string,
  value: Value<A>,
  about: string,
  otherwise: string
): Options.Options<Option.Option<A>> =>
  text(name, value).pipe(describe(value.placeholder, about, `default: ${otherwise}`), Options.optional)

/** An option with a value that is parsed, or this default. */
export const valueOr = <A extends string | number>(
  name: string,
  value: Value<A>,
  about: string,
  otherwise: A
): Options.Options<A> =>
  text(name, value).pipe(
    describe(value.placeholder, about, `default: ${otherwise}`),
    Options.withDefault(otherwise)
  )

/** A number that `isValid` accepts. */
export const number = (
  placeholder: string,
  expected: string,
  isValid: (value: number) => boolean
): Value<number> => ({
  placeholder,
  expected,
  parse: (text) => /^\d+(?:\.\d+)?$/.test(text) && isValid(Number(text)) ? Number(text) : undefined
})

/** One of these values. */
export const choice = <A>(choices: ReadonlyArray<readonly [text: string, value: A]>): Value<A> => ({
  placeholder: choices.map(([text]) => text).join("|"),
  expected: `one of ${choices.map(([text]) => text).join(", ")}`,
  parse: (text) => choices.find(([choice]) => choice === text)?.[1]
})
