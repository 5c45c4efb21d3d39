/** The option `--quota` of `serve`. */
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

const expected = `expected NAME=N, where NAME is one of ${names.map(([argument]) => argument).join(", ")}`

/** The description of the option. */
export const description = `the maximum number of resources of a kind: ${
  names.map(([argument]) => argument).join(", ")
}`

/** The quotas of AWS, as the default in the help. */
export const defaults = Record.values(quotas).map(({ argument, defaultValue }) => `${argument}=${defaultValue}`).join(
  " "
)

const parse = (text: string): Effect.Effect<readonly [QuotaName, number], CommandFailed> => {
  const [, argument = "", digits] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  const found = names.find(([one]) => one === argument)
  if (found === undefined || digits === undefined) return usageInvalid(`--quota: ${expected}, got ${text}`)
  const value = /^\d+$/.test(digits) ? Number(digits) : NaN
  return isQuota(value)
    ? Effect.succeed([found[1], value])
    : usageInvalid(`--quota: expected ${argument}=N, where N is a whole number of at least 0, got ${text}`)
}

/** Parses quotas in the form `NAME=N`. If a name is repeated, the last one applies. */
export const fromText = (given: ReadonlyArray<string>): Effect.Effect<MemoryIdentity.Quotas, CommandFailed> =>
  Effect.map(Effect.forEach(given, parse), Record.fromEntries)
