import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Redacted, TestClock } from "effect"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import type * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import * as TokenPoller from "../src/TokenPoller.js"
import { agent, asUser, callbackUrl, jwt, workloadName } from "./support/agent.js"
import { required } from "./support/consenting.js"
import type { Services } from "./support/contract/section.js"
import { assertContains, assertEqual } from "./support/equality.js"
import { temporary } from "./support/temporary.js"

const layers: ReadonlyArray<readonly [string, Layer.Layer<Services, StoredIdentity.StorageError>]> = [
  ["MemoryIdentity.layer", MemoryIdentity.layer()],
  ["IdentityService.layerTest", IdentityService.layerTest],
  [
    "StoredIdentity.layer",
    Layer.unwrapScoped(Effect.map(temporary, (directory) => StoredIdentity.layer({ directory })))
  ],
  [
    "IdentityService.layer over MemoryIdentity.layerApi",
    Layer.provideMerge(IdentityService.layer, MemoryIdentity.layerApi())
  ]
]

/** A call that only the completion event ends: it does not poll. */
const waiting = Effect.gen(function*() {
  const { identity } = yield* agent
  const userToken = jwt({ iss: "https://issuer.example", sub: "ada" })
  const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userToken })
  const asked = yield* Deferred.make<IdentityError.ConsentRequired>()
  const call = yield* Effect.fork(identity.getToken({
    ...asUser,
    workloadAccessToken,
    consent: Consent.wait({
      onAuthUrl: (_, consent) => Deferred.succeed(asked, consent),
      tokenPoller: TokenPoller.completionOnly
    })
  }))
  return { call, consent: yield* Deferred.await(asked), userToken }
})

describe("a call that waits", () => {
  for (const [name, layer] of layers) {
    it.effect(`wakes at once when IdentityControls.consent completes its consent: ${name}`, () =>
      Effect.gen(function*() {
        const { call, consent } = yield* waiting
        yield* IdentityControls.consent(consent)
        assert.isNotEmpty(Redacted.value(yield* Fiber.join(call)))
      }).pipe(Effect.provide(layer)))
  }

  for (const [name, layer] of layers) {
    it.effect(`ends at once when its session is denied or expires, also from onAuthUrl: ${name}`, () =>
      Effect.gen(function*() {
        const { call, consent } = yield* waiting
        const controls = yield* IdentityControls.IdentityControls
        const identity = yield* IdentityService.IdentityService
        const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
        yield* controls.deny(consent.sessionUri)
        assert.strictEqual((yield* Effect.flip(Fiber.join(call)))._tag, "ConsentDenied")
        for (const [end, tag] of [["deny", "ConsentDenied"], ["expireSession", "ConsentTimedOut"]] as const) {
          const error = yield* Effect.flip(identity.getToken({
            ...asUser,
            workloadAccessToken,
            consent: Consent.wait({ onAuthUrl: (_, { sessionUri }) => controls[end](sessionUri) })
          }))
          assert.strictEqual(error._tag, tag)
        }
      }).pipe(Effect.provide(layer)))
  }

  it.effect("wakes at once when another user of the same service in memory completes its consent", () =>
    Effect.gen(function*() {
      const { call, consent: { sessionUri }, userToken } = yield* waiting
      const { approve } = yield* IdentityControls.IdentityControls
      const api = yield* IdentityApi.IdentityApi
      yield* approve(sessionUri)
      yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userToken(userToken) })
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(call)))
    }).pipe(Effect.provide(MemoryIdentity.layer())))
})

describe("IdentityControls.layerAutoConsent", () => {
  for (const [name, layer] of layers) {
    it.effect(`gives a call that waits without polls its token, also if it opens another session: ${name}`, () =>
      Effect.gen(function*() {
        const { identity, workloadAccessToken } = yield* agent
        const consent = Consent.wait({ onAuthUrl: () => Effect.void, tokenPoller: TokenPoller.completionOnly })
        for (const forceAuthentication of [false, true]) {
          const token = yield* identity.getToken({ ...asUser, workloadAccessToken, forceAuthentication, consent })
          assert.isNotEmpty(Redacted.value(token))
        }
      }).pipe(Effect.provide(IdentityControls.layerAutoConsent.pipe(Layer.provideMerge(layer)))))
  }
})

