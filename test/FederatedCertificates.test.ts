import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger, LogLevel, Redacted } from "effect"
import { globalAgent } from "node:https"
import { rootCertificates } from "node:tls"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import * as certificates from "../src/internal/lib/certificates.js"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { selfSigned } from "./fixtures/selfSigned.js"
import { workloadName } from "./support/agent.js"
import { overTls } from "./support/answering.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"

const layer = (certificateAuthorities?: ReadonlyArray<string>) =>
  IdentityService.layerTest.pipe(
    Layer.provide(FederatedIssuer.layer({ certificateAuthorities })),
    Layer.provide(Logger.minimumLogLevel(LogLevel.None))
  )

/** An authorization server with a certificate from the private authority. */
const server = overTls((request, response) => {
  const origin = `https://${request.headers.host}`
  response.writeHead(200, { "content-type": "application/json" }).end(
    JSON.stringify(
      request.url === "/token"
        ? { access_token: "a-token", token_type: "Bearer", expires_in: 60 }
        : { issuer: origin, token_endpoint: `${origin}/token` }
    )
  )
}, privateAuthority)

const machineToken = (origin: string) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { providerFailures } = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({ name: workloadName })
    yield* federated.provide(`${origin}/.well-known/openid-configuration`)
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName })
    const asMachine = { providerName: federated.providerName, scopes: ["read"], authFlow: "M2M" } as const
    const outcome = yield* Effect.either(identity.getToken({ ...asMachine, workloadAccessToken }))
    const token = outcome._tag === "Right" ? Redacted.value(outcome.right) : outcome.left.message
    return { token, failures: yield* providerFailures }
  })

describe("an authorization server with a certificate of a private authority", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<string> | undefined]> = [
    ["no authority is given", undefined],
    ["the list of authorities is empty", []],
    ["another authority is trusted", [privateAuthority.otherAuthority]]
  ]
  for (const [when, authorities] of cases) {
    it.scopedLive(`receives no request if ${when}`, () =>
      Effect.gen(function*() {
        const { failures, token } = yield* machineToken(yield* server)
        assert.strictEqual(token, "Failed to retrieve token")
        assert.strictEqual(failures.length, 1)
        assertContains(failures[0], { step: "discovery", reason: "Certificate" })
      }).pipe(Effect.provide(layer(authorities))))
  }

  for (
    const [how, authorities] of [
      ["alone", [privateAuthority.authority]],
      ["in one text with another", [
        `# a comment\n${privateAuthority.otherAuthority}\n${privateAuthority.authority}\n`
      ]],
      ["beside another", [privateAuthority.otherAuthority, privateAuthority.authority]],
      ["with the line ends of Windows", [privateAuthority.authority.replaceAll("\n", "\r\n")]]
    ] as const
  ) {
    it.scopedLive(`receives requests if its authority is trusted, ${how}`, () =>
      Effect.gen(function*() {
        const { failures, token } = yield* machineToken(yield* server)
        assertEqual(failures, [])
        assert.strictEqual(token, "a-token")
      }).pipe(Effect.provide(layer(authorities))))
  }

  it.scopedLive("is not trusted by other clients in the program, such as AWS clients", () =>
    Effect.gen(function*() {
      const origin = yield* server
      assert.strictEqual((yield* machineToken(origin)).token, "a-token")
      assert.isUndefined(globalAgent.options.ca)
      const identity = yield* AwsIdentity.make({
        region: "us-east-1",
        dataEndpoint: origin,
        controlEndpoint: origin,
        credentials: { accessKeyId: "test", secretAccessKey: "test" }
      })
      const error = yield* Effect.flip(identity.getWorkloadIdentity({ name: workloadName }))
      assert.strictEqual(error._tag, "TransportFailure")
    }).pipe(Effect.provide(layer([privateAuthority.authority]))))
})

describe("the trusted certificates", () => {
  it("consist of the public roots and the given authorities", () => {
    const trusted = new Set(certificates.trusted([privateAuthority.authority]))
    assert.isAbove(rootCertificates.length, 100)
    for (const root of rootCertificates) assert.isTrue(trusted.has(root))
    assert.isTrue(trusted.has(privateAuthority.authority))
  })
})

describe("a certificate authority that", () => {
  const cases: ReadonlyArray<readonly [what: string, pem: string, problem: string]> = [
    ["is not PEM text", "0\u0082\u0001\u0002", "is not PEM text"],
    ["is empty", "", "is not PEM text"],
    ["has a private key", `${privateAuthority.authority}\n${privateAuthority.key}`, "contains a private key"],
    [
      "has an encrypted private key",
      `${privateAuthority.authority}\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n`,
      "contains a private key"
    ],
    [
      "has no certificate",
      "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQ==\n-----END PUBLIC KEY-----",
      "contains no certificate"
    ],
    ["is cut off", privateAuthority.authority.slice(0, 200), "contains no certificate"],
    [
      "has a certificate that cannot be read",
      `${privateAuthority.authority}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
      "contains a certificate that cannot be read, number 2"
    ]
  ]
  for (const [what, pem, problem] of cases) {
    it.effect(`${what} is a defect that names the option without its content`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(Layer.build(layer([selfSigned.cert, pem]))).pipe(Effect.scoped)
        const told = Exit.match(exit, { onSuccess: () => "", onFailure: Cause.pretty })
        assert.include(told, `FederatedIssuer.layer: certificateAuthorities[1] ${problem}`)
        assert.notInclude(told, privateAuthority.key.slice(40, 80))
      }))
  }
})
