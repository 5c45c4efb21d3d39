/** A storage in memory whose commits a test can hold, and every kind of record. */
import { Deferred, Effect, Queue, Redacted, Ref } from "effect"
import type * as IdentityApi from "../../src/IdentityApi.js"
import type * as IdentityControls from "../../src/IdentityControls.js"
import type { Storage, StorageProblem } from "../../src/internal/emulator/persistence/durableStore.js"
import { type Change, type Entry, restorer } from "../../src/internal/emulator/persistence/records.js"
import type { Settings } from "../../src/internal/emulator/state/arns.js"
import type { State } from "../../src/internal/emulator/state/state.js"
import { jwt } from "./agent.js"
import { providerName, returnUrl, workloadName } from "./issuer.js"

/** A commit that is held until the test lets it succeed or fail. */
export interface Held {
  readonly changes: ReadonlyArray<Change>
  readonly done: Deferred.Deferred<void, StorageProblem>
}

/** The keys of the changes, with a minus for removed records. */
export const keysOf = (changes: ReadonlyArray<Change>) =>
  changes.map(({ key, value }) => value === undefined ? `-${key}` : key)

/** All records of a storage. */
export const loaded = ({ load }: Storage) =>
  Effect.suspend(() => {
    const entries: Array<Entry> = []
    return Effect.map(load((entry) => entries.push(entry)), (): ReadonlyArray<Entry> => entries)
  })

/** The state in these records, or why they cannot be read. */
export const restore = (records: Iterable<Entry>, settings: Settings, state: State) => {
  const { add, result } = restorer(settings, state)
  for (const entry of records) add(entry)
  return result()
}

/** A storage with these records. */
export const make = (initial: Iterable<Entry> = []) =>
  Effect.gen(function*() {
    const records = new Map(initial)
    const isHolding = yield* Ref.make(false)
    const commits: Array<ReadonlyArray<Change>> = []
    const held = yield* Queue.unbounded<Held>()
    const wait = (changes: ReadonlyArray<Change>) =>
      Effect.gen(function*() {
        if (!(yield* Ref.get(isHolding))) return
        const done = yield* Deferred.make<void, StorageProblem>()
        yield* Queue.offer(held, { changes, done })
        yield* Deferred.await(done)
      })
    const storage: Storage = {
      header: Effect.sync(() => ({ isNew: records.size === 0, version: records.get("meta/version") })),
      load: (add) => Effect.sync(() => [...records].forEach((entry) => add(entry))),
      commit: (changes) =>
        Effect.zipRight(
          wait(changes),
          Effect.sync(() => {
            commits.push(changes)
            for (const { key, value } of changes) {
              if (value === undefined) records.delete(key)
              else records.set(key, value)
            }
          })
        )
    }
    return {
      storage,
      records,
      commits,
      /** Holds all later commits. */
      hold: Ref.set(isHolding, true),
      /** Lets all later commits succeed at once. */
      release: Ref.set(isHolding, false),
      /** The next held commit. */
      next: Queue.take(held),
      /** The number of held commits. */
      waiting: Queue.size(held)
    }
  })

const secret = Redacted.make("secret")

/** Creates at least one record of each kind. */
export const populate = (
  api: IdentityApi.IdentityApi["Type"],
  controls: IdentityControls.IdentityControls["Type"]
) =>
  Effect.gen(function*() {
    const tags = { team: "agents" }
    const { workloadIdentityArn: resourceArn } = yield* api.createWorkloadIdentity({
      name: workloadName,
      allowedResourceOauth2ReturnUrls: [returnUrl],
      tags
    })
    yield* controls.linkToService("linked")
    yield* api.putResourcePolicy({ resourceArn, policy: "{}" })
    const oauth2 = yield* api.createOauth2CredentialProvider({
      name: providerName,
      credentialProviderVendor: "GoogleOauth2",
      oauth2ProviderConfigInput: { googleOauth2ProviderConfig: { clientId: "id", clientSecret: secret } }
    })
    yield* controls.setIssuer("elsewhere", { discoveryUrl: "https://idp.example/.well-known/openid-configuration" })
    yield* controls.setSecret("mine\ud800", Redacted.make("{\"key\":\"external\"}"))
    const apiKey = yield* api.createApiKeyCredentialProvider({ name: "key", apiKey: secret })
    yield* api.createApiKeyCredentialProvider({
      name: "external",
      apiKeySecretSource: "EXTERNAL",
      apiKeySecretConfig: { secretId: "mine\ud800", jsonKey: "key" }
    })
    const payment = yield* api.createPaymentCredentialProvider({
      name: "coinbase",
      credentialProviderVendor: "CoinbaseCDP",
      providerConfigurationInput: { coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: secret } }
    })
    yield* api.createPaymentCredentialProvider({
      name: "privy",
      credentialProviderVendor: "StripePrivy",
      providerConfigurationInput: {
        stripePrivyConfiguration: { appId: "app", appSecret: secret, authorizationId: "auth" }
      }
    })
    const portal = yield* api.createConsentPortal({
      name: "portal",
      executionRoleArn: "arn:aws:iam::123456789012:role/portal",
      idpConfig: { credentialProviderArn: oauth2.credentialProviderArn, scopes: ["openid"] },
      sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" }]
    })
    yield* api.getWorkloadAccessToken({ workloadName })
    const userToken = jwt({ iss: "https://issuer.example", sub: "ada" })
    const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
    const asked = {
      workloadIdentityToken: workloadAccessToken,
      resourceCredentialProviderName: providerName,
      scopes: ["read"],
      resources: ["https://api.example"],
      audiences: ["api"],
      oauth2Flow: "USER_FEDERATION",
      resourceOauth2ReturnUrl: returnUrl,
      customState: Redacted.make("state"),
      customParameters: { access_type: Redacted.make("offline") }
    } as const
    const { sessionUri = secret } = yield* api.getResourceOauth2Token(asked)
    yield* controls.approve(sessionUri)
    yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userToken } })
    yield* api.getResourceOauth2Token({ ...asked, scopes: ["write"] })
    return {
      consentPortalId: portal.consentPortalId,
      resourceArns: [
        resourceArn,
        oauth2.credentialProviderArn,
        apiKey.credentialProviderArn,
        payment.credentialProviderArn,
        portal.consentPortalArn
      ]
    }
  })
