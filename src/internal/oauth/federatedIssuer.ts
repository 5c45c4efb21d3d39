/** The issuer that asks the providers' own authorization servers. */
import * as Effect from "effect/Effect"
import * as HashSet from "effect/HashSet"
import * as Redacted from "effect/Redacted"
import type { Client, Issuer } from "../emulator/state/issuer.js"
import { type CustomParameters, target } from "../emulator/state/state.js"
import * as authorization from "./authorizationCode.js"
import type { OutboundPolicy } from "./discovery.js"
import { targeted } from "./parameters.js"
import { presetOf } from "./preset.js"
import { misconfigured } from "./providerError.js"
import { tokenRequest } from "./tokenEndpoint.js"

const adding = (base: URLSearchParams, added: { readonly [name: string]: string }): URLSearchParams => {
  const all = new URLSearchParams(base)
  for (const [name, value] of Object.entries(added)) all.set(name, value)
  return all
}

const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`

/** What the caller may not say in place of what an exchange rests on; the type of the subject's token it may. */
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

const custom = (parameters: CustomParameters): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.entries(parameters ?? {}).flatMap(([name, value]) =>
      reservedParameters.has(name) ? [] : [[name, Redacted.value(value)]]
    )
  )

/** @internal */
export const make = (reach: OutboundPolicy): Issuer => {
  const machine: Issuer["machine"] = (client, { target }) =>
    tokenRequest(reach, "token", client, "client_credentials", targeted(target))

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
        ? Effect.fail(misconfigured("token", "the person has consented while the provider was simulated"))
        : tokenRequest(
          reach,
          "token",
          client,
          "authorization_code",
          adding(targeted({ ...target, scopes: HashSet.empty(), audiences: HashSet.empty() }), {
            code: Redacted.value(authorization.code),
            redirect_uri: authorization.redirectUri ?? client.provider.callbackUrl,
            ...(presetOf(client.provider.vendor)?.pkce !== "omit" && {
              code_verifier: Redacted.value(authorization.codeVerifier)
            })
          })
        ),

    // The scopes are those of the grant: it is left to the vendor whether they may be repeated.
    refresh: (client, { refreshToken, target }) =>
      tokenRequest(
        reach,
        "refresh",
        client,
        "refresh_token",
        adding(targeted({ ...target, scopes: HashSet.empty(), audiences: HashSet.empty() }), {
          refresh_token: Redacted.value(refreshToken)
        })
      ),

    onBehalfOf: (client, { customParameters, target, userToken }) =>
      client.provider.onBehalfOf?.grantType === "JWT_AUTHORIZATION_GRANT"
        ? tokenRequest(
          reach,
          "exchange",
          client,
          jwtBearer,
          adding(targeted(target), {
            ...(client.provider.vendor === "MicrosoftOauth2" && { requested_token_use: "on_behalf_of" }),
            ...custom(customParameters),
            assertion: Redacted.value(userToken)
          })
        )
        : Effect.flatMap(actor(client), (acting) =>
          tokenRequest(
            reach,
            "exchange",
            client,
            tokenExchange,
            adding(targeted(target), {
              subject_token_type: tokenType("jwt"),
              ...custom(customParameters),
              subject_token: Redacted.value(userToken),
              ...acting
            })
          )),

    browser: authorization.make(reach)
  }
}
