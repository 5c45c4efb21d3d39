/** Quotas of the account: the largest number of resources of each kind. AWS's defaults are adjustable. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Table from "./table.js"

/** The quotas by the name of their option: AWS's default, the resources they limit, and their name on the command line. */
export const quotas = {
  workloadIdentities: { defaultValue: 11_000, resources: "workload identities", argument: "workload-identities" },
  oauth2Providers: { defaultValue: 50, resources: "OAuth2 credential providers", argument: "oauth2-providers" },
  apiKeyProviders: { defaultValue: 50, resources: "API key credential providers", argument: "api-key-providers" },
  paymentProviders: { defaultValue: 50, resources: "payment credential providers", argument: "payment-providers" }
} as const

/** @internal */
export type QuotaName = keyof typeof quotas

/** @internal */
export type Quotas = { readonly [Name in QuotaName]: number }

/** Adds AWS's defaults to the given quotas. */
export const make = (given: { readonly [Name in QuotaName]?: number | undefined } = {}): Quotas =>
  Record.map(quotas, ({ defaultValue }, name) => given[name] ?? defaultValue)

/** Checks that a number can be a quota: whole, and 0 or more. */
export const isQuota = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/** Dies if a quota is not a whole number. */
export const validate = (given: Quotas): Effect.Effect<void> =>
  Option.match(Record.findFirst(given, (value) => !isQuota(value)), {
    onNone: () => Effect.void,
    onSome: ([name, value]) =>
      Effect.dieMessage(`MemoryIdentity: the option quotas.${name} must be a whole number, 0 or more, got ${value}`)
  })

/** The error message for one resource more, if the quota is reached. Takes constant time. */
export const exceededMessage = <A, Index extends string>(
  given: Quotas,
  name: QuotaName,
  entries: Table.Table<A, Index>
): Option.Option<string> => {
  const { argument, resources } = quotas[name]
  return Table.size(entries) < given[name]
    ? Option.none()
    : Option.some(
      `The account has reached its quota of ${given[name]} ${resources}: ` +
        `raise it with the option \`quotas.${name}\`, or \`serve --quota ${argument}=N\``
    )
}
