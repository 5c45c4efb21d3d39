import { assert, describe, it } from "@effect/vitest"
import { ClassicLevel } from "classic-level"
import { Context, Effect, Encoding, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as emulator from "../src/internal/emulator/emulator.js"
import { StorageProblem } from "../src/internal/emulator/persistence/durableStore.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import { suite } from "./support/contract.js"
import { damages } from "./support/damages.js"
import { assertEqual } from "./support/equality.js"
import * as Server from "./support/server.js"
import { temporary } from "./support/temporary.js"

suite(
  "SDK over HTTP over a folder",
  Server.over(Layer.unwrapScoped(Effect.map(temporary, (directory) => StoredIdentity.layerApi({ directory }))))
)

/** One life of the service in the folder. */
const life = <A, E>(
  directory: string,
  body: (
    api: IdentityApi.IdentityApi["Type"],
    controls: IdentityControls.IdentityControls["Type"]
  ) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    return yield* body(yield* IdentityApi.IdentityApi, yield* IdentityControls.IdentityControls)
  }).pipe(Effect.provide(StoredIdentity.layerApi({ directory })))

const refusal = (directory: string) =>
  Effect.flip(life(directory, () => Effect.void)).pipe(
    Effect.tap((error) => {
      assert.instanceOf(error, StoredIdentity.StorageError)
      assert.strictEqual(error.directory, directory)
      assert.include(error.message, directory)
    }),
    Effect.map(({ message }) => message)
  )

const test = <E>(name: string, body: (directory: string) => Effect.Effect<void, E, Scope.Scope>) =>
  it.scoped(name, () => Effect.flatMap(temporary, body))

const workloadName = "my-agent"
const resourceOauth2ReturnUrl = "https://app.example.com/done"
const secret = Redacted.make("very-secret")
const google = {
  name: "google",
  credentialProviderVendor: "GoogleOauth2",
  oauth2ProviderConfigInput: { googleOauth2ProviderConfig: { clientId: "id", clientSecret: secret } }
} as const
const userToken = Redacted.make(
  `e30.${Encoding.encodeBase64Url(JSON.stringify({ iss: "https://issuer.example", sub: "ada" }))}.c2ln`
)
const create = (directory: string, ...names: ReadonlyArray<string>) =>
  life(directory, (api) => Effect.forEach(names, (name) => api.createWorkloadIdentity({ name })))

const shown = (api: IdentityApi.IdentityApi["Type"], controls: IdentityControls.IdentityControls["Type"]) =>
  Effect.all({
    workloads: api.listWorkloadIdentities({}),
    workload: api.getWorkloadIdentity({ name: workloadName }),
    provider: api.getOauth2CredentialProvider({ name: "google" }),
    key: api.getApiKeyCredentialProvider({ name: "key" }),
    external: api.getApiKeyCredentialProvider({ name: "external" }),
    payment: api.getPaymentCredentialProvider({ name: "pay" }),
    vault: api.getTokenVault({}),
    portals: Effect.map(
      api.listConsentPortals({}),
      (_) => _.consentPortals.map(({ consentPortalArn }) => consentPortalArn)
    ),
    sessions: controls.sessions,
    grants: controls.grants
    // A member that is `undefined` is not written down.
  }).pipe(Effect.map((all): unknown => JSON.parse(JSON.stringify(all))))

