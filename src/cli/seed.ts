/** The seed file: workload identities, credential providers of all kinds, their issuers, and external secrets. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { IdentityApi, operations } from "../IdentityApi.js"
import { IdentityControls, type IssuerChoice } from "../IdentityControls.js"
import type { IdentityError, InvalidField } from "../IdentityError.js"
import { expectedText, fromText, toText } from "../internal/model/issuerChoice.js"
import * as Input from "./input.js"
import { CommandFailed } from "./output.js"

const Seed = Schema.Struct({
  workloadIdentities: Schema.optional(Schema.Array(operations.createWorkloadIdentity.request)),
  oauth2CredentialProviders: Schema.optional(Schema.Array(operations.createOauth2CredentialProvider.request)),
  apiKeyCredentialProviders: Schema.optional(Schema.Array(operations.createApiKeyCredentialProvider.request)),
  paymentCredentialProviders: Schema.optional(Schema.Array(operations.createPaymentCredentialProvider.request)),
  /** Keys are names of OAuth2 credential providers. */
  issuers: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
  secrets: Schema.optional(
    Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
  )
})

/** @internal */
export interface Seed extends Schema.Schema.Type<typeof Seed> {}

interface Named {
  readonly name: string
}

const lists = [
  "workloadIdentities",
  "oauth2CredentialProviders",
  "apiKeyCredentialProviders",
  "paymentCredentialProviders"
] as const

/** Parses the issuers. Fails at the first invalid one. */
const issuers = (
  prefix: string,
  seed: Seed
): Effect.Effect<ReadonlyArray<readonly [string, IssuerChoice]>, CommandFailed> =>
  Effect.forEach(
    Object.entries(seed.issuers ?? {}),
    ([name, text]) =>
      Effect.mapBoth(fromText(text), {
        onSuccess: (choice) => [name, choice] as const,
        onFailure: () =>
          new CommandFailed({ reason: "InputInvalid", message: `${prefix}issuers.${name}: expected ${expectedText}` })
      })
  )

/** Finds repeated names in a list. Without this check, the second item would count as an existing resource. */
const repeated = (seed: Seed): ReadonlyArray<InvalidField> =>
  lists.flatMap((member) => {
    const items: ReadonlyArray<Named> = seed[member] ?? []
    const places = new Map<string, number>()
    return items.flatMap(({ name }, index) => {
      const first = places.get(name)
      if (first === undefined) places.set(name, index)
      return first === undefined
        ? []
        : [{
          name: `${member}[${index}].name`,
          message: `Member must be unique: ${member}[${first}] has the same name`
        }]
    })
  })

/** @internal */
export const read = (path: string) =>
  Effect.flatMap(Input.json(path, Seed), (seed) => {
    const fieldList = repeated(seed)
    return fieldList.length === 0
      ? Effect.as(issuers(`${path}: `, seed), seed)
      : new CommandFailed({
        reason: "InputInvalid",
        message: `${path}: ${fieldList.map(({ message, name }) => `${name}: ${message}`).join("; ")}`,
        fieldList
      })
  })

/** Creates the resources that do not exist, and keeps those that exist. */
const createMissing = <A extends Named>(
  member: keyof Seed,
  items: ReadonlyArray<A> | undefined,
  get: (item: Named) => Effect.Effect<unknown, IdentityError>,
  create: (item: A) => Effect.Effect<unknown, IdentityError>
) =>
  Effect.forEach(items ?? [], (item, index) =>
    Effect.as(get({ name: item.name }), "kept").pipe(
      Effect.catchAll((error) =>
        error._tag === "ResourceNotFound" ? Effect.as(create(item), "created") : Effect.fail(error)
      ),
      Effect.mapError((error) =>
        new CommandFailed({
          reason: "SeedFailed",
          message: `${member}[${index}]: ${error._tag}: ${error.message}`
        })
      ),
      Effect.flatMap((outcome) => Effect.logInfo(`seed ${member} ${item.name}: ${outcome}`))
    ), { discard: true })

/** @internal */
export const apply = (seed: Seed): Effect.Effect<void, CommandFailed, IdentityApi | IdentityControls> =>
  Effect.gen(function*() {
    const api = yield* IdentityApi
    const controls = yield* IdentityControls
    yield* Effect.forEach(
      Object.entries(seed.secrets ?? {}),
      ([id, secret]) =>
        Effect.zipRight(
          controls.setSecret(id, Redacted.make(JSON.stringify(secret))),
          Effect.logInfo(`seed secrets ${id}: set`)
        ),
      { discard: true }
    )
    const { oauth2CredentialProviders: existing } = yield* controls.inventory
    for (const [name, choice] of yield* issuers("", seed)) {
      const isKept = existing.some((provider) => provider.name === name)
      if (!isKept) yield* controls.setIssuer(name, choice)
      yield* Effect.logInfo(`seed issuers ${name}: ${isKept ? "kept" : toText(choice)}`)
    }
    yield* createMissing(
      "workloadIdentities",
      seed.workloadIdentities,
      api.getWorkloadIdentity,
      api.createWorkloadIdentity
    )
    yield* createMissing(
      "oauth2CredentialProviders",
      seed.oauth2CredentialProviders,
      api.getOauth2CredentialProvider,
      api.createOauth2CredentialProvider
    )
    yield* createMissing(
      "apiKeyCredentialProviders",
      seed.apiKeyCredentialProviders,
      api.getApiKeyCredentialProvider,
      api.createApiKeyCredentialProvider
    )
    yield* createMissing(
      "paymentCredentialProviders",
      seed.paymentCredentialProviders,
      api.getPaymentCredentialProvider,
      api.createPaymentCredentialProvider
    )
  })
