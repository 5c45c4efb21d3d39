/** What the three kinds of credential providers share: names, quotas and secrets. */
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Conflict, ServiceQuotaExceeded, type ValidationError } from "../../../IdentityError.js"
import { fieldError } from "../../model/validation.js"
import { externalSecretArn, managedSecretArn, type ProviderKind, type Settings } from "../state/arns.js"
import * as choices from "../state/assumptions.js"
import * as quotas from "../state/quotas.js"
import type { OperationName, Secret, State } from "../state/state.js"
import { find } from "../state/store.js"

const what = { oauth2: "OAuth2", apikey: "API key", payment: "Payment" }

const quotaOf = { oauth2: "oauth2Providers", apikey: "apiKeyProviders", payment: "paymentProviders" } as const

/** @internal */
export const findProvider = <A>(
  operation: OperationName,
  kind: ProviderKind,
  providers: HashMap.HashMap<string, A>,
  name: string
) => find(operation, `${what[kind]} credential provider`, providers, name)

/**
 * Whether there is room for one more provider of this name.
 *
 * @internal
 */
export const ensureAvailable = <A>(
  settings: Settings,
  operation: OperationName,
  kind: ProviderKind,
  providers: HashMap.HashMap<string, A>,
  name: string
): Either.Either<void, Conflict | ServiceQuotaExceeded> =>
  HashMap.has(providers, name)
    ? Either.left(new Conflict({ operation, message: `${what[kind]} credential provider '${name}' already exists` }))
    : Option.match(quotas.reached(settings.quotas, quotaOf[kind], providers), {
      onNone: () => Either.void,
      onSome: (message) => Either.left(new ServiceQuotaExceeded({ operation, message }))
    })

/**
 * Where a secret is to lie: the members of a request that say so, whatever their names.
 *
 * @internal
 */
export interface SecretInput {
  /** The path of the secret itself, and of the reference to one of the caller's own. */
  readonly member: string
  readonly configMember: string
  readonly value: Redacted.Redacted | undefined
  readonly config: { readonly secretId: string; readonly jsonKey: string } | undefined
  readonly source: "MANAGED" | "EXTERNAL" | undefined
  /** Whether a managed secret has to be given. */
  readonly required: boolean
}

/** @internal */
export interface SecretOwner {
  readonly operation: OperationName
  readonly settings: Settings
  readonly kind: ProviderKind
  readonly name: string
  /** The random end of the managed secret's ARN. */
  readonly suffix: string
}

/** @internal */
export const secret = (
  { kind, name, operation, settings, suffix }: SecretOwner,
  { config, configMember, member, required, source, value }: SecretInput
): Either.Either<Secret, ValidationError> => {
  if (source !== "EXTERNAL") {
    return required && value === undefined
      ? Either.left(fieldError(operation, { name: member, message: "Member must not be null" }))
      : Either.right({ source: "MANAGED", arn: managedSecretArn(settings, kind, name, suffix), value })
  }
  if (value !== undefined) {
    return Either.left(fieldError(operation, { name: member, message: "Member must be null for an EXTERNAL secret" }))
  }
  return config === undefined
    ? Either.left(
      fieldError(operation, {
        name: configMember,
        message: "Member must not be null for an EXTERNAL secret"
      })
    )
    : Either.right({ source: "EXTERNAL", arn: externalSecretArn(settings, config.secretId), ...config })
}

/** @internal */
export const jsonKey = (secret: Secret): string | undefined => secret.source === "EXTERNAL" ? secret.jsonKey : undefined

const Json = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/**
 * The secret itself, wherever it lies. Whether a secret of the caller's own exists shows only here.
 *
 * @internal
 */
export const resolveSecret = (
  operation: OperationName,
  state: State,
  secret: Secret
): Either.Either<Redacted.Redacted | undefined, ValidationError> =>
  secret.source === "MANAGED"
    ? Either.right(secret.value)
    : HashMap.get(state.secrets, secret.secretId).pipe(
      Option.orElse(() => HashMap.get(state.secrets, secret.arn)),
      Option.flatMap((json) => Schema.decodeOption(Json)(Redacted.value(json))),
      Option.flatMap(Record.get(secret.jsonKey)),
      Option.filter(Predicate.isString),
      Option.map((value) => Redacted.make(value)),
      Either.fromOption(() => choices.retrievalFailed(operation))
    )
