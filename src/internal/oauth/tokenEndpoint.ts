/** Requests to the token endpoint. `oauth4webapi` builds the request and reads the response; `httpClient` sends it. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as oauth from "oauth4webapi"
import * as assumptions from "../emulator/state/assumptions.js"
import { clientIdOf } from "../emulator/state/endpoints.js"
import { type Client, type IssuedToken, ProviderError } from "../emulator/state/issuer.js"
import { parseQuery } from "../lib/url.js"
import { type Preset } from "../presets/table.js"
import { authentication } from "./clientAuthentication.js"
import { addressPolicyOf, endpoint, type OutboundPolicy, resolveServer } from "./discovery.js"
import { type HttpRequest, send } from "./httpClient.js"
import { presetOf } from "./preset.js"
import { malformed, misconfigured, requestFailed, sanitize, type Step } from "./providerError.js"

/** Builds the request. The library passes it to a custom `fetch`, which captures it. */
const buildRequest = (
  step: Step,
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  authenticate: oauth.ClientAuth,
  grantType: string,
  parameters: URLSearchParams
): Effect.Effect<HttpRequest, ProviderError> =>
  Effect.async((resume) => {
    oauth.genericTokenEndpointRequest(server, client, authenticate, grantType, parameters, {
      // `httpClient` decides which requests may be sent without TLS.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (url, { body, headers, method }) => {
        resume(Effect.succeed({ url: new URL(url), method, headers, body: String(body) }))
        return new Response()
      }
    }).catch(() =>
      resume(misconfigured(
        step,
        "the token request cannot be built: the provider needs a clientId, an issuer, and at least 2048 bits in an RSA key"
      ))
    )
  })

/** Some vendors require JSON or additional headers. */
const applyPreset =
  ({ tokenRequestBody, tokenRequestHeaders }: Partial<Preset>) => (request: HttpRequest): HttpRequest => ({
    ...request,
    headers: {
      ...request.headers,
      ...tokenRequestHeaders,
      ...(tokenRequestBody === "json" && { "content-type": "application/json" })
    },
    body: tokenRequestBody === "json"
      ? JSON.stringify(Object.fromEntries(parseQuery(request.body ?? "")))
      : request.body
  })

const Body = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

type Body = typeof Body.Type

/** Parameters that are not secret. All others may be secret. */
const publicParameters = new Set(["client_id", "grant_type", "scope", "redirect_uri", "resource", "audience"])

/** The credentials of HTTP Basic, encoded and decoded. */
const basicCredentials = ({ headers }: HttpRequest): ReadonlyArray<string> => {
  const [, sent] = /^Basic (.+)$/.exec(headers["authorization"] ?? "") ?? []
  if (sent === undefined) return []
  const pair = Either.getOrElse(Encoding.decodeBase64String(sent), () => "")
  return [sent, pair, pair.slice(pair.indexOf(":") + 1)]
}

/** The values in a request that may be secret. */
const secretParameters = (request: HttpRequest): ReadonlyArray<string> => [
  ...[...parseQuery(request.body ?? "")].flatMap(([name, value]) => publicParameters.has(name) ? [] : [value]),
  ...basicCredentials(request)
]

/** The error in a response, in the members of the standard or of the vendor. */
const errorOf = ({ errorMembers }: Partial<Preset>, body: Body) => ({
  error: body["error"] ?? body[errorMembers?.error ?? "error"],
  description: body["error_description"] ?? body[errorMembers?.description ?? "error_description"]
})

/** Converts the response of a vendor to the members of RFC 6749. Unused members such as `id_token` are ignored. */
const normalizeTokenResponse = ({ userTokenMember }: Partial<Preset>, body: Body) => {
  const inner = userTokenMember === undefined ? undefined : body[userTokenMember]
  const { access_token, expires_in, refresh_token, token_type } =
    Predicate.isRecord(inner) && inner["access_token"] !== undefined ? inner : body
  return {
    access_token,
    ...(expires_in !== undefined && expires_in !== null && { expires_in }),
    ...(refresh_token !== undefined && refresh_token !== null && refresh_token !== "" && { refresh_token }),
    // Some vendors use this member for the owner of the token.
    token_type: Predicate.isString(token_type) && userTokenMember === undefined ? token_type : "Bearer"
  }
}

/** Detects an error, independent of the status. */
const isError = (status: number, preset: Partial<Preset>, body: Body) =>
  status < 200 || status > 299 ||
  (Predicate.isString(body["error"]) && !Predicate.isString(normalizeTokenResponse(preset, body).access_token)) ||
  (preset.errorWithStatus200 === "ok" && body["ok"] === false)

/** `N_A` is a type of token exchange (RFC 8693, section 2.2.1). Other types, such as DPoP, are not bearer tokens. */
const isBearer = (tokenType: string) => ["bearer", "n_a"].includes(tokenType.toLowerCase())

const issued = ({ access_token, expires_in, refresh_token }: oauth.TokenEndpointResponse): IssuedToken => ({
  accessToken: Redacted.make(access_token),
  // Some vendors send a number for "never" that is larger than any date.
  expiresIn: expires_in === undefined ? undefined : Math.min(expires_in, assumptions.unstatedTokenLifetime),
  refreshToken: refresh_token === undefined ? undefined : Redacted.make(refresh_token)
})

/** Sends one request to the token endpoint. */
export const tokenRequest = (
  policy: OutboundPolicy,
  step: Step,
  client: Client,
  grantType: string,
  parameters: URLSearchParams
): Effect.Effect<IssuedToken, ProviderError> =>
  Effect.gen(function*() {
    const { provider, secret } = client
    const preset = presetOf(provider.vendor) ?? {}
    const server = yield* resolveServer(policy, client)
    const tokenEndpoint = yield* endpoint(step, policy, client, server, "token_endpoint")
    const authenticate = yield* authentication(step, client, server, tokenEndpoint)
    const identity = { client_id: clientIdOf(provider.config) }
    const request = yield* buildRequest(step, server, identity, authenticate, grantType, parameters)
    const { status, text } = yield* Effect.mapError(
      send(addressPolicyOf(policy, client.discovery), policy, applyPreset(preset)(request)),
      requestFailed(step)
    )
    const body = Schema.decodeUnknownEither(Body)(text)
    const secrets = [...secretParameters(request), ...(secret === undefined ? [] : [Redacted.value(secret)])]
    if (Either.isLeft(body)) {
      return yield* status >= 400
        ? new ProviderError({ step, reason: "Refused", status })
        : malformed(step, "the response is not a JSON object", status)
    }
    if (isError(status, preset, body.right)) {
      const { description, error } = errorOf(preset, body.right)
      return yield* new ProviderError({
        step,
        reason: "Refused",
        status,
        error: sanitize(error, secrets),
        description: sanitize(description, secrets)
      })
    }
    const reply = normalizeTokenResponse(preset, body.right)
    if (!Predicate.isString(reply.access_token)) {
      return yield* malformed(step, "the response contains no access token", status)
    }
    if (!isBearer(reply.token_type)) return yield* malformed(step, "the token type is not Bearer", status)
    const token = yield* Effect.tryPromise({
      try: () => {
        const response = new Response(JSON.stringify({ ...reply, token_type: "Bearer" }), { status: 200 })
        return oauth.processGenericTokenEndpointResponse(server, identity, response)
      },
      catch: () => malformed(step, "the response does not match RFC 6749, section 5.1", status)
    })
    return issued(token)
  })
