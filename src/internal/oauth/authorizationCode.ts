/** The way of a person's browser to the vendor and back: RFC 6749, section 4.1, with PKCE (RFC 7636) and RFC 9207. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as oauth from "oauth4webapi"
import { clientIdOf } from "../emulator/state/endpoints.js"
import { type Client, type Issuer, ProviderError } from "../emulator/state/issuer.js"
import type { Pending } from "../emulator/state/session.js"
import { endpoint, type OutboundPolicy, resolveServer } from "./discovery.js"
import { targeted } from "./parameters.js"
import { presetOf } from "./preset.js"
import { malformed, shown } from "./providerError.js"

const step = "authorization"

/** What the caller adds never stands in for what the request rests on. */
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

const url = (target: URL, client: Client, session: Pending, state: string, codeChallenge: string) => {
  const { provider } = client
  const preset = presetOf(provider.vendor)
  const given = Object.entries(session.customParameters ?? {}).map(([name, value]) =>
    [name, Redacted.value(value)] as const
  )
  const parameters = new URLSearchParams([
    ...targeted(session.target, { scopeName: preset?.scopeParameter, scopeSeparator: preset?.scopeSeparator })
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
  // What the endpoint's own address says does not stand in for ours.
  for (const name of new Set([...reservedParameters, ...parameters.keys()])) full.searchParams.delete(name)
  for (const [name, value] of parameters) full.searchParams.append(name, value)
  return Redacted.make(full.href)
}

/** RFC 9207: whoever runs the server has to see which of the two is wrong. */
const issuerMismatch = ({ issuer }: oauth.AuthorizationServer, told: string | null) =>
  told === null || told === issuer
    ? "the answer is of another authorization server, or of another request"
    : `the answer is of the issuer ${shown(told, [])}, and the provider's issuer is ${issuer}`

/** @internal */
export const make = (reach: OutboundPolicy): NonNullable<Issuer["browser"]> => ({
  authorization: (client, session, state) =>
    Effect.gen(function*() {
      const server = yield* resolveServer(reach, client)
      const target = yield* endpoint(step, reach, client, server, "authorization_endpoint")
      const codeVerifier = oauth.generateRandomCodeVerifier()
      const codeChallenge = yield* Effect.promise(() => oauth.calculatePKCECodeChallenge(codeVerifier))
      return {
        url: url(target, client, session, state, codeChallenge),
        codeVerifier: Redacted.make(codeVerifier)
      }
    }),

  code: (client, { customParameters }, state, parameters) =>
    Effect.gen(function*() {
      const secrets = Object.values(customParameters ?? {}).map(Redacted.value)
      const server = yield* resolveServer(reach, client)
      const answer = yield* Effect.try({
        try: () =>
          oauth.validateAuthResponse(server, { client_id: clientIdOf(client.provider.config) }, parameters, state),
        catch: (error) =>
          error instanceof oauth.AuthorizationResponseError
            ? new ProviderError({
              step,
              reason: "Refused",
              error: shown(error.error, secrets),
              description: shown(error.error_description, secrets)
            })
            : malformed(step, issuerMismatch(server, parameters.get("iss")))
      })
      const code = answer.get("code")
      return code === null || code === ""
        ? yield* malformed(step, "the answer has neither a code nor an error")
        : Redacted.make(code)
    })
})
