import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as jose from "jose"
import { authentication } from "../src/internal/oauth/clientAuthentication.js"
import { presets } from "../src/internal/presets/table.js"
import type { PrivateKeyJwtConfig } from "../src/Oauth2ProviderConfig.js"
import { clientId, clientOf, type ClientOptions, clientSecret, redactedMap } from "./support/authorizationServer.js"
import { assertEqual } from "./support/equality.js"
import { vendors } from "./support/presets.js"

const issuer = "https://idp.example"

const tokenEndpoint = new URL(`${issuer}/token`)

/** The header and parameters that client authentication adds to a token request. */
const authenticated = (options: ClientOptions = {}, methods?: unknown, client_id = clientId) =>
  Effect.gen(function*() {
    // A metadata document may contain values that the library's types exclude.
    const server = JSON.parse(JSON.stringify({ issuer, token_endpoint_auth_methods_supported: methods }))
    const authenticate = yield* authentication("token", clientOf(options), server, tokenEndpoint)
    const parameters = new URLSearchParams()
    const headers = new Headers()
    yield* Effect.promise(async () => authenticate(server, { client_id }, parameters, headers))
    const authorization = headers.get("authorization") ?? ""
    return { basic: Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString(), parameters }
  })

const encoded = "s%3Ae%2Fc+r%2Be%25t"

type Method = "basic" | "post" | "none"

const methodOf = (options: ClientOptions = {}, methods?: unknown) =>
  Effect.map(authenticated(options, methods), ({ basic, parameters }): Method => {
    if (basic !== "") {
      assert.strictEqual(basic, `${clientId}:${encoded}`)
      assertEqual([...parameters], [])
      return "basic"
    }
    assert.strictEqual(parameters.get("client_id"), clientId)
    const secret = parameters.get("client_secret")
    if (secret === null) return "none"
    assert.strictEqual(secret, clientSecret)
    return "post"
  })

describe("a client with a secret", () => {
  const supported: ReadonlyArray<readonly [methods: unknown, expected: Method]> = [
    [undefined, "basic"],
    [null, "basic"],
    ["client_secret_post", "basic"],
    [7, "basic"],
    [[], "basic"],
    [["client_secret_basic"], "basic"],
    [["client_secret_post"], "post"],
    [["client_secret_basic", "client_secret_post"], "basic"],
    [["client_secret_post", "client_secret_basic"], "basic"],
    [["private_key_jwt", "client_secret_post"], "post"],
    [["none", "client_secret_post", "client_secret_basic"], "basic"],
    [["client_secret_jwt"], "basic"],
    [[7, null, "client_secret_post"], "post"]
  ]
  for (const [methods, expected] of supported) {
    it.effect(`uses ${expected} if the server supports ${JSON.stringify(methods)}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* methodOf({}, methods), expected)
      }))
  }

  for (
    const [clientAuthenticationMethod, expected, other] of [
      ["CLIENT_SECRET_BASIC", "basic", "client_secret_post"],
      ["CLIENT_SECRET_POST", "post", "client_secret_basic"]
    ] as const
  ) {
    it.effect(`uses ${clientAuthenticationMethod} if its provider configures it, regardless of the server's metadata`, () =>
      Effect.gen(function*() {
        for (const methods of [undefined, [other]]) {
          assert.strictEqual(yield* methodOf({ custom: { clientAuthenticationMethod } }, methods), expected)
        }
      }))
  }

  for (const vendor of vendors) {
    const { clientAuthentication } = presets[vendor]
    it.effect(`of ${vendor} uses ${clientAuthentication}, regardless of the server's metadata`, () =>
      Effect.gen(function*() {
        for (const methods of [undefined, ["client_secret_basic"], ["client_secret_post"]]) {
          assert.strictEqual(`client_secret_${yield* methodOf({ vendor }, methods)}`, clientAuthentication)
        }
      }))
  }
})

it.effect("form-encodes the client id and secret in HTTP Basic, so that only the separator is a colon", () =>
  Effect.gen(function*() {
    const { basic } = yield* authenticated({ secret: "d:e f/1.2_3-4" }, undefined, "a:b c/1.2_3-4")
    assert.strictEqual(basic, "a%3Ab+c%2F1.2_3-4:d%3Ae+f%2F1.2_3-4")
  }))

