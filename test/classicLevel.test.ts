import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { afterEach, vi } from "vitest"
import * as classicLevel from "../src/internal/emulator/persistence/classicLevel.js"

/** The error that the package throws when it is used. */
const broken = vi.hoisted((): { error: unknown } => ({ error: undefined }))

vi.mock("classic-level", () => ({
  get ClassicLevel() {
    if (broken.error !== undefined) throw broken.error
    return "the class"
  }
}))

afterEach(() => {
  broken.error = undefined
})

const install = "install it with 'npm install classic-level@3'"

describe("the package of the database", () => {
  it.effect("is loaded with its class", () =>
    Effect.gen(function*() {
      assert.strictEqual<unknown>(yield* classicLevel.load, "the class")
    }))

  const failures: ReadonlyArray<readonly [title: string, error: unknown, what: string]> = [
    [
      "cannot be imported",
      Object.assign(new Error("Cannot find package 'classic-level'"), { code: "ERR_MODULE_NOT_FOUND" }),
      "is not installed"
    ],
    [
      "cannot be required",
      Object.assign(new Error("Cannot find module 'classic-level'"), { code: "MODULE_NOT_FOUND" }),
      "is not installed"
    ],
    [
      "has no build for this machine",
      Object.assign(new Error("No native build was found\n  loaded from: /app"), { code: "ERR_DLOPEN_FAILED" }),
      "cannot be loaded (No native build was found)"
    ],
    ["throws an error without a code", new Error("broken"), "cannot be loaded (broken)"],
    ["throws something else", "a text\nof two lines", "cannot be loaded (a text)"]
  ]
  for (const [title, error, what] of failures) {
    it.effect(`that ${title} is reported with the command that installs it`, () =>
      Effect.gen(function*() {
        broken.error = error
        const { cause, message } = yield* Effect.flip(classicLevel.load)
        assert.strictEqual(message, `the package 'classic-level' ${what}; ${install}`)
        assert.strictEqual(cause, error)
      }))
  }
})
