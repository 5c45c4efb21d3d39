import * as HttpServer from "@effect/platform/HttpServer"
import { assert, describe, it } from "@effect/vitest"
import { ConfigError, Effect, Layer, Redacted } from "effect"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as IdentityService from "../src/IdentityService.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import { agent, callbackUrl } from "./support/agent.js"
import { required } from "./support/consenting.js"
import { answers, setUp } from "./support/federated.js"
import * as Forwarder from "./support/forwarder.js"
import { ask } from "./support/jar.js"
import { Client, origin, Port } from "./support/server.js"
import { temporary } from "./support/temporary.js"
import * as vendor from "./support/vendor.js"

const publicUrl = "https://dev.example:8443"

/** A program's own server, whose person comes by another address. */
const Program = IdentityService.layer.pipe(
  Layer.provideMerge(Client),
  Layer.provideMerge(
    Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal({ publicUrl }), (app) => HttpServer.serve(app))).pipe(
      Layer.provideMerge(MemoryIdentity.layerApi({ endpoint: publicUrl })),
      Layer.provideMerge(Port)
    )
  )
)

describe("IdentityServer.makeLocal with publicUrl", () => {
  it.live("serves the pages at the public URL, without its host among the allowed hosts", () =>
    Effect.gen(function*() {
      yield* agent
      const { path } = yield* ask()
      const port = Number(new URL(yield* origin).port)
      const page = yield* Effect.promise(() => Forwarder.send(`http://dev.example:8443${path}`, port))
      assert.strictEqual(page.status, 200)
      assert.match(page.cookies[0] ?? "", /^__Host-agentcore-identity-browser=.* Secure;/)
    }).pipe(Effect.provide(Program)))

  const wrong: ReadonlyArray<readonly [url: string, expected: string]> = [
    ["", "an http or https URL"],
    ["dev.example", "an http or https URL"],
    ["ftp://dev.example", "an http or https URL"],
    ["https:dev.example", "an http or https URL"],
    ["https:\\\\dev.example", "an http or https URL"],
    ["https://", "an http or https URL"],
    ["https://dev.example:99999", "an http or https URL"],
    ["https://dev example", "an http or https URL"],
    [" https://dev.example", "an http or https URL"],
    ["https://dev.example/ hush", "an http or https URL"],
    ["https://ada:hush@dev.example", "a URL without a user name or password"],
    ["https://@dev.example", "a URL without a user name or password"],
    ["https://dev.example/?", "a URL without a query"],
    ["https://dev.example?hush=1", "a URL without a query"],
    ["https://dev.example/#hush", "a URL without a fragment"],
    ["https://dev.example/identity", "a URL without a path"],
    ["https://dev.example//", "a URL without a path"]
  ]
  for (const [url, expected] of wrong) {
    it.effect(`fails with an error that names publicUrl for '${url}'`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(IdentityServer.makeLocal({ publicUrl: url }))
        assert.isTrue(ConfigError.isConfigError(error))
        assert.include(String(error), `at publicUrl: "expected ${expected}, such as https://dev.example:8443`)
        assert.notInclude(String(error), "hush")
      }))
  }
})

const portalRequest = {
  name: "portal",
  executionRoleArn: "arn:aws:iam::123456789012:role/portal",
  idpConfig: {
    credentialProviderArn:
      "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/google",
    scopes: ["openid"]
  },
  sources: [{ identifier: "gateway-0123456789", type: "agentcore-gateway" }]
} as const

describe("a folder that is served at another address", () => {
  /** One life of the service in the folder, which asks providers for real. */
  const life = <A, E>(
    directory: string,
    endpoint: string,
    body: Effect.Effect<
      A,
      E,
      IdentityApi.IdentityApi | IdentityControls.IdentityControls | IdentityService.IdentityService
    >
  ) =>
    body.pipe(Effect.provide(
      IdentityService.layer.pipe(
        Layer.provideMerge(StoredIdentity.layerApi({ directory, endpoint })),
        Layer.provide(FederatedIssuer.layer())
      )
    ))

  it.scopedLive("exchanges a code with the redirect URI of its authorization request", () =>
    Effect.gen(function*() {
      const directory = yield* temporary
      const server = yield* vendor.make()
      const { required: consent, token } = yield* life(
        directory,
        "http://127.0.0.1:4599",
        Effect.gen(function*() {
          const { asUser, controls, identity } = yield* setUp(server)
          const consent = yield* required(identity.getToken(asUser))
          yield* answers(controls, server, consent.sessionUri)
          return { required: consent, token: asUser.workloadAccessToken }
        })
      )
      yield* life(
        directory,
        publicUrl,
        Effect.gen(function*() {
          const identity = yield* IdentityService.IdentityService
          yield* identity.completeResourceTokenAuth({
            sessionUri: consent.sessionUri,
            userIdentifier: { userId: "ada" }
          })
          const { oauth2CredentialProviders: [provider] } = yield* (yield* IdentityControls.IdentityControls).inventory
          assert.isTrue(provider?.callbackUrl.startsWith(`${publicUrl}/identities/oauth2/callback/`))
          const given = yield* identity.getToken({
            workloadAccessToken: token,
            providerName: "own",
            scopes: ["openid", "read"],
            authFlow: "USER_FEDERATION",
            callbackUrl
          })
          assert.isAbove(Redacted.value(given).length, 20)
        })
      )
    }))

  it.scoped("moves the URL of a consent portal", () =>
    Effect.gen(function*() {
      const directory = yield* temporary
      const portalUrl = (endpoint: string) =>
        life(
          directory,
          endpoint,
          Effect.gen(function*() {
            const api = yield* IdentityApi.IdentityApi
            const { consentPortals: [portal] } = yield* api.listConsentPortals({})
            const { consentPortalId = "" } = portal ?? (yield* api.createConsentPortal(portalRequest))
            return (yield* api.getConsentPortal({ consentPortalIdentifier: consentPortalId })).portalUrl
          })
        )
      const before = yield* portalUrl("http://127.0.0.1:4599")
      assert.strictEqual(yield* portalUrl(publicUrl), before?.replace("http://127.0.0.1:4599", publicUrl))
    }))
})