it.effect("a client without a secret, or with an empty one, sends only its client id", () =>
  Effect.gen(function*() {
    for (const secret of [undefined, ""]) {
      for (const clientAuthenticationMethod of ["CLIENT_SECRET_BASIC", "CLIENT_SECRET_POST"] as const) {
        const { basic, parameters } = yield* authenticated({ secret, custom: { clientAuthenticationMethod } })
        assert.strictEqual(basic, "")
        assertEqual([...parameters], [["client_id", clientId]])
      }
    }
  }))

it.effect("AWS_IAM_ID_TOKEN_JWT is Misconfigured because AWS STS is not available", () =>
  Effect.gen(function*() {
    const refused = yield* Effect.flip(
      authenticated({ custom: { clientAuthenticationMethod: "AWS_IAM_ID_TOKEN_JWT" } })
    )
    assert.strictEqual(refused.step, "token")
    assert.strictEqual(refused.reason, "Misconfigured")
    assert.strictEqual(
      refused.description,
      "clientAuthenticationMethod AWS_IAM_ID_TOKEN_JWT requires AWS STS, which the local service does not have"
    )
  }))

const keys = {
  RS256: await jose.generateKeyPair("RS256", { extractable: true }),
  ES256: await jose.generateKeyPair("ES256", { extractable: true })
}

