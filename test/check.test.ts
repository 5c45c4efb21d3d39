import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Redacted } from "effect"
import { inspect } from "node:util"
import { operations } from "../src/IdentityApi.js"
import * as check from "../src/internal/model/validation.js"
import type { Operation } from "../src/Operation.js"
import { assertEqual } from "./support/equality.js"
import { facts, put, whole } from "./support/limits.js"

const refuse = (operation: Operation.Any, request: unknown) =>
  check.encode(operation)(request).pipe(Effect.as("let through"), Effect.flip)

const fields = (operation: Operation.Any, request: unknown) =>
  Effect.map(refuse(operation, request), (error) => error.fieldList)

const session = Redacted.make("urn:ietf:params:oauth:request_uri:abc")
const jwt = Redacted.make("aaa.bbb.ccc")

const complete = (userIdentifier: unknown) => ({ userIdentifier, sessionUri: session })

const token = {
  workloadIdentityToken: Redacted.make("token"),
  resourceCredentialProviderName: "github",
  scopes: [],
  oauth2Flow: "M2M"
}

const google = (config: unknown) => ({
  name: "google",
  credentialProviderVendor: "GoogleOauth2",
  oauth2ProviderConfigInput: config
})

describe("what is refused", () => {
  it.effect("is reported with the member and the rule, in the words of AWS", () =>
    Effect.gen(function*() {
      const error = yield* refuse(operations.getWorkloadAccessToken, { workloadName: "ab" })
      const rule = "Member must have length between 3 and 255, inclusive"
      assert.strictEqual(error._tag, "ValidationError")
      assert.strictEqual(error.operation, "GetWorkloadAccessToken")
      assert.strictEqual(error.reason, "FieldValidationFailed")
      assertEqual(error.fieldList, [{ name: "workloadName", message: rule }])
      assert.strictEqual(
        error.message,
        `1 validation error detected: Value at 'workloadName' failed to satisfy constraint: ${rule}`
      )
    }))

  it.effect("is reported for every kind of rule", () =>
    Effect.gen(function*() {
      const rules: ReadonlyArray<readonly [operation: Operation.Any, member: string, value: unknown, rule: string]> = [
        [
          operations.getWorkloadAccessToken,
          "workloadName",
          "a b",
          "Member must satisfy regular expression pattern: [A-Za-z0-9_.-]+"
        ],
        [
          operations.getResourceOauth2Token,
          "oauth2Flow",
          "M3M",
          "Member must satisfy enum value set: [USER_FEDERATION, M2M, ON_BEHALF_OF_TOKEN_EXCHANGE]"
        ],
        [operations.listWorkloadIdentities, "maxResults", 21, "Member must be between 1 and 20, inclusive"],
        [operations.listWorkloadIdentities, "maxResults", 1.5, "Member must be an integer"],
        [operations.listWorkloadIdentities, "maxResults", "1", "Member must be a number"],
        [operations.listWorkloadIdentities, "nextToken", 1, "Member must be a string"],
        [operations.getResourceOauth2Token, "forceAuthentication", "true", "Member must be a boolean"],
        [operations.getResourceOauth2Token, "scopes", "repo", "Member must be a list"],
        [operations.setTokenVaultCMK, "kmsConfiguration", "x", "Member must be a structure"],
        [operations.getResourceOauth2Token, "workloadIdentityToken", "bare", "Member must be Redacted"],
        [
          operations.createApiKeyCredentialProvider,
          "apiKey",
          Redacted.make("x".repeat(65_537)),
          "Member must have length less than or equal to 65536"
        ],
        [operations.createConsentPortal, "sources", [], "Member must have length between 1 and 1, inclusive"],
        [operations.createWorkloadIdentity, "name", undefined, "Member must not be null"]
      ]
      for (const [operation, name, value, message] of rules) {
        const request = { ...whole(operation.request), [name]: value }
        assertEqual(yield* fields(operation, request), [{ name, message }])
      }
    }))

  it.effect("is reported with all violations at once", () =>
    Effect.gen(function*() {
      const error = yield* refuse(operations.getResourceOauth2Token, {
        ...token,
        resourceCredentialProviderName: "",
        scopes: ["ok", "", "ok", "x".repeat(129)],
        oauth2Flow: "NONE",
        customParameters: { "a b": Redacted.make("x"), "c d": Redacted.make("x") },
        workloadIdentityToken: undefined
      })
      assert.sameMembers(error.fieldList?.map((field) => field.name) ?? [], [
        "workloadIdentityToken",
        "resourceCredentialProviderName",
        "scopes[1]",
        "scopes[3]",
        "oauth2Flow",
        "customParameters.a b",
        "customParameters.c d"
      ])
      assert.match(error.message, /^7 validation errors detected: Value at '.*; Value at '/)
    }))

  it.effect("is found by its place in a list", () =>
    Effect.gen(function*() {
      const urls = ["https://example.com/", "https://example.com/a b", "myapp:back"]
      assertEqual(
        yield* fields(operations.updateWorkloadIdentity, { name: "agent", allowedResourceOauth2ReturnUrls: urls }),
        [{
          name: "allowedResourceOauth2ReturnUrls[1]",
          message: "Member must satisfy regular expression pattern: \\w+:(\\/?\\/?)[^\\s]+"
        }]
      )
    }))

  it.effect("is found inside structures, optional ones included", () =>
    Effect.gen(function*() {
      const name = "openai"
      assertEqual(
        yield* fields(operations.createApiKeyCredentialProvider, { name, apiKeySecretConfig: { secretId: "id" } }),
        [{ name: "apiKeySecretConfig.jsonKey", message: "Member must not be null" }]
      )
      assertEqual(
        yield* fields(operations.createApiKeyCredentialProvider, {
          name,
          apiKeySecretConfig: { secretId: "", jsonKey: "" }
        }),
        [
          { name: "apiKeySecretConfig.secretId", message: "Member must have length between 1 and 2048, inclusive" },
          { name: "apiKeySecretConfig.jsonKey", message: "Member must have length between 1 and 128, inclusive" }
        ]
      )
    }))

  it.effect("is a wrong key of a map, and a wrong value under a good key", () =>
    Effect.gen(function*() {
      const pattern = "Member must satisfy regular expression pattern: [a-zA-Z0-9\\s._:/=+@-]*"
      assertEqual(
        yield* fields(operations.createWorkloadIdentity, { name: "agent", tags: { good: "x", "bad!": "x" } }),
        [{ name: "tags.bad!", message: pattern }]
      )
      assertEqual(
        yield* fields(operations.createWorkloadIdentity, { name: "agent", tags: { good: "é", fine: "x" } }),
        [{ name: "tags.good", message: pattern }]
      )
      assertEqual(
        yield* fields(operations.getResourceOauth2Token, { ...token, customParameters: { prompt: "bare" } }),
        [{ name: "customParameters.prompt", message: "Member must be Redacted" }]
      )
    }))

  it.effect("is a request that is no structure at all", () =>
    Effect.gen(function*() {
      for (const request of [null, "agent"]) {
        assertEqual(yield* fields(operations.getWorkloadIdentity, request), [
          { name: "request", message: "Member must be a structure" }
        ])
      }
    }))
})

