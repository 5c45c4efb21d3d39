/** Tokens that need no consent: machine tokens, and tokens exchanged for the JWT of a user. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Method } from "../../../IdentityApi.js"
import { ValidationError } from "../../../IdentityError.js"
import * as assumptions from "../state/assumptions.js"
import { type Client, type IssuedToken, simulated } from "../state/issuer.js"
import { reported } from "../state/providerFailures.js"
import type { Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { canonical, target } from "../state/target.js"
import { clientOf, findCaller, issuerOf, isUnchanged, type TokenRequest } from "./clients.js"
import * as userTokens from "./userTokens.js"

const operation = "GetResourceOauth2Token"

/** @internal */
export const make = (store: Store): Method<"getResourceOauth2Token"> => {
  const machine = machineToken(store)
  const user = userTokens.make(store)
  const exchange = exchangedToken(store)
  return (request) => {
    switch (request.oauth2Flow) {
      case "M2M":
        return machine(request)
      case "USER_FEDERATION":
        return user(request)
      case "ON_BEHALF_OF_TOKEN_EXCHANGE":
        return exchange(request)
    }
  }
}

type Next = Either.Either<
  | { readonly _tag: "Cached"; readonly accessToken: Redacted.Redacted }
  | { readonly _tag: "Request"; readonly key: string; readonly workloadName: string; readonly client: Client },
  ValidationError
>

const machineToken = (store: Store) =>
  Effect.fnUntraced(function*(request: TokenRequest) {
    const next = yield* store.read((state, now) =>
      Either.flatMap(findCaller(operation, state, now, request), ({ identity: { workloadName }, provider }): Next => {
        const key = machineTokenKey(workloadName, request)
        const cached = Table.get(state.machineTokens, key).pipe(
          Option.filter(({ expiresAt }) =>
            assumptions.usesStoredMachineToken(request) && DateTime.lessThan(now, expiresAt)
          )
        )
        return Option.isSome(cached)
          ? Either.right({ _tag: "Cached", accessToken: cached.value.accessToken })
          : Either.map(
            clientOf(store, operation, state, provider),
            (client) => ({ _tag: "Request", key, workloadName, client })
          )
      })
    )
    if (next._tag === "Cached") return { accessToken: next.accessToken }

    const { client, key, workloadName } = next
    const { customParameters } = request
    const { accessToken } = yield* client.issuer.machine(client, { target: target(request), customParameters }).pipe(
      reported(store, client.provider.name),
      Effect.tap((issued) =>
        store.change((state, now) =>
          isUnchanged(state, request, client.provider) && isSameIssuer(issuerOf(store, state, client.provider), client)
            ? {
              ...state,
              machineTokens: Table.set(
                Table.prune(state.machineTokens, now),
                key,
                cacheEntry(workloadName, request, issued, now)
              )
            }
            : state
        )
      ),
      (request) => store.singleFlight.run(`machine ${key} ${clientRevision(client)}`, request),
      Effect.mapError(() => assumptions.retrievalFailed(operation))
    )
    return { accessToken }
  })

/**
 * Identifies the issuer, the client and the revision of its provider, so that a call after an update does not join a request
 * from before it. Two updates can have the same time in milliseconds; the ARNs of their managed secrets differ.
 */
const clientRevision = ({ discovery, issuer, provider }: Client) =>
  JSON.stringify([
    issuer === simulated,
    discovery,
    assumptions.clientKey(provider),
    provider.clientSecret.arn,
    DateTime.toEpochMillis(provider.lastUpdatedTime)
  ])

const isSameIssuer = (now: Pick<Client, "issuer" | "discovery">, before: Client) =>
  now.issuer === before.issuer && JSON.stringify(now.discovery) === JSON.stringify(before.discovery)

// A string, because it is looked up on every request. The order of the scopes has no meaning.
const machineTokenKey = (workloadName: string, request: TokenRequest) =>
  JSON.stringify([
    workloadName,
    request.resourceCredentialProviderName,
    canonical(request.scopes),
    canonical(request.resources),
    canonical(request.audiences)
  ])

const cacheEntry = (
  workloadName: string,
  { resourceCredentialProviderName: providerName }: TokenRequest,
  { accessToken, expiresIn = 0 }: IssuedToken,
  now: DateTime.Utc
) => ({
  workloadName,
  providerName,
  accessToken,
  expiresAt: DateTime.add(now, { seconds: expiresIn - assumptions.refreshAhead(expiresIn) })
})

/** Requested each time, and never stored. */
const exchangedToken = (store: Store) =>
  Effect.fnUntraced(function*(request: TokenRequest) {
    const exchange = yield* store.read((state, now) =>
      Either.gen(function*() {
        const { identity: { user }, provider } = yield* findCaller(operation, state, now, request)
        if (user?.kind !== "jwt") return yield* Either.left(assumptions.userTokenMissing(operation))
        if (provider.onBehalfOf === undefined) return yield* Either.left(assumptions.exchangeNotConfigured(operation))
        if (provider.onBehalfOf.tokenExchangeGrantTypeConfig?.actorTokenContent === "AWS_IAM_ID_TOKEN_JWT") {
          return yield* Either.left(assumptions.actorTokenUnavailable(operation))
        }
        return { userToken: user.token, client: yield* clientOf(store, operation, state, provider) }
      })
    )
    const { client, userToken } = exchange
    const { accessToken } = yield* client.issuer.onBehalfOf(client, {
      target: target(request),
      customParameters: request.customParameters,
      userToken
    }).pipe(
      reported(store, client.provider.name),
      Effect.mapError(({ status, step }) =>
        status === undefined || step !== "exchange"
          ? assumptions.retrievalFailed(operation)
          : new ValidationError({ operation, message: `Token exchange failed with HTTP status ${status}` })
      )
    )
    return { accessToken }
  })
