import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Record } from "effect"
import type { Client } from "../scripts/awsDiff/clients.js"
import type { Description } from "../scripts/awsDiff/Description.js"
import * as installed from "../scripts/awsDiff/installed.js"
import * as ours from "../scripts/awsDiff/ours.js"
import { run } from "../scripts/awsDiff/report.js"
import {
  adding,
  changing,
  removingLast,
  requiring,
  traits,
  withCommand,
  withExport,
  withModels,
  withShape
} from "./support/doctoredClient.js"
import { assertEqual } from "./support/equality.js"

const clients = Effect.runSync(Effect.cached(Effect.provide(installed.clients, NodeFileSystem.layer)))

/** The output and the exit code of the comparison. */
const compared = (change: (client: Client) => Client, table: Description = ours.description) =>
  Effect.gen(function*() {
    const printed: Array<string> = []
    const current = yield* Console.consoleWith(Effect.succeed)
    const code = yield* run(table, (yield* clients).map(change)).pipe(
      Effect.withConsole({ ...current, log: (text: string) => Effect.sync(() => printed.push(text)) })
    )
    const lines = printed.join("\n").split("\n")
    return { code, differences: lines.slice(0, -2), summary: lines.at(-2) ?? "", last: lines.at(-1) }
  })

const difference = (name: string, change: (client: Client) => Client, ...expected: ReadonlyArray<string>) =>
  it.effect(name, () =>
    Effect.gen(function*() {
      const { code, differences, summary } = yield* compared(change)
      assertEqual<unknown>(differences, expected)
      assert.strictEqual(code, 1)
      assert.match(summary, new RegExp(`: ${expected.length} differences? from `))
    }))

const control = (change: (client: Client) => Client) => (client: Client) =>
  client.plane === "control" ? change(client) : client

const data = (change: (client: Client) => Client) => (client: Client) =>
  client.plane === "data" ? change(client) : client

const string = 0

/** A recursive structure. */
const again = (): ReadonlyArray<unknown> => [3, "namespace", "Again", 0, ["again"], [again]]

const operation = (name: string, path: string) => [9, "namespace", name, { http: ["POST", path, 200] }, "unit", "unit"]

const writes = ["CreateOauth2CredentialProvider", "UpdateOauth2CredentialProvider"]

const vendorUses = [
  "CreateOauth2CredentialProvider request credentialProviderVendor",
  "GetOauth2CredentialProvider reply credentialProviderVendor",
  "ListOauth2CredentialProviders reply credentialProviders.*.credentialProviderVendor",
  "UpdateOauth2CredentialProvider request credentialProviderVendor",
  "UpdateOauth2CredentialProvider reply credentialProviderVendor"
]

const privateKeySources = [
  "CreateOauth2CredentialProvider request oauth2ProviderConfigInput",
  "CreateOauth2CredentialProvider reply oauth2ProviderConfigOutput",
  "GetOauth2CredentialProvider reply oauth2ProviderConfigOutput",
  "UpdateOauth2CredentialProvider request oauth2ProviderConfigInput",
  "UpdateOauth2CredentialProvider reply oauth2ProviderConfigOutput"
].map((config) => `${config}.customOauth2ProviderConfig.privateKeyJwtConfig.privateKeySource`)