describe("a union", () => {
  const operation: Operation.Any = operations.completeResourceTokenAuth
  const exactlyOne = [{ name: "userIdentifier", message: "Member must have exactly one of: [userToken, userId]" }]

  it.effect("takes either of its members", () =>
    Effect.gen(function*() {
      for (const user of [{ userId: "alice" }, { userToken: jwt }]) {
        yield* check.encode(operation)(complete(user))
      }
    }))

  it.effect("refuses both members at once, whatever they hold", () =>
    Effect.gen(function*() {
      for (const userId of ["alice", ""]) {
        assertEqual(
          yield* fields(operation, complete({ userId, userToken: jwt })),
          exactlyOne
        )
      }
    }))

  it.effect("refuses to be empty, or to hold only what it does not know", () =>
    Effect.gen(function*() {
      for (const user of [{}, { userName: "alice" }]) {
        assertEqual(yield* fields(operation, complete(user)), exactlyOne)
      }
      const [field] = (yield* fields(
        operations.createOauth2CredentialProvider,
        google({ gitlabOauth2ProviderConfig: { clientId: "id" } })
      )) ?? []
      assert.strictEqual(field?.name, "oauth2ProviderConfigInput")
      assert.match(
        field?.message ?? "",
        /^Member must have exactly one of: \[customOauth2ProviderConfig, .*, includedOauth2ProviderConfig\]$/
      )
    }))

  it.effect("reports only the errors of the member that the request contains", () =>
    Effect.gen(function*() {
      assertEqual(yield* fields(operation, complete({ userId: "" })), [
        { name: "userIdentifier.userId", message: "Member must have length between 1 and 128, inclusive" }
      ])
      assertEqual(
        yield* fields(
          operations.createOauth2CredentialProvider,
          google({ googleOauth2ProviderConfig: { clientSecret: "bare" } })
        ),
        [
          { name: "oauth2ProviderConfigInput.googleOauth2ProviderConfig.clientId", message: "Member must not be null" },
          {
            name: "oauth2ProviderConfigInput.googleOauth2ProviderConfig.clientSecret",
            message: "Member must be Redacted"
          }
        ]
      )
    }))
})

