import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Logger, Ref } from "effect"
import { ProviderError } from "../src/internal/emulator/state/issuer.js"
import { reported } from "../src/internal/emulator/state/providerFailures.js"
import * as state from "../src/internal/emulator/state/state.js"
import { inMemory } from "../src/internal/emulator/state/store.js"
import { assertEqual } from "./support/equality.js"

it.effect("a failure of a provider is recorded and logged with at most 1,000 characters of its error and description", () =>
  Effect.gen(function*() {
    const ref = yield* Ref.make(state.empty(DateTime.unsafeMake(0)))
    const lines: Array<string> = []
    const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => lines.push(String(message))))
    const failed = new ProviderError({
      step: "token",
      reason: "Refused",
      error: "e".repeat(1_000),
      description: "d".repeat(100_000)
    })
    const caught = yield* reported({ diagnostics: inMemory(ref).modifyDiagnostics }, "github")(failed).pipe(
      Effect.flip,
      Effect.provide(logger)
    )
    assert.strictEqual(caught, failed)
    const [recorded] = (yield* Ref.get(ref)).providerFailures
    assertEqual([recorded?.error, recorded?.description], ["e".repeat(1_000), `${"d".repeat(1_000)}…`])
    assert.lengthOf(lines, 1)
    assert.isBelow(lines[0]?.length ?? Infinity, 2_100)
  }))