describe("a client with a private key", () => {
  const keyOf = (algorithm: "RS256" | "PS256" | "ES256") => algorithm === "ES256" ? keys.ES256 : keys.RS256

  const withKey = (privateKey: string | undefined, privateKeyJwtConfig?: PrivateKeyJwtConfig): ClientOptions => ({
    ...(privateKey !== undefined && { privateKey }),
    custom: {
      clientAuthenticationMethod: "PRIVATE_KEY_JWT",
      ...(privateKeyJwtConfig !== undefined && { privateKeyJwtConfig })
    }
  })

  const jwkOf = (algorithm: "RS256" | "PS256" | "ES256", more: object = {}) =>
    Effect.promise(async () => JSON.stringify({ ...await jose.exportJWK(keyOf(algorithm).privateKey), ...more }))

  /** The client assertion, verified with the client's public key. */
  const assertionOf = (signingAlgorithm: "RS256" | "PS256" | "ES256" | undefined, {
    jwk = {},
    ...config
  }: PrivateKeyJwtConfig & { readonly jwk?: object } = {}) =>
    Effect.gen(function*() {
      const algorithm = signingAlgorithm ?? "RS256"
      const { basic, parameters } = yield* authenticated(
        withKey(yield* jwkOf(algorithm, jwk), {
          ...config,
          ...(signingAlgorithm !== undefined && { signingAlgorithm })
        })
      )
      assert.strictEqual(basic, "")
      assert.strictEqual(
        parameters.get("client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
      )
      assert.isFalse(parameters.has("client_secret"))
      const assertion = parameters.get("client_assertion") ?? ""
      return yield* Effect.promise(async () => {
        const publicKey = await jose.importJWK(await jose.exportJWK(keyOf(algorithm).publicKey), algorithm)
        return jose.jwtVerify(assertion, publicKey, { algorithms: [algorithm] })
      })
    })

  for (const algorithm of [undefined, "RS256", "PS256", "ES256"] as const) {
    it.effect(`signs an assertion with ${algorithm ?? "RS256, the default"} and the claims of RFC 7523`, () =>
      Effect.gen(function*() {
        const { payload, protectedHeader } = yield* assertionOf(algorithm)
        const { aud, exp = 0, iat = 0, iss, jti, nbf, sub, ...others } = payload
        assertEqual({ aud, iss, sub, others }, { aud: tokenEndpoint.href, iss: clientId, sub: clientId, others: {} })
        assert.strictEqual(nbf, iat)
        assert.strictEqual(exp - iat, 60)
        assert.match(jti ?? "", /^[\w-]{43}$/)
        assertEqual<unknown>(protectedHeader, { alg: algorithm ?? "RS256" })
      }))
  }

  it.effect("sends the kid of the JSON Web Key, unless it is empty or not a string", () =>
    Effect.gen(function*() {
      for (
        const [kid, expected] of [["one", "one"], ["", undefined], [7, undefined], [undefined, undefined]] as const
      ) {
        const { protectedHeader } = yield* assertionOf("ES256", { jwk: { kid } })
        assert.strictEqual(protectedHeader.kid, expected)
      }
    }))

  for (const claim of ["exp", "iat", "iss", "jti", "nbf", "sub"] as const) {
    it.effect(`keeps its claim ${claim} if the configuration supplies another value`, () =>
      Effect.gen(function*() {
        const { payload } = yield* assertionOf("ES256", {
          additionalPayloadClaims: redactedMap({ [claim]: "canary", tenant: "mine" })
        })
        assert.notInclude(JSON.stringify(payload), "canary")
        assert.isDefined(payload[claim])
        assert.strictEqual(payload["tenant"], "mine")
        assert.strictEqual(payload.aud, tokenEndpoint.href)
      }))
  }

  it.effect("uses the audience of the configuration", () =>
    Effect.gen(function*() {
      const { payload } = yield* assertionOf("ES256", { additionalPayloadClaims: redactedMap({ aud: issuer }) })
      assert.strictEqual(payload.aud, issuer)
    }))

  it.effect("uses the header parameters of the configuration, except the algorithm", () =>
    Effect.gen(function*() {
      const { protectedHeader } = yield* assertionOf("ES256", {
        jwk: { kid: "one" },
        additionalHeaderClaims: redactedMap({ alg: "none", kid: "two", "x5t#S256": "thumbprint" })
      })
      assertEqual<unknown>(protectedHeader, { alg: "ES256", kid: "two", "x5t#S256": "thumbprint" })
    }))

  const unusable: ReadonlyArray<readonly [what: string, key: string | undefined, description: string]> = [
    [
      "without a key",
      undefined,
      "no private key: store a JSON Web Key as the secret with the ARN of the KMS key as id"
    ],
    ...["canary", "[]", "{}", `{"kty":"EC"}`, `{"kty":7,"d":"canary"}`, `{"kty":"EC","d":7}`, `{"d":"canary"}`].map((
      key
    ) =>
      [
        `with the key ${key}`,
        key,
        "the secret with the ARN of the KMS key as id is not a private JSON Web Key"
      ] as const
    ),
    ["with an incomplete key", `{"kty":"EC","d":"canary"}`, "the private key does not support ES256"],
    [
      "with a symmetric key",
      `{"kty":"oct","k":"Y2FuYXJ5","d":"canary"}`,
      "the private key is symmetric: use an asymmetric key"
    ]
  ]
  for (const [what, key, description] of unusable) {
    it.effect(`${what} is Misconfigured, and the description does not quote the key`, () =>
      Effect.gen(function*() {
        const refused = yield* Effect.flip(authenticated(withKey(key, { signingAlgorithm: "ES256" })))
        const { description: told, reason, step } = refused
        assertEqual({ step, reason, description: told }, { step: "token", reason: "Misconfigured", description })
        assert.notInclude(JSON.stringify(refused), "canary")
      }))
  }

  it.effect("with a key type that does not match the algorithm is Misconfigured", () =>
    Effect.gen(function*() {
      for (
        const [signingAlgorithm, kind] of [["ES256", "RS256"], ["RS256", "ES256"], ["PS256", "ES256"]] as const
      ) {
        const refused = yield* Effect.flip(authenticated(withKey(yield* jwkOf(kind), { signingAlgorithm })))
        assert.strictEqual(refused.reason, "Misconfigured")
        assert.strictEqual(refused.description, `the private key does not support ${signingAlgorithm}`)
      }
    }))

  it.effect("does not send its secret", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(authenticated({ ...withKey(undefined), secret: clientSecret }))
      assert.strictEqual(refused.reason, "Misconfigured")
    }))
})
