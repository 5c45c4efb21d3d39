/** Credentials of AWS that are found wherever they appear, and every way in which a value is printed. */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { inspect } from "node:util"

/** Neither has the form of a real key, so that nothing but knowing them keeps them out. */
export const credentials = {
  accessKeyId: "CANARYACCESSKEYID",
  secretAccessKey: "canary/Secret+Access'Key(1)=",
  sessionToken: "canarySession/Token+with'everything!~*(2)==/" + "x".repeat(40)
}

const percent = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** A value as it is, in JSON, and percent-encoded in each way that is in use. */
export const spellings = (text: string): ReadonlyArray<string> => {
  const encoded = [encodeURIComponent(text), percent(text), new URLSearchParams({ "": text }).toString().slice(1)]
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    JSON.stringify(text).slice(1, -1).replaceAll("/", "\\/"),
    ...encoded,
    ...encoded.map((one) => one.replace(/%../g, (byte) => byte.toLowerCase()))
  ]
}

/** Every spelling of the credentials. It is computed at once, since the SDK adds a member to the object that it is given. */
export const credentialSpellings: ReadonlyArray<string> = Object.values(credentials).flatMap(spellings)

/** That no text contains one of the credentials, in any spelling. */
export const assertNoCredentials = (...texts: ReadonlyArray<string>) => {
  for (const text of texts) {
    assert.isFalse(
      credentialSpellings.some((spelling) => text.includes(spelling)),
      `a credential is printed in: ${text}`
    )
  }
}

/** Every way in which a value comes to be printed. */
export const printed = (value: unknown): ReadonlyArray<string> => [
  String(value),
  JSON.stringify(value) ?? "",
  inspect(value, { depth: null, showHidden: true }),
  ...(value instanceof Error ? [value.message, value.stack ?? "", Cause.pretty(Cause.fail(value))] : [])
]

/** The same for the end of an effect, with the causes of its errors. */
export const printedExit = <A, E>(exit: Exit.Exit<A, E>): ReadonlyArray<string> => [
  ...printed(exit),
  ...(Exit.isFailure(exit)
    ? [Cause.pretty(exit.cause, { renderErrorCause: true }), ...printed(Cause.squash(exit.cause))]
    : [])
]

/** The error of a call, in which there is no credential however it is printed. */
export const flip = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<E, A, R> =>
  Effect.tap(Effect.flip(call), (error) => Effect.sync(() => assertNoCredentials(...printedExit(Exit.fail(error)))))
