/** Schema of a seed: workload identities, credential providers of all kinds, their issuers, and external secrets. */
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { operations } from "../../IdentityApi.js"
import { expectedText, fromText } from "../model/issuerChoice.js"
import { problems } from "./wholeJson.js"

/** The lists of resources, in the order in which they are created. */
export const lists = [
  "workloadIdentities",
  "oauth2CredentialProviders",
  "apiKeyCredentialProviders",
  "paymentCredentialProviders"
] as const

const Issuer = Schema.String.pipe(Schema.filter((text) => Option.isSome(fromText(text)) || `expected ${expectedText}`))

const Members = Schema.Struct({
  workloadIdentities: Schema.optional(Schema.Array(operations.createWorkloadIdentity.request)),
  oauth2CredentialProviders: Schema.optional(Schema.Array(operations.createOauth2CredentialProvider.request)),
  apiKeyCredentialProviders: Schema.optional(Schema.Array(operations.createApiKeyCredentialProvider.request)),
  paymentCredentialProviders: Schema.optional(Schema.Array(operations.createPaymentCredentialProvider.request)),
  issuers: Schema.optional(Schema.Record({ key: Schema.String, value: Issuer })),
  secrets: Schema.optional(
    Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
  )
})

interface Named {
  readonly name: string
}

/** Finds repeated names in a list. Without this check, the second item would count as an existing resource. */
const repeatedNames = (seed: typeof Members.Type): ReadonlyArray<Schema.FilterIssue> =>
  lists.flatMap((member) => {
    const items: ReadonlyArray<Named> = seed[member] ?? []
    const places = new Map<string, number>()
    return items.flatMap(({ name }, index) => {
      const first = places.get(name)
      if (first === undefined) places.set(name, index)
      return first === undefined
        ? []
        : [{
          path: [member, index, "name"],
          message: `Member must be unique: ${member}[${first}] has the same name`
        }]
    })
  })

/** A seed whose members are still to be checked. */
const Whole = Schema.declare(
  (input): input is typeof Members.Encoded => Predicate.isReadonlyRecord(input),
  { title: "a structure" }
).pipe(Schema.filter(problems))

/** @internal */
export const Seed = Schema.transform(Whole, Members, { strict: true, decode: identity, encode: identity }).pipe(
  Schema.filter(repeatedNames)
)

/** @internal */
export type Seed = typeof Seed.Type
