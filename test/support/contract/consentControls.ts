import { assert } from "@effect/vitest"
import { Effect, Fiber, Layer, Queue, Redacted } from "effect"
import * as AccessToken from "../../../src/AccessToken.js"
import * as Consent from "../../../src/Consent.js"
import * as ConsentLedger from "../../../src/ConsentLedger.js"
import * as ConsentSeal from "../../../src/ConsentSeal.js"
import * as IdentityControls from "../../../src/IdentityControls.js"
import * as IdentityError from "../../../src/IdentityError.js"
import * as WorkloadAccessToken from "../../../src/WorkloadAccessToken.js"
import { agent, asUser, jwt, workloadName } from "../agent.js"
import { required } from "../consenting.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

const userToken = jwt({ iss: "https://issuer.example", sub: "ada" })

/** The users of a federated provider consent at its own pages, which these controls do not open. */
const isFederated = Effect.gen(function*() {
  const { oauth2CredentialProviders: all } = yield* (yield* IdentityControls.IdentityControls).inventory
  return all.some(({ issuer }) => issuer === "federated")
})

/** The test controls that answer a consent, on every layer. */
export const consentControls = section("test controls of a consent", (test) => {
  test(
    "IdentityControls.consent approves and completes a consent of a user who is named by id or by JWT",
    Effect.gen(function*() {
      const { identity } = yield* agent
      for (const user of [{ userId: "ada" }, { userToken }]) {
        const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, ...user })
        const ask = identity.getToken({ ...asUser, workloadAccessToken })
        const error = yield* required(ask)
        yield* IdentityControls.consent(error)
        assert.isNotEmpty(Redacted.value(yield* ask))
        const again = yield* required(identity.getToken({ ...asUser, workloadAccessToken, forceAuthentication: true }))
        yield* IdentityControls.consent(again.sessionUri)
        assert.isNotEmpty(Redacted.value(yield* ask))
      }
    })
  )

  test(
    "a call that waits receives its token after IdentityControls.consent, from onAuthUrl and from another fiber",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const request = { ...asUser, workloadAccessToken, forceAuthentication: true }
      const token = yield* identity.getToken({
        ...request,
        consent: Consent.wait({ onAuthUrl: (_, consent) => IdentityControls.consent(consent) })
      })
      assert.isNotEmpty(Redacted.value(token))
      const asked = yield* Queue.unbounded<IdentityError.ConsentRequired>()
      const fiber = yield* Effect.fork(identity.getToken({
        ...request,
        consent: Consent.wait({ onAuthUrl: (_, consent) => Queue.offer(asked, consent) })
      }))
      yield* IdentityControls.consent(yield* Queue.take(asked))
      assert.isNotEmpty(Redacted.value(yield* Fiber.join(fiber)))
    })
  )

  test(
    "an agent that is not changed receives its token under Consent.layer(IdentityControls.autoConsent)",
    Effect.gen(function*() {
      yield* agent
      const token = yield* AccessToken.AccessToken.pipe(
        AccessToken.provideAccessToken(asUser),
        Effect.provide(Layer.merge(
          WorkloadAccessToken.layer({ workloadName, userToken }),
          Consent.layer(IdentityControls.autoConsent)
        ))
      )
      assert.isNotEmpty(Redacted.value(token))
      const { sessions } = yield* IdentityControls.IdentityControls
      assertEqual((yield* sessions).map(({ status }) => status), ["completed"])
    })
  )

  test(
    "under IdentityControls.layerAutoConsent each call succeeds, or its repetition, whatever its strategy is",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      if (yield* isFederated) return
      const request = { ...asUser, workloadAccessToken, forceAuthentication: true }
      const repetition = identity.getToken({ ...asUser, workloadAccessToken })
      const { sessions } = yield* IdentityControls.IdentityControls
      const before = yield* required(identity.getToken(request))
      yield* Effect.gen(function*() {
        for (const consent of [Consent.wait({ onAuthUrl: () => Effect.void }), IdentityControls.autoConsent]) {
          assert.isNotEmpty(Redacted.value(yield* identity.getToken({ ...request, consent })))
        }
        for (const consent of [undefined, Consent.fail]) {
          yield* required(identity.getToken({ ...request, consent }))
          assert.isNotEmpty(Redacted.value(yield* repetition))
        }
        const { handle } = yield* required(identity.getToken({ ...request, consent: Consent.suspend }))
        const resumed = identity.resume(handle ?? Redacted.make(""), { wait: false, workloadAccessToken })
        assertEqual(yield* resumed, yield* repetition)
      }).pipe(
        Effect.provide(Layer.mergeAll(
          IdentityControls.layerAutoConsent,
          ConsentSeal.layerEphemeral,
          ConsentLedger.layerMemory
        ))
      )
      yield* required(identity.getToken(request))
      const completed = "completed" as const
      assertEqual(
        (yield* sessions).map(({ status }) => status),
        ["pending", completed, completed, completed, completed, completed, "pending"]
      )
      assert.strictEqual(before.providerName, "github")
    })
  )

  test(
    "IdentityControls.consent completes a session whose completion failed before, because an external secret was missing",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      if (yield* isFederated) return
      yield* IdentityControls.seed({
        oauth2CredentialProviders: [{
          name: "external",
          credentialProviderVendor: "GithubOauth2",
          oauth2ProviderConfigInput: {
            githubOauth2ProviderConfig: {
              clientId: "id",
              clientSecretSource: "EXTERNAL",
              clientSecretConfig: { secretId: "late", jsonKey: "key" }
            }
          }
        }]
      })
      const ask = identity.getToken({ ...asUser, workloadAccessToken, providerName: "external" })
      const error = yield* required(ask)
      assert.strictEqual((yield* Effect.flip(IdentityControls.consent(error)))._tag, "ProviderRefused")
      yield* IdentityControls.seed({ secrets: { late: { key: "secret" } } })
      yield* IdentityControls.consent(error)
      assert.isNotEmpty(Redacted.value(yield* ask))
      assert.strictEqual((yield* Effect.flip(IdentityControls.consent(error)))._tag, "SessionNotPending")
    })
  )

  test(
    "a session that was answered, or does not exist, fails with SessionNotPending or SessionNotApproved",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { complete, deny, sessions } = yield* IdentityControls.IdentityControls
      const ask = required(identity.getToken({ ...asUser, workloadAccessToken, forceAuthentication: true }))
      const tags = (session: Parameters<typeof IdentityControls.consent>[0], uri: Redacted.Redacted) =>
        Effect.all([
          Effect.map(Effect.flip(IdentityControls.consent(session)), ({ _tag }) => _tag),
          Effect.map(Effect.flip(complete(uri)), ({ _tag }) => _tag)
        ])
      const failures: Effect.Effect.Success<ReturnType<typeof tags>> = ["SessionNotPending", "SessionNotApproved"]
      const unknown = Redacted.make("urn:ietf:params:oauth:request_uri:none")
      assertEqual(yield* tags(unknown, unknown), failures)
      const consented = yield* ask
      assert.strictEqual((yield* Effect.flip(complete(consented.sessionUri)))._tag, "SessionNotApproved")
      yield* IdentityControls.consent(consented)
      assertEqual(yield* tags(consented, consented.sessionUri), failures)
      const denied = yield* ask
      yield* deny(denied.sessionUri)
      assertEqual(yield* tags(denied, denied.sessionUri), failures)
      const expired = yield* ask
      yield* Effect.sleep("601 seconds")
      assertEqual(yield* tags(expired, expired.sessionUri), failures)
      // The sessions that `sessions` lists are accepted too.
      yield* ask
      const last = (yield* sessions).at(-1)
      if (last !== undefined) yield* IdentityControls.consent(last)
      assert.strictEqual((yield* sessions).at(-1)?.status, "completed")
    })
  )

  test(
    "a completion by the test controls is not in the journal, and uses up no injected failure",
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const controls = yield* IdentityControls.IdentityControls
      const denied = new IdentityError.AccessDenied({ operation: "CompleteResourceTokenAuth", message: "injected" })
      yield* controls.failNext("completeResourceTokenAuth", denied)
      const error = yield* required(identity.getToken({ ...asUser, workloadAccessToken }))
      const before = (yield* controls.journal).length
      yield* IdentityControls.consent(error)
      assert.strictEqual((yield* controls.journal).length, before)
      assert.strictEqual((yield* controls.pendingFailures).length, 1)
    })
  )
})