describe("IdentityControls.failNext", () => {
  it.effect("takes the tag of an error that the model lists: 5 failures for one call and its 4 retries", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const controls = yield* IdentityControls.IdentityControls
      yield* controls.failNext("getResourceOauth2Token", "Throttled", 5)
      const call = yield* Effect.fork(Effect.flip(identity.getToken({ ...asUser, workloadAccessToken })))
      yield* TestClock.adjust("1 minute")
      assertContains(yield* Fiber.join(call), { _tag: "Throttled", operation: "GetResourceOauth2Token" })
      assertEqual(yield* controls.pendingFailures, [])
    }).pipe(Effect.provide(MemoryIdentity.layer())))
})

describe("IdentityControls.consent", () => {
  it.effect("fails with NotSimulated for a federated provider, and leaves the session pending", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { sessions, setIssuer } = yield* IdentityControls.IdentityControls
      yield* setIssuer("github", "federated")
      const consent = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      const error = yield* Effect.flip(IdentityControls.consent(consent))
      assertEqual(error, new IdentityControls.NotSimulated({ providerName: "github" }))
      assertEqual((yield* sessions).map(({ status }) => status), ["pending"])
      const exit = yield* Effect.exit(
        identity.getToken({ ...asUser, workloadAccessToken, consent: IdentityControls.autoConsent })
      )
      assertEqual(Exit.mapError(exit, () => "typed"), Exit.die(error))
    }).pipe(Effect.provide(MemoryIdentity.layer().pipe(Layer.provide(FederatedIssuer.layer())))))

  it.effect("fails with ProviderRefused if the EXTERNAL secret of the provider is missing, and succeeds later", () =>
    Effect.gen(function*() {
      const identity = yield* IdentityService.IdentityService
      const controls = yield* IdentityControls.IdentityControls
      yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
      yield* identity.createOauth2CredentialProvider({
        name: "github",
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: {
          githubOauth2ProviderConfig: {
            clientId: "client",
            clientSecretSource: "EXTERNAL",
            clientSecretConfig: { secretId: "the-secret", jsonKey: "key" }
          }
        }
      })
      const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
      const ask = identity.getToken({ ...asUser, workloadAccessToken })
      const { sessionUri } = yield* required(ask)
      const error = yield* Effect.flip(IdentityControls.consent(sessionUri))
      assert.instanceOf(error, IdentityControls.ProviderRefused)
      assert.include(error.message, "provider 'github'")
      yield* controls.setSecret("the-secret", Redacted.make(JSON.stringify({ key: "s" })))
      yield* controls.complete(sessionUri)
      assert.isNotEmpty(Redacted.value(yield* ask))
    }).pipe(Effect.provide(MemoryIdentity.layer())))

  it.effect("reports no secret in its errors", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const consent = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      yield* IdentityControls.consent(consent)
      const exit = yield* Effect.exit(IdentityControls.consent(consent))
      const text = Exit.isFailure(exit) ? `${Cause.pretty(exit.cause)} ${JSON.stringify(exit)}` : ""
      assert.include(text, "no session with this URI is pending")
      assert.notInclude(text, Redacted.value(consent.sessionUri))
    }).pipe(Effect.provide(MemoryIdentity.layer())))
})

describe("IdentityControls.seed", () => {
  it.effect("fails with SeedFailed, which names the member that the service rejects and those applied before it", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(IdentityControls.seed({
        workloadIdentities: [{ name: workloadName }],
        apiKeyCredentialProviders: [{ name: "weather", apiKey: "very-secret" }, { name: "maps", apiKey: "very-secret" }]
      }))
      assert.instanceOf(error, IdentityControls.SeedFailed)
      assert.strictEqual(error.path, "apiKeyCredentialProviders[1]")
      assert.strictEqual(error.error._tag, "ServiceQuotaExceeded")
      assert.match(error.message, /^apiKeyCredentialProviders\[1\]: ServiceQuotaExceeded: .*apiKeyProviders/)
      assertEqual(error.applied, [
        { member: "workloadIdentities", name: workloadName, outcome: "created" },
        { member: "apiKeyCredentialProviders", name: "weather", outcome: "created" }
      ])
    }).pipe(Effect.provide(MemoryIdentity.layer({ quotas: { apiKeyProviders: 1 } }))))

  it.effect("validates a decoded seed as the service does", () =>
    Effect.gen(function*() {
      const { seed } = yield* IdentityControls.IdentityControls
      const error = yield* Effect.flip(seed({ workloadIdentities: [{ name: "?" }] }))
      assert.strictEqual(error.error._tag, "ValidationError")
    }).pipe(Effect.provide(MemoryIdentity.layer())))
})
