import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, FastCheck, Redacted, Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import * as Logging from "../src/cli/logging.js"
import * as Output from "../src/cli/output.js"
import { escapeText, isPrintable, toJson } from "../src/cli/printable.js"
import * as IdentityError from "../src/IdentityError.js"
import { assertEqual } from "./support/equality.js"

/** Ranges that a terminal interprets or does not show. */
const forbidden: ReadonlyArray<readonly [first: number, last: number]> = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f]
]

const isForbidden = (code: number) => forbidden.some(([first, last]) => first <= code && code <= last)

const forbiddenIn = (text: string) => Array.from(text).filter((character) => isForbidden(character.codePointAt(0) ?? 0))

const hostile = FastCheck.oneof(
  ...forbidden.map(([first, last]) =>
    FastCheck.integer({ min: first, max: last }).map((code) => String.fromCodePoint(code))
  )
)

const texts = FastCheck.array(FastCheck.oneof(hostile, FastCheck.string({ unit: "binary" })), { maxLength: 8 }).map((
  parts
) => parts.join(""))

/** What an effect prints, on both streams. */
const printed = <E>(effect: Effect.Effect<unknown, E>) =>
  Effect.gen(function*() {
    const parts: Array<string> = []
    const console = yield* Console.consoleWith(Effect.succeed)
    const push = (...values: ReadonlyArray<unknown>) => {
      parts.push(values.join(" "))
    }
    const record = (...values: ReadonlyArray<unknown>) => Effect.sync(() => push(...values))
    const recorder = { ...console, log: record, error: record, unsafe: { ...console.unsafe, log: push, error: push } }
    yield* Effect.ignore(Effect.withConsole(effect, recorder))
    return parts
  })

describe("the output of the command", () => {
  it("escapes each character that a terminal interprets or does not show", () => {
    for (const [first, last] of forbidden) {
      for (const code of [first, last]) {
        const character = String.fromCodePoint(code)
        assert.isFalse(isPrintable(character), code.toString(16))
        assert.strictEqual(escapeText(`a${character}b`), `a\\u{${code.toString(16).toUpperCase()}}b`)
        assertEqual(JSON.parse(toJson({ [character]: character })), { [character]: character })
        assertEqual(forbiddenIn(toJson(character)), [])
      }
    }
  })

  it("leaves printable text as it is", () => {
    for (
      const text of ["ada", "my-agent_1", "Łódź", "日本語", "🙂", "https://a.example/?a=%1b&b=\\u{1b}", "a b\u00a0c"]
    ) {
      assert.isTrue(isPrintable(text), text)
      assert.strictEqual(escapeText(text), text)
      assert.strictEqual(toJson(text), JSON.stringify(text))
    }
  })

  it.prop("prints no such character in lines, tables, values, errors and notes", [texts], ([text]) => {
    const error = new IdentityError.ResourceNotFound({ operation: text, message: text })
    const outputs = Effect.runSync(printed(
      Effect.all([
        Output.lines([text]),
        Output.table([text], [[text]]),
        Output.note(text),
        Output.value(false, Schema.Struct({ [text]: Schema.String }), { [text]: text }),
        Output.done(false, {}, text),
        Output.report(false, error),
        Output.report(false, Output.usageInvalid(text))
      ])
    ))
    assert.lengthOf(outputs, 7)
    for (const output of outputs) assertEqual(forbiddenIn(output.replaceAll("\n", "")), [], JSON.stringify(output))
    for (const output of outputs.slice(2)) assert.notInclude(output, "\n")
  })

  it.prop("prints JSON that is equal to the value and contains no such character", [texts], ([text]) => {
    const error = new IdentityError.ResourceNotFound({ operation: "GetTokenVault", message: text })
    const outputs = Effect.runSync(printed(
      Effect.all([
        Output.json({ value: text }),
        Output.value(true, Schema.Struct({ value: Schema.String }), { value: text }),
        Output.done(true, { value: text }, "done"),
        Output.secret(true, "value", Redacted.make(text)),
        Output.report(true, error)
      ])
    ))
    for (const output of outputs) assertEqual(forbiddenIn(output), [])
    for (const output of outputs.slice(0, 4)) assertEqual(JSON.parse(output), { value: text })
    assert.strictEqual(JSON.parse(outputs[4] ?? "").message, text)
  })

  for (const json of [false, true]) {
    it.prop(`writes no such character to the log${json ? " as JSON" : ""}`, [texts], ([text]) => {
      const outputs = Effect.runSync(printed(
        Effect.logInfo({ event: "Operation", fields: { user: text } }).pipe(
          Effect.zipRight(Effect.logInfo(text)),
          Effect.provide(Logging.layer(json))
        )
      ))
      assert.lengthOf(outputs, 2)
      for (const output of outputs) assertEqual(forbiddenIn(output), [])
      if (json) {
        assert.strictEqual(JSON.parse(outputs[0] ?? "").user, text)
        assert.strictEqual(JSON.parse(outputs[1] ?? "").message, text)
      }
    })
  }

  it("prints a credential exactly, or rejects it and names --json", () => {
    const exact = "a.b-c_d~e+f/g="
    assertEqual(Effect.runSync(printed(Output.secret(false, "accessToken", Redacted.make(exact)))), [exact])
    for (const text of ["a\u001b[31m", "a\nb", "a\u200bb", "a\u202eb"]) {
      const [message = ""] = Effect.runSync(
        printed(
          Effect.catchAll(
            Output.secret(false, "accessToken", Redacted.make(text)),
            (error) => Output.report(false, error)
          )
        )
      )
      assert.match(message, /^SecretUnprintable: accessToken contains .*: use --json, which escapes it$/)
      assert.notInclude(message, "31m")
    }
  })

  it("is written by one module", () => {
    const folder = new URL("../src/cli/", import.meta.url)
    const printing = readdirSync(folder).filter((file) => {
      const source = readFileSync(new URL(file, folder), "utf8")
      return /\bConsole\.(?:log|error|info|warn|debug)\b|process\.std(?:out|err)\.write|consoleWith\(\(console\) => console/
        .test(source)
    })
    // The other one reports that the output cannot be written, by the code of Node.
    assertEqual(printing, ["output.ts", "outputErrors.ts"])
  })
})
