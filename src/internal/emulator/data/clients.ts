/** The caller and the OAuth2 client of a token request. */
import type * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Reply, Request } from "../../../IdentityApi.js"
import type { ResourceNotFound, Unauthorized, ValidationError } from "../../../IdentityError.js"
import { findOauth2Provider } from "../control/oauth2Providers.js"
import { resolveSecret } from "../control/providers.js"
import { discoveryOf, isLocal, keyArnOf } from "../state/endpoints.js"
import { type Client, type Issuer, simulated } from "../state/issuer.js"
import type { Oauth2Provider, OperationName, State, WorkloadToken } from "../state/state.js"
import type { Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { authorize } from "./workloadTokens.js"

/** @internal */
export type TokenRequest = Request<"getResourceOauth2Token">

/** @internal */
export type TokenReply = Reply<"getResourceOauth2Token">

/** @internal */
export interface Caller {
  readonly identity: WorkloadToken
  readonly provider: Oauth2Provider
}

/** @internal */
export const findCaller = (
  operation: OperationName,
  state: State,
  now: DateTime.Utc,
  request: TokenRequest
): Either.Either<Caller, Unauthorized | ResourceNotFound> =>
  Either.flatMap(
    authorize(operation, state, now, request.workloadIdentityToken),
    (identity) =>
      Either.map(
        findOauth2Provider(operation, state, request.resourceCredentialProviderName),
        (provider) => ({ identity, provider })
      )
  )

/**
 * The issuer of a provider: the chosen one. Without a choice it is the vendor if its endpoints are on this machine, and
 * otherwise the simulated issuer.
 */
export const issuerOf = (
  { issuers: { federated } }: Store,
  state: State,
  { config, name }: Oauth2Provider
): Pick<Client, "issuer" | "discovery"> => {
  const configured = discoveryOf(config)
  const choice = Option.getOrUndefined(Table.get(state.issuers, name))
  const isFederated = choice === undefined ? isLocal(configured) : choice !== "simulated"
  const issuer: Issuer = federated !== undefined && isFederated ? federated : simulated
  return { issuer, discovery: typeof choice === "object" ? choice : configured }
}

/** @internal */
export const clientOf = (
  store: Store,
  operation: OperationName,
  state: State,
  provider: Oauth2Provider
): Either.Either<Client, ValidationError> =>
  Either.map(resolveSecret(operation, state, provider.clientSecret), (secret) => ({
    provider,
    secret,
    privateKey: Option.getOrUndefined(Option.flatMap(
      Option.fromNullable(keyArnOf(provider.config)),
      (arn) => Table.get(state.secrets, arn)
    )),
    ...issuerOf(store, state, provider)
  }))

/**
 * Checks that the result of `request` may be stored: its workload identity was not deleted, and its provider was not
 * changed, during the request to the vendor.
 */
export const isUnchanged = (state: State, request: TokenRequest, provider: Oauth2Provider): boolean =>
  Table.has(state.workloadTokens, Redacted.value(request.workloadIdentityToken)) &&
  Option.contains(Table.get(state.oauth2Providers, provider.name), provider)