describe("the comparison with the installed AWS clients", () => {
  it.effect("finds no differences, and reports what it compared and what it skipped", () =>
    Effect.gen(function*() {
      const { code, differences, last, summary } = yield* compared((client) => client)
      assertEqual(differences, [])
      assert.strictEqual(code, 0)
      assert.match(
        summary,
        /^40 operations, 1\d{3} members: no differences from @aws-sdk\/client-bedrock-agentcore \d[\d.]+ and @aws-sdk\/client-bedrock-agentcore-control \d[\d.]+$/
      )
      assert.strictEqual(
        last,
        "Not compared, because the clients do not contain them: lengths, patterns and ranges."
      )
    }))

  difference(
    "finds a private certificate authority of custom providers, which AWS has announced",
    control(withShape(
      "CustomOauth2ProviderConfigInput",
      adding("certificateConfiguration", () => [
        4,
        "namespace",
        "CertificateConfiguration",
        0,
        ["s3", "secretsManager"],
        [
          () => [3, "namespace", "S3Certificate", 0, ["uri", "bucketOwnerAccountId"], [string, string], 1],
          () => [3, "namespace", "SecretsManagerCertificate", 0, ["secretArn"], [string], 1]
        ]
      ])
    )),
    ...writes.map((name) =>
      `${name} request oauth2ProviderConfigInput.customOauth2ProviderConfig.certificateConfiguration: ` +
      "member only in the client (optional union of s3, secretsManager)"
    )
  )

  difference(
    "finds a member that the client no longer has",
    data(withShape("GetResourceApiKeyRequest", removingLast)),
    "GetResourceApiKey request resourceCredentialProviderName: member only in our table (required string)"
  )

  difference(
    "finds a new member of a union",
    data(withShape("UserIdentifier", adding("userName", string))),
    "CompleteResourceTokenAuth request userIdentifier.userName: member only in the client (optional string)"
  )

  difference(
    "finds a second member of a union that has one",
    control(withShape("PrivateKeySource", adding("secretSource", string))),
    ...privateKeySources.map((at) => `${at}.secretSource: member only in the client (optional string)`)
  )

  difference(
    "finds a member that becomes required or optional",
    data((client) =>
      withShape("GetWorkloadAccessTokenRequest", requiring(0))(
        withShape("GetResourceOauth2TokenResponse", requiring(1))(client)
      )
    ),
    "GetResourceOauth2Token reply authorizationUrl: required only in the client",
    "GetWorkloadAccessToken request workloadName: required only in our table"
  )

  difference(
    "finds a secret that is no longer sensitive",
    data(withShape("ApiKeyType", traits(0))),
    "GetResourceApiKey reply apiKey: sensitive only in our table"
  )

  difference(
    "finds a member that becomes sensitive, even if it is nested",
    control(withShape("KmsConfiguration", changing("kmsKeyArn", (reference) => [reference, { sensitive: 1 }]))),
    "GetTokenVault reply kmsConfiguration.kmsKeyArn: sensitive only in the client",
    "SetTokenVaultCMK request kmsConfiguration.kmsKeyArn: sensitive only in the client",
    "SetTokenVaultCMK reply kmsConfiguration.kmsKeyArn: sensitive only in the client"
  )

  difference(
    "finds a new value of an enum, wherever the enum is used",
    control(withModels(
      "readonly Auth0Oauth2: \"Auth0Oauth2\";",
      "readonly Auth0Oauth2: \"Auth0Oauth2\"; readonly AppleOauth2: \"AppleOauth2\";"
    )),
    ...vendorUses.map((at) => `${at}: enum value AppleOauth2 only in the client`)
  )

  difference(
    "finds a value of an enum that the client no longer has",
    control(withModels("readonly Auth0Oauth2: \"Auth0Oauth2\";", "")),
    ...vendorUses.map((at) => `${at}: enum value Auth0Oauth2 only in our table`)
  )

  difference(
    "finds a new error and a removed error of an operation",
    data(withCommand(
      "GetResourceApiKey",
      "@throws {@link ThrottlingException} (client fault)",
      "@throws {@link ConflictException} (client fault)"
    )),
    "GetResourceApiKey error ConflictException: only in the client",
    "GetResourceApiKey error ThrottlingException: only in our table"
  )

  difference(
    "finds another HTTP status of an error",
    data(withShape("ThrottlingException", traits({ error: "client", httpError: 420 }))),
    ...[
      "CompleteResourceTokenAuth",
      "GetResourceApiKey",
      "GetResourceOauth2Token",
      "GetResourcePaymentToken",
      "GetWorkloadAccessToken",
      "GetWorkloadAccessTokenForJWT",
      "GetWorkloadAccessTokenForUserId"
    ].map((name) => `${name} error ThrottlingException: HTTP 429 in our table, HTTP 420 in the client`)
  )

  difference(
    "finds another method, path and status of an operation",
    data(withShape("GetResourceApiKey", traits({ http: ["PUT", "/identities/apikey", 202] }))),
    "GetResourceApiKey method: POST in our table, PUT in the client",
    "GetResourceApiKey path: /identities/api-key in our table, /identities/apikey in the client",
    "GetResourceApiKey status: 200 in our table, 202 in the client"
  )

  difference(
    "finds a member with another location in the HTTP request",
    control(withShape("UntagResourceRequest", changing("tagKeys", () => [64, { httpQuery: "keys" }]))),
    "UntagResource request tagKeys: in the query in our table, in the query as keys in the client"
  )

  difference(
    "finds a member of another type",
    data(withShape("GetWorkloadAccessTokenRequest", changing("workloadName", () => 64))),
    "GetWorkloadAccessToken request workloadName: string in our table, list in the client"
  )

  difference(
    "finds new operations of identity, tags and policies, and ignores all others",
    control((client) =>
      Object.entries({
        RotateSecret: "/identities/RotateSecret",
        ListTags: "/tags",
        ListPolicies: "/resourcepolicy/",
        CreateGizmo: "/gizmos/identities/"
      }).reduce((all, [name, path]) => withExport(`${name}$`, operation(name, path))(all), client)
    ),
    "ListPolicies: operation only in the client (POST /resourcepolicy/)",
    "ListTags: operation only in the client (POST /tags)",
    "RotateSecret: operation only in the client (POST /identities/RotateSecret)"
  )

  difference(
    "finds an operation that the client no longer has",
    control(withExport("GetTokenVault$")),
    "GetTokenVault: operation only in our table"
  )

  difference(
    "terminates on a recursive shape and an unknown schema form, and reports both",
    data((client) =>
      withShape("UserIdentifier", adding("again", again))(
        withShape("GetWorkloadAccessTokenRequest", changing("workloadName", () => "unheard of"))(client)
      )
    ),
    "CompleteResourceTokenAuth request userIdentifier.again: member only in the client (optional structure of again)",
    "GetWorkloadAccessToken request workloadName: string in our table, a schema of an unknown form in the client"
  )

  it.effect("reports an expected difference that no longer exists", () =>
    Effect.gen(function*() {
      const { code, differences } = yield* compared(
        data(withShape("CompleteResourceTokenAuthRequest", changing("sessionUri", (reference) => [reference, 8])))
      )
      assertEqual(differences, [
        "no longer a difference, remove it: CompleteResourceTokenAuth request sessionUri: sensitive only in our table"
      ])
      assert.strictEqual(code, 1)
    }))

  it.effect("reports members and errors that exist only in the table", () =>
    Effect.gen(function*() {
      const table = Record.map(ours.description, (operation, name) =>
        name === "GetResourceApiKey"
          ? {
            ...operation,
            errors: { ...operation.errors, ConflictException: 409 },
            reply: { ...operation.reply, members: { ...operation.reply.members, ...operation.request.members } }
          }
          : operation)
      const { differences } = yield* compared((client) => client, table)
      assertEqual(differences, [
        "GetResourceApiKey reply resourceCredentialProviderName: member only in our table (required string)",
        "GetResourceApiKey reply workloadIdentityToken: member only in our table (required sensitive string)",
        "GetResourceApiKey error ConflictException: only in our table"
      ])
    }))
})