describe("StoredIdentity", () => {
  test("a copy of the folder without the key reveals no names and no secrets", (directory) =>
    Effect.gen(function*() {
      const { asked, token } = yield* life(directory, (api, controls) =>
        Effect.gen(function*() {
          yield* api.createWorkloadIdentity({
            name: workloadName,
            allowedResourceOauth2ReturnUrls: [resourceOauth2ReturnUrl]
          })
          yield* api.createOauth2CredentialProvider(google)
          const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForUserId({ workloadName, userId: "ada" })
          const asked = {
            workloadIdentityToken: workloadAccessToken,
            resourceCredentialProviderName: "google",
            scopes: ["mail"],
            oauth2Flow: "USER_FEDERATION" as const,
            resourceOauth2ReturnUrl
          }
          const { sessionUri = "" } = yield* api.getResourceOauth2Token(asked)
          const uri = typeof sessionUri === "string" ? Redacted.make(sessionUri) : sessionUri
          yield* controls.approve(uri)
          yield* api.completeResourceTokenAuth({ sessionUri: uri, userIdentifier: { userId: "ada" } })
          return { asked, token: (yield* api.getResourceOauth2Token(asked)).accessToken ?? Redacted.make("") }
        }))
      const everything = readdirSync(directory).map((name) => readFileSync(join(directory, name), "latin1")).join("")
      for (
        const text of [
          Redacted.value(token),
          Redacted.value(asked.workloadIdentityToken),
          "very-secret",
          "simulated-refresh",
          "urn:ietf:params:oauth:request_uri"
        ]
      ) assert.isFalse(everything.includes(text), text)
      assert.strictEqual(statSync(`${directory}.key`).mode & 0o777, 0o600)
      chmodSync(`${directory}.key`, 0o644)
      const again = yield* life(directory, (api) => api.getResourceOauth2Token(asked))
      assertEqual(again.accessToken, token)
      assert.strictEqual(statSync(`${directory}.key`).mode & 0o777, 0o600)
    }))

  test("without its key, or with another key, the folder cannot be opened and is not changed", (directory) =>
    Effect.gen(function*() {
      const key = `${directory}.key`
      yield* create(directory, "one-agent")
      const right = readFileSync(key, "utf8")
      rmSync(key)
      assert.match(yield* refusal(directory), /its key .*data\.key is missing/)
      assert.isFalse(existsSync(key))
      writeFileSync(key, `${"0".repeat(64)}\n`)
      assert.match(yield* refusal(directory), /is not encrypted with the key in/)
      writeFileSync(key, "none")
      assert.match(yield* refusal(directory), /holds no key/)
      writeFileSync(key, right)
      const { workloadIdentities } = yield* life(directory, (api) => api.listWorkloadIdentities({}))
      assertEqual(workloadIdentities.map(({ name }) => name), ["one-agent"])
    }))

  test("creates the key again if only its temporary file exists", (directory) =>
    Effect.gen(function*() {
      const key = `${directory}.key`
      writeFileSync(`${key}.new`, "")
      yield* create(directory, "one-agent")
      assert.match(readFileSync(key, "utf8"), /^[0-9a-f]{64}\n$/)
      assert.strictEqual(statSync(key).mode & 0o777, 0o600)
      assert.isFalse(existsSync(`${key}.new`))
    }))

  test("restores the whole state", (directory) =>
    Effect.gen(function*() {
      const before = yield* life(directory, (api, controls) =>
        Effect.gen(function*() {
          const workload = yield* api.createWorkloadIdentity({
            name: workloadName,
            allowedResourceOauth2ReturnUrls: [resourceOauth2ReturnUrl],
            tags: { team: "a" }
          })
          yield* controls.linkToService("linked")
          yield* api.createOauth2CredentialProvider(google)
          yield* api.createConsentPortal({
            name: "portal",
            executionRoleArn: "arn:aws:iam::123456789012:role/portal",
            idpConfig: {
              credentialProviderArn:
                "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/google",
              scopes: ["openid"]
            },
            sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" }]
          })
          yield* controls.setSecret("mine\ud800", Redacted.make(`{"key":"from-outside"}`))
          yield* api.createApiKeyCredentialProvider({ name: "key", apiKey: secret })
          yield* api.createApiKeyCredentialProvider({
            name: "external",
            apiKeySecretSource: "EXTERNAL",
            apiKeySecretConfig: { secretId: "mine\ud800", jsonKey: "key" }
          })
          yield* api.createPaymentCredentialProvider({
            name: "pay",
            credentialProviderVendor: "CoinbaseCDP",
            providerConfigurationInput: {
              coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: secret, walletSecret: secret }
            }
          })
          yield* api.setTokenVaultCMK({
            kmsConfiguration: {
              keyType: "CustomerManagedKey",
              kmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
            }
          })
          yield* api.putResourcePolicy({ resourceArn: workload.workloadIdentityArn, policy: "{}" }).pipe(Effect.either)
          const { workloadAccessToken } = yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
          const asked = {
            workloadIdentityToken: workloadAccessToken,
            resourceCredentialProviderName: "google",
            scopes: ["a", "b"],
            oauth2Flow: "USER_FEDERATION" as const,
            resourceOauth2ReturnUrl,
            customState: Redacted.make("state"),
            customParameters: { access_type: Redacted.make("offline") }
          }
          const open = Effect.map(api.getResourceOauth2Token(asked), ({ sessionUri }) => sessionUri ?? secret)
          const done = yield* open
          yield* controls.approve(done)
          yield* api.completeResourceTokenAuth({ sessionUri: done, userIdentifier: { userToken } })
          const token = yield* api.getResourceOauth2Token(asked)
          const waiting = yield* api.getResourceOauth2Token({ ...asked, scopes: ["c"] })
          const approved = yield* api.getResourceOauth2Token({ ...asked, scopes: ["d"] })
          yield* controls.approve(approved.sessionUri ?? secret)
          return { asked, token, waiting, approved, workload, shown: yield* shown(api, controls) }
        }))
      yield* life(directory, (api, controls) =>
        Effect.gen(function*() {
          const { approved, asked, shown: was, token, waiting, workload } = before
          assertEqual(yield* shown(api, controls), was)
          assertEqual(yield* api.listTagsForResource({ resourceArn: workload.workloadIdentityArn }), {
            tags: { team: "a" }
          })
          assert.strictEqual(
            Redacted.value((yield* api.getResourceOauth2Token(asked)).accessToken ?? secret),
            Redacted.value(token.accessToken ?? secret)
          )
          const external = yield* api.getResourceApiKey({
            workloadIdentityToken: asked.workloadIdentityToken,
            resourceCredentialProviderName: "external"
          })
          assert.strictEqual(Redacted.value(external.apiKey), "from-outside")
          const poll = yield* api.getResourceOauth2Token({
            ...asked,
            scopes: ["c"],
            ...(waiting.sessionUri && { sessionUri: waiting.sessionUri })
          })
          assert.strictEqual(poll.sessionStatus, "IN_PROGRESS")
          yield* api.completeResourceTokenAuth({
            sessionUri: approved.sessionUri ?? secret,
            userIdentifier: { userToken }
          })
          assert.strictEqual(
            (yield* Effect.flip(api.getWorkloadAccessToken({ workloadName: "linked" })))._tag,
            "AccessDenied"
          )
          yield* api.deleteWorkloadIdentity({ name: workloadName })
        }))
      yield* life(directory, (api, controls) =>
        Effect.gen(function*() {
          assertEqual(yield* controls.grants, [])
          assert.strictEqual((yield* api.listWorkloadIdentities({})).workloadIdentities.length, 1)
        }))
    }))

  test("gives only the owner access to the folder", (directory) =>
    Effect.gen(function*() {
      const folder = join(directory, "deep", "folder")
      yield* create(folder, "one-agent")
      chmodSync(folder, 0o755)
      yield* create(folder, "another-agent")
      assert.strictEqual(statSync(folder).mode & 0o777, 0o700)
      for (const name of readdirSync(folder)) assert.strictEqual(statSync(join(folder, name)).mode & 0o777, 0o600, name)
    }))

  test("rejects a folder that is in use", (directory) =>
    Effect.gen(function*() {
      const message = yield* life(directory, () => refusal(directory))
      assert.include(message, "in use by another process")
    }))

  test("rejects files and databases of other programs, and does not change them", (directory) =>
    Effect.gen(function*() {
      writeFileSync(join(directory, "letter.txt"), "dear")
      assert.include(yield* refusal(directory), "letter.txt")
      assertEqual(readdirSync(directory), ["letter.txt"])
      const foreign = join(directory, "foreign")
      yield* Effect.promise(async () => {
        const db = new ClassicLevel(foreign)
        await db.put("a", "b")
        await db.close()
      })
      assert.include(yield* refusal(foreign), "not of this library")
      const path = join(directory, "letter.txt")
      assert.include(yield* refusal(path), "cannot be created")
    }))

  test("rejects a folder of another account", (directory) =>
    Effect.gen(function*() {
      yield* create(directory, "one-agent")
      const other = Effect.scoped(Layer.build(StoredIdentity.layerApi({ directory, accountId: "111122223333" })))
      assert.include((yield* Effect.flip(other)).message, "another account")
    }))

  for (const [title, damage, expected] of damages) {
    test(`rejects a folder ${title}`, (directory) =>
      Effect.gen(function*() {
        yield* create(directory, "one-agent", "two-agent", "three-agent")
        yield* Effect.promise(async () => damage(directory))
        assert.match(yield* refusal(directory), expected)
        assert.match(yield* refusal(directory), expected)
      }))
  }

  test("starts empty in a folder whose creation was interrupted", (directory) =>
    Effect.gen(function*() {
      for (const name of ["LOCK", "LOG", "MANIFEST-000001", "000001.dbtmp"]) writeFileSync(join(directory, name), "")
      yield* create(directory, "one-agent")
    }))

  it.scoped("a failed write fails its operations, stays invisible, and makes later changes fail", () =>
    Effect.gen(function*() {
      let left = 2
      let writes: ReadonlyArray<() => void> = []
      const { api, controls } = yield* emulator.makeStored(emulator.settings({}), {
        header: Effect.succeed({ isNew: true, version: undefined }),
        load: () => Effect.void,
        commit: () =>
          left-- > 0
            ? Effect.void
            : Effect.zipRight(
              Effect.async<void>((resume) => {
                writes = [...writes, () => resume(Effect.void)]
              }),
              new StorageProblem({ message: "disk full" })
            )
      })
      yield* api.createWorkloadIdentity({ name: "kept" })
      const lost = yield* Effect.fork(Effect.flip(api.createWorkloadIdentity({ name: "lost" })))
      yield* Effect.yieldNow().pipe(Effect.repeatN(20))
      const late = yield* Effect.fork(Effect.flip(api.createWorkloadIdentity({ name: "late" })))
      // It would have to tell of what may be lost.
      const twin = yield* Effect.fork(Effect.flip(api.createWorkloadIdentity({ name: "lost" })))
      yield* Effect.yieldNow().pipe(Effect.repeatN(20))
      const listed = Effect.map(api.listWorkloadIdentities({}), (_) => _.workloadIdentities.map(({ name }) => name))
      assertEqual(yield* listed, ["kept"])
      assert.strictEqual(writes.length, 1)
      for (const fiber of [lost, late, twin]) assert.isNull(fiber.unsafePoll())
      for (const write of writes) write()
      for (const fiber of [lost, late, twin]) {
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "InternalServerError")
      }
      assertEqual(yield* listed, ["kept"])
      assert.strictEqual(
        (yield* Effect.flip(api.createWorkloadIdentity({ name: "later" })))._tag,
        "InternalServerError"
      )
      assert.strictEqual((yield* Effect.flip(api.createWorkloadIdentity({ name: "kept" })))._tag, "ValidationError")
      assert.strictEqual((yield* controls.journal).at(-2)?.outcome, "InternalServerError")
    }))

  test("writes pending changes before it closes", (directory) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(StoredIdentity.layerApi({ directory }), scope)
      const api = Context.get(context, IdentityApi.IdentityApi)
      const fiber = yield* Effect.fork(api.createWorkloadIdentity({ name: "begun" }))
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(fiber)
      assert.strictEqual(
        (yield* Effect.flip(api.createWorkloadIdentity({ name: "closed" })))._tag,
        "InternalServerError"
      )
      yield* life(directory, (api) => api.getWorkloadIdentity({ name: "begun" }))
    }))
})
