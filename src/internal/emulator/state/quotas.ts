/** How many resources of a kind an account may have: AWS's default quotas, which are adjustable. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Record from "effect/Record"

/**
 * Each quota by the name of its option: AWS's default, what it counts, and its name on the command line.
 *
 * @internal
 */
export const quotas = {
  workloadIdentities: { standard: 11_000, counts: "workload identities", argument: "workload-identities" },
  oauth2Providers: { standard: 50, counts: "OAuth2 credential providers", argument: "oauth2-providers" },
  apiKeyProviders: { standard: 50, counts: "API key credential providers", argument: "api-key-providers" },
  paymentProviders: { standard: 50, counts: "payment credential providers", argument: "payment-providers" }
} as const

/** @internal */
export type QuotaName = keyof typeof quotas

/** @internal */
export type Quotas = { readonly [Name in QuotaName]: number }

/**
 * The given quotas, and AWS's default for the others.
 *
 * @internal
 */
export const make = (given: { readonly [Name in QuotaName]?: number | undefined } = {}): Quotas =>
  Record.map(quotas, ({ standard }, name) => given[name] ?? standard)

/**
 * Whether a number can be a quota.
 *
 * @internal
 */
export const isQuota = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/**
 * Dies if a quota is not a whole number.
 *
 * @internal
 */
export const validate = (given: Quotas): Effect.Effect<void> =>
  Option.match(Record.findFirst(given, (value) => !isQuota(value)), {
    onNone: () => Effect.void,
    onSome: ([name, value]) =>
      Effect.dieMessage(`MemoryIdentity: the option quotas.${name} must be a whole number, 0 or more, got ${value}`)
  })

/**
 * Why one more is refused, if the quota is reached. Counting takes the same time however many there are.
 *
 * @internal
 */
export const reached = <A>(
  given: Quotas,
  name: QuotaName,
  entries: HashMap.HashMap<string, A>
): Option.Option<string> => {
  const { argument, counts } = quotas[name]
  return HashMap.size(entries) < given[name]
    ? Option.none()
    : Option.some(
      `The account has reached its quota of ${given[name]} ${counts}: ` +
        `raise it with the option \`quotas.${name}\`, or \`serve --quota ${argument}=N\``
    )
}