describe("a length", () => {
  it.effect("counts code points, not UTF-16 units", () =>
    Effect.gen(function*() {
      const operation = operations.getWorkloadAccessTokenForUserId
      const [inside, outside] = [128, 129].map((length) => "😀".repeat(length))
      yield* check.encode(operation)({ workloadName: "agent", userId: inside ?? "" })
      assertEqual(yield* fields(operation, { workloadName: "agent", userId: outside }), [
        { name: "userId", message: "Member must have length between 1 and 128, inclusive" }
      ])
    }))
})

/** Whether the request was refused; whatever can be seen of the refusal must be silent. */
const isRefused = (operation: Operation.Any, request: unknown, at: string) => {
  const refused = Effect.runSync(Effect.either(refuse(operation, request)))
  if (Either.isLeft(refused)) return false
  const error = refused.right
  const seen = [String(error), JSON.stringify(error), inspect(error, { depth: 9 }), inspect(error.cause)].join("\n")
  assert.notInclude(seen, "CANARY", `${operation.name} at ${at}`)
  return true
}

describe("a refusal", () => {
  const canary = "CANARY é !"
  // Every way in which a value can be wrong, and still hold a secret.
  const wrong: ReadonlyArray<unknown> = [
    canary,
    Redacted.make(canary),
    Redacted.make(canary.repeat(13_000)),
    [canary],
    [Redacted.make(canary)],
    { a: canary },
    { a: Redacted.make(canary), b: [canary] },
    new Error(canary)
  ]

  const table: Readonly<Record<string, Operation.Any>> = operations

  for (const operation of Object.values(table)) {
    it(`of ${operation.name} never holds the value, wherever a secret was put`, () => {
      const { members = {} } = facts.find((fact) => fact.operation === operation.name) ?? {}
      const base = whole(operation.request)
      for (const [name, member] of Object.entries(members)) {
        for (const at of [name, ...(member.members ?? []).map((inner) => `${name}.${inner}`)]) {
          const refusals = wrong.filter((value) => isRefused(operation, put(base, at, value), at))
          assert.isNotEmpty(refusals, at)
        }
      }
    })
  }

  it("never holds a secret from deep inside", () => {
    const config = "oauth2ProviderConfigInput.customOauth2ProviderConfig"
    const base = {
      name: "custom",
      credentialProviderVendor: "CustomOauth2",
      oauth2ProviderConfigInput: {
        customOauth2ProviderConfig: { oauthDiscovery: { discoveryUrl: "https://a/.well-known/openid-configuration" } }
      }
    }
    const places = [
      "clientSecret",
      "clientSecretConfig",
      "privateKeyJwtConfig.additionalHeaderClaims.kid",
      "privateKeyJwtConfig.privateKeySource",
      "privateEndpoint.managedVpcResource.tags.a",
      "oauthDiscovery.authorizationServerMetadata.issuer"
    ].map((place) => `${config}.${place}`)
    for (const at of places) {
      const operation = operations.createOauth2CredentialProvider
      assert.isNotEmpty(wrong.filter((value) => isRefused(operation, put(base, at, value), at)), at)
    }
  })
})

it.effect("a token of the greatest length that is no JWT is refused at once", () =>
  Effect.gen(function*() {
    const holds = check.encode(operations.getWorkloadAccessTokenForJWT)
    const tokens = [
      "a".repeat(131_070) + "!!",
      "a".repeat(131_072) + ".",
      "a..b",
      "ab",
      ".a.b",
      "a.b.",
      "a.b.c.d",
      "a\n.b"
    ]
    for (const token of tokens) {
      const error = yield* Effect.flip(holds({ workloadName: "my-agent", userToken: Redacted.make(token) }))
      assert.strictEqual(error.fieldList?.[0]?.name, "userToken")
    }
    for (const token of ["a.b.c", "abcde", "a.bcd", "abc.d", "a!b.c", "a".repeat(131_072)]) {
      yield* holds({ workloadName: "my-agent", userToken: Redacted.make(token) })
    }
  }))

it.effect("a name that JavaScript would lose is refused", () =>
  Effect.gen(function*() {
    const tags = JSON.parse(`{"__proto__":"lost"}`)
    const error = yield* Effect.flip(check.encode(operations.createWorkloadIdentity)({ name: "my-agent", tags }))
    assertEqual(error.fieldList?.map(({ name }) => name), ["tags.__proto__"])
  }))
