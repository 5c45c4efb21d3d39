/** The five operations of the three kinds of credential providers, and their secrets. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Conflict, ServiceQuotaExceeded, type ValidationError } from "../../../IdentityError.js"
import { fieldError } from "../../model/validation.js"
import { externalSecretArn, managedSecretArn, providerArn, type ProviderKind, type Settings } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import * as quotas from "../state/quotas.js"
import * as simulatedValues from "../state/simulatedValues.js"
import type { OperationName, Resource, Secret, State } from "../state/state.js"
import { find as findNamed, result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { page, type PageRequest } from "./paging.js"
import * as tags from "./tags.js"

const titles = { oauth2: "OAuth2", apikey: "API key", payment: "Payment" }

const quotaOf = { oauth2: "oauth2Providers", apikey: "apiKeyProviders", payment: "paymentProviders" } as const

/** @internal */
export const findProvider = <A>(
  operation: OperationName,
  kind: ProviderKind,
  providers: Table.Table<A>,
  name: string
) => findNamed(operation, `${titles[kind]} credential provider`, providers, name)

const ensureAvailable = <A>(
  { name, operation, settings }: SecretOwner,
  kind: ProviderKind,
  providers: Table.Table<A>
): Either.Either<void, Conflict | ServiceQuotaExceeded> =>
  Table.has(providers, name)
    ? Either.left(new Conflict({ operation, message: `${titles[kind]} credential provider '${name}' already exists` }))
    : Option.match(quotas.exceededMessage(settings.quotas, quotaOf[kind], providers), {
      onNone: () => Either.void,
      onSome: (message) => Either.left(new ServiceQuotaExceeded({ operation, message }))
    })

/** The differences between the kinds of providers. */
export interface Kind<Provider extends Resource, Fixed, Request extends { readonly name: string }, View, Vendor> {
  readonly kind: ProviderKind
  readonly maxResults: number
  readonly read: (state: State) => Table.Table<Provider>
  /** Replaces the providers. `before` is the provider that was updated to `after`, or deleted. */
  readonly write: (
    state: State,
    providers: Table.Table<Provider>,
    before?: Provider,
    after?: Provider
  ) => State
  /** Members that follow from the ARN and are never updated. */
  readonly fixed: (arn: string) => Effect.Effect<Fixed>
  readonly configure: (
    owner: SecretOwner,
    request: Request,
    base: Resource & Fixed
  ) => Either.Either<Provider, ValidationError>
  /** Members of a creation's reply, apart from name and ARN. */
  readonly view: (provider: Provider) => View
  /** Members of a list entry, apart from name, ARN and times. */
  readonly vendor: (provider: Provider) => Vendor
}

/** @internal */
export const make = <Provider extends Resource & Fixed, Fixed, Request extends { readonly name: string }, View, Vendor>(
  store: Store,
  { configure, fixed, kind, maxResults, read, vendor, view, write }: Kind<Provider, Fixed, Request, View, Vendor>
) => {
  const { settings } = store

  const ownerOf = (operation: OperationName, name: string): Effect.Effect<SecretOwner> =>
    Effect.map(simulatedValues.base62(12), (suffixes) => ({ operation, settings, kind, name, suffixes }))

  const created = (provider: Provider) => ({
    ...view(provider),
    name: provider.name,
    credentialProviderArn: provider.arn
  })

  const times = ({ createdTime, lastUpdatedTime }: Provider) => ({ createdTime, lastUpdatedTime })

  const describe = (provider: Provider) => ({ ...created(provider), ...vendor(provider), ...times(provider) })

  const find = (operation: OperationName, state: State, name: string) =>
    findProvider(operation, kind, read(state), name)

  return {
    describe,

    create: (operation: OperationName) =>
      Effect.fnUntraced(function*(request: Request & { readonly tags?: tags.Tags | undefined }) {
        const { name } = request
        const arn = providerArn(settings, kind, name)
        const members = yield* fixed(arn)
        const owner = yield* ownerOf(operation, name)
        return yield* store.decide((state, now) =>
          Either.gen(function*() {
            yield* ensureAvailable(owner, kind, read(state))
            const base = { ...members, name, arn, createdTime: now, lastUpdatedTime: now }
            const provider = yield* configure(owner, request, base)
            return result(created(provider), {
              ...write(state, Table.set(read(state), name, provider)),
              tags: tags.set(state.tags, arn, request.tags)
            })
          })
        )
      }),

    get: (operation: OperationName) => ({ name }: { readonly name: string }) =>
      store.read((state) => Either.map(find(operation, state, name), describe)),

    update: (operation: OperationName) =>
      Effect.fnUntraced(function*(request: Request) {
        const owner = yield* ownerOf(operation, request.name)
        return yield* store.decide((state, now) =>
          Either.gen(function*() {
            const before = yield* find(operation, state, request.name)
            const after = yield* configure(owner, request, { ...before, lastUpdatedTime: now })
            return result(
              describe(after),
              write(state, Table.set(read(state), request.name, after), before, after)
            )
          })
        )
      }),

    delete: (operation: OperationName) => ({ name }: { readonly name: string }) =>
      store.decide((state) =>
        Either.map(find(operation, state, name), (provider) =>
          result({}, {
            ...write(state, Table.remove(read(state), name), provider),
            ...tags.forget(state, provider.arn)
          }))
      ),

    list: (operation: OperationName) => (request: PageRequest) =>
      store.read((state) =>
        Either.map(page(operation, request, maxResults, read(state)), ({ items, nextToken }) => ({
          credentialProviders: items.map((provider) => ({
            name: provider.name,
            credentialProviderArn: provider.arn,
            ...vendor(provider),
            ...times(provider)
          })),
          nextToken
        }))
      )
  }
}

