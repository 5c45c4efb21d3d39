/**
 * The option `--quota` of `serve`.
 */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as Struct from "effect/Struct"
import { isQuota, type QuotaName, quotas } from "../internal/emulator/state/quotas.js"
import type * as MemoryIdentity from "../MemoryIdentity.js"
import { type CommandFailed, usageInvalid } from "./output.js"

const names: ReadonlyArray<readonly [argument: string, name: QuotaName]> = Struct.keys(quotas).map((name) => [
  quotas[name].argument,
  name
])

const expected = `expected NAME=N, NAME being one of ${names.map(([argument]) => argument).join(", ")}`

/**
 * The help text.
 *
 * @internal
 */
export const description = `how many of a kind may exist: ${
  Record.values(quotas).map(({ argument, defaultValue }) => `${argument} (default: ${defaultValue})`).join(", ")
}; repeat for more`

const parse = (text: string): Effect.Effect<readonly [QuotaName, number], CommandFailed> => {
  const [, argument = "", digits] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  const found = names.find(([one]) => one === argument)
  if (found === undefined || digits === undefined) return usageInvalid(`--quota: ${expected}, got ${text}`)
  const value = /^\d+$/.test(digits) ? Number(digits) : NaN
  return isQuota(value)
    ? Effect.succeed([found[1], value])
    : usageInvalid(`--quota: expected ${argument}=N, N being a whole number, 0 or more, got ${text}`)
}

/**
 * The quotas that are given as `NAME=N`; the last one counts if a name is repeated.
 *
 * @internal
 */
export const fromText = (given: ReadonlyArray<string>): Effect.Effect<MemoryIdentity.Quotas, CommandFailed> =>
  Effect.map(Effect.forEach(given, parse), Record.fromEntries)
