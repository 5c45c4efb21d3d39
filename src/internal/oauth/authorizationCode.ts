/** The authorization code flow: RFC 6749, section 4.1, with PKCE (RFC 7636) and RFC 9207. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as oauth from "oauth4webapi"
import { clientIdOf } from "../emulator/state/endpoints.js"
import { type Client, type Issuer, ProviderError } from "../emulator/state/issuer.js"
import type { Pending } from "../emulator/state/session.js"
import { endpoint, type OutboundPolicy, resolveServer } from "./discovery.js"
import { targetParameters } from "./parameters.js"
import { presetOf } from "./preset.js"
import { malformed, sanitize } from "./providerError.js"

const step = "authorization"

/** Parameters that custom parameters must not replace. */
const reservedParameters = new Set([
  "client_id",
  "client_secret",
  "code_challenge",
  "code_challenge_method",
  "redirect_uri",
  "request",
  "request_uri",
  "response_mode",
  "response_type",
  "scope",
  "state"
])

const authorizationUrl = (target: URL, client: Client, session: Pending, state: string, codeChallenge: string) => {
  const { provider } = client
  const preset = presetOf(provider.vendor)
  const given = Object.entries(session.customParameters ?? {}).map(([name, value]) =>
    [name, Redacted.value(value)] as const
  )
  const parameters = new URLSearchParams([
    ...targetParameters(session.target, { scopeName: preset?.scopeParameter, scopeSeparator: preset?.scopeSeparator })
  ])
  for (const [name, value] of [...Object.entries(preset?.authorizationParameters ?? {}), ...given]) {
    if (!reservedParameters.has(name) && name !== preset?.scopeParameter) parameters.set(name, value)
  }
  parameters.set("response_type", "code")
  parameters.set("client_id", clientIdOf(provider.config))
  parameters.set("redirect_uri", provider.callbackUrl)
  parameters.set("state", state)
  if (preset?.pkce !== "omit") {
    parameters.set("code_challenge", codeChallenge)
    parameters.set("code_challenge_method", "S256")
  }
  const full = new URL(target)
  // Parameters in the URL of the endpoint must not replace these.
  for (const name of new Set([...reservedParameters, ...parameters.keys()])) full.searchParams.delete(name)
  for (const [name, value] of parameters) full.searchParams.append(name, value)
  return Redacted.make(full.href)
}

/** RFC 9207. The message contains both issuers. */
const issuerMismatch = ({ issuer }: oauth.AuthorizationServer, actual: string | null) =>
  actual === null || actual === issuer
    ? "the response belongs to another authorization server or to another request"
    : `the response has the issuer ${sanitize(actual, [])}, but the issuer of the provider is ${issuer}`

/** @internal */
export const make = (policy: OutboundPolicy): NonNullable<Issuer["browser"]> => ({
  authorization: (client, session, state) =>
    Effect.gen(function*() {
      const server = yield* resolveServer(policy, client)
      const target = yield* endpoint(step, policy, client, server, "authorization_endpoint")
      const codeVerifier = oauth.generateRandomCodeVerifier()
      const codeChallenge = yield* Effect.promise(() => oauth.calculatePKCECodeChallenge(codeVerifier))
      return {
        url: authorizationUrl(target, client, session, state, codeChallenge),
        codeVerifier: Redacted.make(codeVerifier)
      }
    }),

  code: (client, { customParameters }, state, parameters) =>
    Effect.gen(function*() {
      const secrets = Object.values(customParameters ?? {}).map(Redacted.value)
      const server = yield* resolveServer(policy, client)
      const answer = yield* Effect.try({
        try: () =>
          oauth.validateAuthResponse(server, { client_id: clientIdOf(client.provider.config) }, parameters, state),
        catch: (error) =>
          error instanceof oauth.AuthorizationResponseError
            ? new ProviderError({
              step,
              reason: "Refused",
              error: sanitize(error.error, secrets),
              description: sanitize(error.error_description, secrets)
            })
            : malformed(step, issuerMismatch(server, parameters.get("iss")))
      })
      const code = answer.get("code")
      return code === null || code === ""
        ? yield* malformed(step, "the response contains neither a code nor an error")
        : Redacted.make(code)
    })
})
