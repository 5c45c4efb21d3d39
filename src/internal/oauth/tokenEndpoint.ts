/** A request at the token endpoint: put together and read by `oauth4webapi`, sent by us. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as oauth from "oauth4webapi"
import * as choices from "../emulator/state/assumptions.js"
import { clientIdOf } from "../emulator/state/endpoints.js"
import { type Client, type IssuedToken, ProviderError } from "../emulator/state/issuer.js"
import { parseQuery } from "../lib/url.js"
import { type Preset } from "../presets/table.js"
import { authentication } from "./clientAuthentication.js"
import { allowed, endpoint, type OutboundPolicy, resolveServer } from "./discovery.js"
import { type HttpRequest, send } from "./httpClient.js"
import { presetOf } from "./preset.js"
import { malformed, misconfigured, shown, type Step, unanswered } from "./providerError.js"

/** The request as it would be sent. The library sends through a function, which gets everything. */
const prepared = (
  step: Step,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  authenticate: oauth.ClientAuth,
  grantType: string,
  parameters: URLSearchParams
): Effect.Effect<HttpRequest, ProviderError> =>
  Effect.async((resume) => {
    oauth.genericTokenEndpointRequest(server, client, authenticate, grantType, parameters, {
      // What may be asked without TLS is decided where it is sent.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (url, { body, headers, method }) => {
        resume(Effect.succeed({ url: new URL(url), method, headers, body: String(body) }))
        return new Response()
      }
    }).catch(() =>
      resume(misconfigured(
        step,
        "the token request cannot be made: the provider needs a clientId, an issuer, and 2048 bits or more in an RSA key"
      ))
    )
  })

/** Some vendors want JSON, and headers of their own. */
const applyPreset =
  ({ tokenRequestBody, tokenRequestHeaders }: Partial<Preset>) => (asked: HttpRequest): HttpRequest => ({
    ...asked,
    headers: {
      ...asked.headers,
      ...tokenRequestHeaders,
      ...(tokenRequestBody === "json" && { "content-type": "application/json" })
    },
    body: tokenRequestBody === "json"
      ? JSON.stringify(Object.fromEntries(parseQuery(asked.body ?? "")))
      : asked.body
  })

const Body = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

type Body = typeof Body.Type

/** What may be shown of what was sent: everything else may be a secret. */
const publicParameters = new Set(["client_id", "grant_type", "scope", "redirect_uri", "resource", "audience"])

/** The credentials of HTTP Basic, as they were sent and as they are meant. */
const basic = ({ headers }: HttpRequest): ReadonlyArray<string> => {
  const [, sent] = /^Basic (.+)$/.exec(headers["authorization"] ?? "") ?? []
  if (sent === undefined) return []
  const pair = Either.getOrElse(Encoding.decodeBase64String(sent), () => "")
  return [sent, pair, pair.slice(pair.indexOf(":") + 1)]
}

/** Everything in a form that is not open. */
const secretParameters = (asked: HttpRequest): ReadonlyArray<string> => [
  ...[...parseQuery(asked.body ?? "")].flatMap(([name, value]) => publicParameters.has(name) ? [] : [value]),
  ...basic(asked)
]

/** Why an answer says no, in the members of the standard or of the vendor. */
const reasonOf = ({ errorMembers }: Partial<Preset>, body: Body) => ({
  error: body["error"] ?? body[errorMembers?.error ?? "error"],
  description: body["error_description"] ?? body[errorMembers?.description ?? "error_description"]
})

/** The answer as RFC 6749 has it. What is not used is not read: an `id_token` says nothing that anybody asks here. */
const normalizeTokenResponse = ({ userTokenMember }: Partial<Preset>, body: Body) => {
  const inner = userTokenMember === undefined ? undefined : body[userTokenMember]
  const { access_token, expires_in, refresh_token, token_type } =
    Predicate.isRecord(inner) && inner["access_token"] !== undefined ? inner : body
  return {
    access_token,
    ...(expires_in !== undefined && expires_in !== null && { expires_in }),
    ...(refresh_token !== undefined && refresh_token !== null && refresh_token !== "" && { refresh_token }),
    // Some vendors say there whose token it is.
    token_type: Predicate.isString(token_type) && userTokenMember === undefined ? token_type : "Bearer"
  }
}

/** Whether an answer is an error, whatever its status. */
const isError = (status: number, preset: Partial<Preset>, body: Body) =>
  status < 200 || status > 299 ||
  (Predicate.isString(body["error"]) && !Predicate.isString(normalizeTokenResponse(preset, body).access_token)) ||
  (preset.errorWithStatus200 === "ok" && body["ok"] === false)

/** `N_A` is that of a token exchange (RFC 8693, section 2.2.1). A token of another type, such as DPoP, is no bearer token. */
const isBearer = (tokenType: string) => ["bearer", "n_a"].includes(tokenType.toLowerCase())

const issued = ({ access_token, expires_in, refresh_token }: oauth.TokenEndpointResponse): IssuedToken => ({
  accessToken: Redacted.make(access_token),
  // Forever, as some write it, is further than a date goes.
  expiresIn: expires_in === undefined ? undefined : Math.min(expires_in, choices.unstatedTokenLifetime),
  refreshToken: refresh_token === undefined ? undefined : Redacted.make(refresh_token)
})

/**
 * Asks the token endpoint once.
 *
 * @internal
 */
export const tokenRequest = (
  reach: OutboundPolicy,
  step: Step,
  client: Client,
  grantType: string,
  parameters: URLSearchParams
): Effect.Effect<IssuedToken, ProviderError> =>
  Effect.gen(function*() {
    const { provider, secret } = client
    const preset = presetOf(provider.vendor) ?? {}
    const server = yield* resolveServer(reach, client)
    const tokenEndpoint = yield* endpoint(step, reach, client, server, "token_endpoint")
    const authenticate = yield* authentication(step, client, server, tokenEndpoint)
    const identity = { client_id: clientIdOf(provider.config) }
    const asked = yield* prepared(step, server, identity, authenticate, grantType, parameters)
    const { status, text } = yield* Effect.mapError(
      send(allowed(reach, client.discovery), reach, applyPreset(preset)(asked)),
      unanswered(step)
    )
    const body = Schema.decodeUnknownEither(Body)(text)
    const secrets = [...secretParameters(asked), ...(secret === undefined ? [] : [Redacted.value(secret)])]
    if (Either.isLeft(body)) {
      return yield* status >= 400
        ? new ProviderError({ step, reason: "Refused", status })
        : malformed(step, "the answer is no JSON object", status)
    }
    if (isError(status, preset, body.right)) {
      const { description, error } = reasonOf(preset, body.right)
      return yield* new ProviderError({
        step,
        reason: "Refused",
        status,
        error: shown(error, secrets),
        description: shown(description, secrets)
      })
    }
    const answer = normalizeTokenResponse(preset, body.right)
    if (!Predicate.isString(answer.access_token)) {
      return yield* malformed(step, "the answer has no access token", status)
    }
    if (!isBearer(answer.token_type)) return yield* malformed(step, "the token type is not Bearer", status)
    const token = yield* Effect.tryPromise({
      try: () => {
        const response = new Response(JSON.stringify({ ...answer, token_type: "Bearer" }), { status: 200 })
        return oauth.processGenericTokenEndpointResponse(server, identity, response)
      },
      catch: () => malformed(step, "the answer is none that RFC 6749, section 5.1, describes", status)
    })
    return issued(token)
  })
