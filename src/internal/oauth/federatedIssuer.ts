/** The issuer that requests tokens from the authorization servers of the providers. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Client, Issuer } from "../emulator/state/issuer.js"
import type { CustomParameters } from "../emulator/state/state.js"
import { target } from "../emulator/state/target.js"
import * as authorization from "./authorizationCode.js"
import type { OutboundPolicy } from "./discovery.js"
import { targetParameters } from "./parameters.js"
import { presetOf } from "./preset.js"
import { misconfigured } from "./providerError.js"
import { tokenRequest } from "./tokenEndpoint.js"

const withParameters = (base: URLSearchParams, additional: { readonly [name: string]: string }): URLSearchParams => {
  const all = new URLSearchParams(base)
  for (const [name, value] of Object.entries(additional)) all.set(name, value)
  return all
}

const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`

/** Parameters that custom parameters must not replace. `subject_token_type` may be replaced. */
const reservedParameters = new Set([
  "actor_token",
  "actor_token_type",
  "assertion",
  "client_assertion",
  "client_assertion_type",
  "client_id",
  "client_secret",
  "grant_type",
  "subject_token"
])

const customValues = (parameters: CustomParameters): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.entries(parameters ?? {}).flatMap(([name, value]) =>
      reservedParameters.has(name) ? [] : [[name, Redacted.value(value)]]
    )
  )

/** @internal */
export const make = (policy: OutboundPolicy): Issuer => {
  const machine: Issuer["machine"] = (client, { target }) =>
    tokenRequest(policy, "token", client, "client_credentials", targetParameters(target))

  const actor = (client: Client) => {
    const { actorTokenContent, actorTokenScopes = [] } = client.provider.onBehalfOf?.tokenExchangeGrantTypeConfig ?? {}
    return actorTokenContent === "M2M"
      ? Effect.map(
        machine(client, { target: target({ scopes: actorTokenScopes }), customParameters: undefined }),
        ({ accessToken }) => ({
          actor_token: Redacted.value(accessToken),
          actor_token_type: tokenType("access_token")
        })
      )
      : Effect.succeed({})
  }

  return {
    machine,

    user: (client, { authorization, target }) =>
      authorization === undefined
        ? Effect.fail(
          misconfigured("token", "the user consented while the provider was simulated: request the consent again")
        )
        : tokenRequest(
          policy,
          "token",
          client,
          "authorization_code",
          withParameters(targetParameters({ ...target, scopes: [], audiences: [] }), {
            code: Redacted.value(authorization.code),
            redirect_uri: authorization.redirectUri ?? client.provider.callbackUrl,
            ...(presetOf(client.provider.vendor)?.pkce !== "omit" && {
              code_verifier: Redacted.value(authorization.codeVerifier)
            })
          })
        ),

    // Without scopes: the scopes of the grant apply, and not every vendor accepts repeated scopes.
    refresh: (client, { refreshToken, target }) =>
      tokenRequest(
        policy,
        "refresh",
        client,
        "refresh_token",
        withParameters(targetParameters({ ...target, scopes: [], audiences: [] }), {
          refresh_token: Redacted.value(refreshToken)
        })
      ),

    onBehalfOf: (client, { customParameters, target, userToken }) =>
      client.provider.onBehalfOf?.grantType === "JWT_AUTHORIZATION_GRANT"
        ? tokenRequest(
          policy,
          "exchange",
          client,
          jwtBearer,
          withParameters(targetParameters(target), {
            ...(client.provider.vendor === "MicrosoftOauth2" && { requested_token_use: "on_behalf_of" }),
            ...customValues(customParameters),
            assertion: Redacted.value(userToken)
          })
        )
        : Effect.flatMap(actor(client), (actorParameters) =>
          tokenRequest(
            policy,
            "exchange",
            client,
            tokenExchange,
            withParameters(targetParameters(target), {
              subject_token_type: tokenType("jwt"),
              ...customValues(customParameters),
              subject_token: Redacted.value(userToken),
              ...actorParameters
            })
          )),

    browser: authorization.make(policy)
  }
}
