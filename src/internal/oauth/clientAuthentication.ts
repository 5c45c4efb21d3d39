/** Client authentication at the token endpoint. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as jose from "jose"
import * as oauth from "oauth4webapi"
import type { PrivateKeyJwtConfig } from "../../Oauth2ProviderConfig.js"
import { customConfigOf } from "../emulator/state/endpoints.js"
import type { Client, ProviderError } from "../emulator/state/issuer.js"
import { formEncode } from "./parameters.js"
import { presetOf } from "./preset.js"
import { misconfigured, type Step } from "./providerError.js"

const PrivateJwk = Schema.parseJson(
  Schema.Struct({ kty: Schema.String, d: Schema.String }, { key: Schema.String, value: Schema.Unknown })
)

const revealClaims = (claims: PrivateKeyJwtConfig["additionalHeaderClaims"]) =>
  Object.fromEntries(Object.entries(claims ?? {}).map(([name, value]) => [name, Redacted.value(value)]))

/** RFC 7523. The additional claims of the configuration cannot replace the required claims. */
const privateKeyJwt = Effect.fnUntraced(function*(
  step: Step,
  { privateKey, provider }: Client,
  tokenEndpoint: URL
) {
  const config = customConfigOf(provider.config)?.privateKeyJwtConfig
  const algorithm = config?.signingAlgorithm ?? "RS256"
  if (privateKey === undefined) {
    return yield* misconfigured(
      step,
      "no private key: store a JSON Web Key as the secret with the ARN of the KMS key as id"
    )
  }
  const jwk = yield* Either.mapLeft(
    Schema.decodeUnknownEither(PrivateJwk)(Redacted.value(privateKey)),
    () => misconfigured(step, "the secret with the ARN of the KMS key as id is not a private JSON Web Key")
  )
  const key = yield* Effect.tryPromise({
    try: () => jose.importJWK({ ...jwk }, algorithm),
    catch: () => misconfigured(step, `the private key does not support ${algorithm}`)
  })
  if (key instanceof Uint8Array) {
    return yield* misconfigured(step, "the private key is symmetric: use an asymmetric key")
  }
  const kid = typeof jwk["kid"] === "string" && jwk["kid"] !== "" ? { kid: jwk["kid"] } : {}
  return oauth.PrivateKeyJwt({ key, ...kid }, {
    [oauth.modifyAssertion]: (header, payload) => {
      Object.assign(header, revealClaims(config?.additionalHeaderClaims), { alg: algorithm })
      const { aud = tokenEndpoint.href, ...added } = revealClaims(config?.additionalPayloadClaims)
      const { exp, iat, iss, jti, nbf, sub } = payload
      Object.assign(payload, added, { exp, iat, iss, jti, nbf, sub, aud })
    }
  })
})

/**
 * RFC 6749, section 2.3.1. The implementation of the library also escapes `-`, `.` and `_`, which is not required, and which
 * vendors that do not decode reject.
 */
const basic = (secret: string): oauth.ClientAuth => (_server, { client_id }, _body, headers) =>
  headers.set("authorization", `Basic ${Encoding.encodeBase64(`${formEncode(client_id)}:${formEncode(secret)}`)}`)

type Method = NonNullable<NonNullable<ReturnType<typeof customConfigOf>>["clientAuthenticationMethod"]>

/** The method of the provider, of the vendor or of the metadata of the server, in this order. Default: HTTP Basic. */
const methodOf = ({ provider }: Client, server: oauth.AuthorizationServer): Method => {
  const configured = customConfigOf(provider.config)?.clientAuthenticationMethod
  if (configured !== undefined) return configured
  const known = presetOf(provider.vendor)?.clientAuthentication
  const listed: unknown = server.token_endpoint_auth_methods_supported
  const supported: ReadonlyArray<unknown> = Array.isArray(listed) ? listed : []
  const isBasic = known === undefined
    ? supported.includes("client_secret_basic") || !supported.includes("client_secret_post")
    : known === "client_secret_basic"
  return isBasic ? "CLIENT_SECRET_BASIC" : "CLIENT_SECRET_POST"
}

/** @internal */
export const authentication = (
  step: Step,
  client: Client,
  server: oauth.AuthorizationServer,
  tokenEndpoint: URL
): Effect.Effect<oauth.ClientAuth, ProviderError> => {
  const method = methodOf(client, server)
  if (method === "PRIVATE_KEY_JWT") return privateKeyJwt(step, client, tokenEndpoint)
  if (method === "AWS_IAM_ID_TOKEN_JWT") {
    return misconfigured(
      step,
      "clientAuthenticationMethod AWS_IAM_ID_TOKEN_JWT requires AWS STS, which the local service does not have"
    )
  }
  const secret = client.secret === undefined ? "" : Redacted.value(client.secret)
  if (secret === "") return Effect.succeed(oauth.None())
  return Effect.succeed(
    method === "CLIENT_SECRET_POST" ? oauth.ClientSecretPost(secret) : basic(secret)
  )
}
