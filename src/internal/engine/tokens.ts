/** The tokens that are had at once: for the machine itself, and in exchange for the JWT of a user. */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Method } from "../../IdentityApi.js"
import { ValidationError } from "../../IdentityError.js"
import * as choices from "./choices.js"
import { client, current, type Party, party, type TokenRequest } from "./clients.js"
import type { Core } from "./core.js"
import * as federation from "./federation.js"
import type { IssuedToken } from "./issuer.js"
import { type MachineTokenKey, target } from "./state.js"

const operation = "GetResourceOauth2Token"

/** @internal */
export const make = (core: Core): Method<"getResourceOauth2Token"> => {
  const machine = machineToken(core)
  const user = federation.make(core)
  const exchange = exchangedToken(core)
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

const machineToken = (core: Core) =>
  Effect.fnUntraced(function*(request: TokenRequest) {
    const wanted = target(request)
    const next = yield* core.read((state, now) =>
      Either.gen(function*() {
        const { identity, provider } = yield* party(operation, state, now, request)
        const key = machineTokenKey({ identity, provider }, request)
        const cached = HashMap.get(state.machineTokens, key).pipe(
          Option.filter(({ expiresAt }) => DateTime.lessThan(now, expiresAt))
        )
        return Option.isSome(cached)
          ? { _tag: "Cached" as const, accessToken: cached.value.accessToken }
          : { _tag: "Ask" as const, key, client: yield* client(operation, state, provider) }
      })
    )
    if (next._tag === "Cached") return { accessToken: next.accessToken }

    const { customParameters } = request
    const issued = yield* core.issuer.machine(next.client, { target: wanted, customParameters }).pipe(
      Effect.mapError(() => choices.retrievalFailed(operation))
    )
    yield* core.change((state, now) =>
      current(state, request, next.client.provider)
        ? {
          ...state,
          machineTokens: HashMap.set(
            HashMap.filter(state.machineTokens, ({ expiresAt }) => DateTime.lessThan(now, expiresAt)),
            next.key,
            stored(issued, now)
          )
        }
        : state
    )
    return { accessToken: issued.accessToken }
  })

const machineTokenKey = ({ identity, provider }: Party, request: TokenRequest): MachineTokenKey =>
  Data.struct({ workloadName: identity.workloadName, providerName: provider.name, target: target(request) })

const stored = ({ accessToken, expiresIn }: IssuedToken, now: DateTime.Utc) => ({
  accessToken,
  expiresAt: DateTime.add(now, { seconds: expiresIn })
})

/** Asked for anew each time, and never stored. */
const exchangedToken = (core: Core) =>
  Effect.fnUntraced(function*(request: TokenRequest) {
    const exchange = yield* core.read((state, now) =>
      Either.gen(function*() {
        const { identity: { user }, provider } = yield* party(operation, state, now, request)
        if (user?.kind !== "jwt") return yield* Either.left(choices.userTokenMissing(operation))
        if (provider.onBehalfOf === undefined) return yield* Either.left(choices.exchangeNotConfigured(operation))
        if (provider.onBehalfOf.tokenExchangeGrantTypeConfig?.actorTokenContent === "AWS_IAM_ID_TOKEN_JWT") {
          return yield* Either.left(choices.noTokenService(operation))
        }
        return { userToken: user.token, client: yield* client(operation, state, provider) }
      })
    )
    const { accessToken } = yield* core.issuer.onBehalfOf(exchange.client, {
      target: target(request),
      customParameters: request.customParameters,
      userToken: exchange.userToken
    }).pipe(
      Effect.mapError(({ status }) =>
        new ValidationError({ operation, message: `Token exchange failed with HTTP status ${status}` })
      )
    )
    return { accessToken }
  })