/** The members of a request that give a secret, under whatever names. */
export interface SecretInput {
  /** Path of the secret itself. */
  readonly member: string
  /** Path of the reference to a secret that the caller keeps in AWS Secrets Manager. */
  readonly configMember: string
  readonly value: Redacted.Redacted | undefined
  readonly config: { readonly secretId: string; readonly jsonKey: string } | undefined
  readonly source: "MANAGED" | "EXTERNAL" | undefined
  /** Rejects a managed secret without a value. */
  readonly required: boolean
}

/** @internal */
export interface SecretOwner {
  readonly operation: OperationName
  readonly settings: Settings
  readonly kind: ProviderKind
  readonly name: string
  /** Twelve random characters: the ends of the ARNs of two managed secrets. */
  readonly suffixes: string
}

/** A secret as it is stored. `index` distinguishes the secrets of one provider. */
export const secret = (
  { kind, name, operation, settings, suffixes }: SecretOwner,
  { config, configMember, member, required, source, value }: SecretInput,
  index: 0 | 1 = 0
): Either.Either<Secret, ValidationError> => {
  const invalid = (name: string, message: string) => Either.left(fieldError(operation, { name, message }))
  if (source !== "EXTERNAL") {
    const suffix = suffixes.slice(6 * index, 6 * index + 6)
    return required && value === undefined
      ? invalid(member, "Member must not be null")
      : Either.right({ source: "MANAGED", arn: managedSecretArn(settings, kind, name, suffix), value })
  }
  if (value !== undefined) return invalid(member, "Member must be null for an EXTERNAL secret")
  return config === undefined
    ? invalid(configMember, "Member must not be null for an EXTERNAL secret")
    : Either.right({ source: "EXTERNAL", arn: externalSecretArn(settings, config.secretId), ...config })
}

/** @internal */
export const jsonKey = (secret: Secret): string | undefined => secret.source === "EXTERNAL" ? secret.jsonKey : undefined

const Json = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** The value of a secret. A missing EXTERNAL secret is an error only here, when it is needed. */
export const resolveSecret = (
  operation: OperationName,
  state: State,
  secret: Secret
): Either.Either<Redacted.Redacted | undefined, ValidationError> =>
  secret.source === "MANAGED"
    ? Either.right(secret.value)
    : Table.get(state.secrets, secret.secretId).pipe(
      Option.orElse(() => Table.get(state.secrets, secret.arn)),
      Option.flatMap((json) => Schema.decodeOption(Json)(Redacted.value(json))),
      Option.flatMap(Record.get(secret.jsonKey)),
      Option.filter(Predicate.isString),
      Option.map((value) => Redacted.make(value)),
      Either.fromOption(() => assumptions.retrievalFailed(operation))
    )
