import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted, type Scope } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { isOfTemplate } from "../src/internal/oauth/discovery.js"
import { presets, type PresetVendor } from "../src/internal/presets/table.js"
import * as StoredIdentity from "../src/StoredIdentity.js"
import { callbackUrl, workloadName } from "./support/agent.js"
import { answering } from "./support/answering.js"
import { required } from "./support/consenting.js"
import { dialect } from "./support/dialect.js"
import { assertContains, assertEqual } from "./support/equality.js"
import * as federated from "./support/federated.js"
import { configOf } from "./support/presets.js"
import { temporary } from "./support/temporary.js"
import * as vendor from "./support/vendor.js"

const Issuer = Layer.merge(FederatedIssuer.layer(), Logger.minimumLogLevel(LogLevel.None))

type Services = Layer.Layer.Success<typeof IdentityService.layerTest>

const test = <E>(name: string, body: Effect.Effect<void, E, Services | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(body, Layer.provide(IdentityService.layerTest, Issuer)))

/** Creates an agent with a provider of this vendor. */
const provided = (of: PresetVendor) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const controls = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
    const api = yield* IdentityApi.IdentityApi
    const provider = yield* api.createOauth2CredentialProvider({
      name: "vendor",
      credentialProviderVendor: of,
      oauth2ProviderConfigInput: configOf(of)
    })
    const ask = identity.getToken({
      providerName: "vendor",
      scopes: ["read", "write"],
      authFlow: "USER_FEDERATION",
      callbackUrl,
      workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
    })
    return { identity, controls, provider, ask }
  })

/** The user's browser returns with a code. */
const authorized = (sessionUri: Redacted.Redacted) =>
  Effect.gen(function*() {
    const controls = yield* IdentityControls.IdentityControls
    const redirect = yield* controls.beginAuthorization(sessionUri, "state")
    if (redirect === undefined) return yield* Effect.dieMessage("the provider is simulated")
    yield* controls.completeAuthorization(sessionUri, {
      state: "state",
      codeVerifier: redirect.codeVerifier,
      parameters: new URLSearchParams({ state: "state", code: "the-code" })
    })
  })

/** The user has consented at a server that follows this vendor's protocol. */
const granted = (of: PresetVendor) =>
  Effect.gen(function*() {
    const server = yield* vendor.make({ dialect: dialect(presets[of]), isPkceRequired: presets[of].pkce !== "omit" })
    const { ask, controls, identity, provider } = yield* provided(of)
    server.register({
      clientId: "client",
      clientSecret: "secret",
      method: presets[of].clientAuthentication,
      redirectUris: [provider.callbackUrl ?? ""]
    })
    yield* controls.setIssuer("vendor", { discoveryUrl: server.discoveryUrl })
    const { sessionUri } = yield* required(ask)
    yield* federated.answers(controls, server, sessionUri)
    yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "ada" } })
    return { server, controls, ask }
  })

describe("an invalid refresh token leads to a new request for consent, as reported by", () => {
  const words: ReadonlyArray<readonly [PresetVendor, status: number, body: object, told: object]> = [
    ["GithubOauth2", 200, { error: "bad_refresh_token", error_description: "incorrect or expired" }, {
      error: "bad_refresh_token",
      description: "incorrect or expired"
    }],
    ["SlackOauth2", 200, { ok: false, error: "invalid_refresh_token" }, { error: "invalid_refresh_token" }],
    ["HubspotOauth2", 400, { status: "BAD_REFRESH_TOKEN", message: "missing or invalid refresh token" }, {
      error: "BAD_REFRESH_TOKEN",
      description: "missing or invalid refresh token"
    }],
    ["ZoomOauth2", 400, { error: "invalid_grant", reason: "Invalid Token!" }, {
      error: "invalid_grant",
      description: "Invalid Token!"
    }]
  ]
  for (const [of, status, body, told] of words) {
    test(
      of,
      Effect.gen(function*() {
        const { ask, controls, server } = yield* granted(of)
        yield* ask
        yield* controls.expireTokens()
        server.failNext({ status, body: JSON.stringify(body) })
        yield* required(ask)
        assertEqual(yield* controls.grants, [])
        assertContains((yield* controls.providerFailures)[0], { step: "refresh", reason: "Refused", ...told })
      })
    )
  }
})

test(
  "Notion's error is reported without the JSON request data that it echoes",
  Effect.gen(function*() {
    const { origin } = yield* answering((request, response) => {
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
      if (request.method === "GET") {
        const issuer = `http://${request.headers.host}`
        answer(200, { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` })
        return
      }
      let text = ""
      request.on("data", (chunk) => text += chunk)
      request.on("end", () => answer(400, { error: "invalid_request", error_description: text }))
    })
    const { ask, controls, identity } = yield* provided("NotionOauth2")
    yield* controls.setIssuer("vendor", { discoveryUrl: `${origin}/.well-known/openid-configuration` })
    const { sessionUri } = yield* required(ask)
    yield* authorized(sessionUri)
    yield* Effect.flip(identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "ada" } }))
    const { description = "" } = (yield* controls.providerFailures)[0] ?? {}
    assert.include(description, `"code":"<redacted>"`)
    assert.notInclude(description, "the-code")
  })
)

test(
  "an unknown error code leads to a request for consent after the token expires, and the grant is kept",
  Effect.gen(function*() {
    const { ask, controls, server } = yield* granted("TwitchOauth2")
    yield* controls.expireTokens()
    server.failNext({ status: 400, body: JSON.stringify({ status: 400, message: "Invalid refresh token" }) })
    yield* required(ask)
    assertContains((yield* controls.providerFailures)[0], { status: 400, description: "Invalid refresh token" })
    assert.strictEqual((yield* controls.grants).length, 1)
    yield* ask
    assert.strictEqual(server.requests("refresh_token").length, 1)
  })
)

test(
  "Slack receives the user's scopes and returns the user's token",
  Effect.gen(function*() {
    const { ask, server } = yield* granted("SlackOauth2")
    const claims = yield* server.verify(Redacted.value(yield* ask), "https://api.example")
    assertContains(claims, { sub: "ada", scope: "read write" })
  })
)

it("Microsoft's issuer matches the tenant of the discovery URL, or contains the tenant id for a tenant name", () => {
  const template = presets.MicrosoftOauth2.discoveredIssuer ?? ""
  const of = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
  const id = "9188040d-6c67-4c5b-b112-36a304b66dad"
  const another = "72f988bf-86f1-41af-91ab-2d7cd011db47"
  const isIssuer = (asked: string, issuer: string) =>
    isOfTemplate(template, `${of(asked)}/.well-known/openid-configuration`)(issuer)
  for (const tenant of ["common", "organizations"]) assert.isTrue(isIssuer(tenant, of("{tenantid}")), tenant)
  for (const tenant of ["consumers", "contoso.com"]) assert.isTrue(isIssuer(tenant, of(id)), tenant)
  for (
    const [asked, issuer] of [
      [id, of(another)],
      [id, of("{tenantid}")],
      ["contoso.com", "https://evil.example/{tenantid}/v2.0"],
      ["contoso.com", of("common")],
      ["contoso.com", `https://login.microsoftonline.com/${id}/v1.0`]
    ] as const
  ) {
    assert.isFalse(isIssuer(asked, issuer), `${asked} ${issuer}`)
  }
  assert.isFalse(isOfTemplate(template, "https://evil.example/common/v2.0")(of("{tenantid}")))
})

test(
  "the issuer of an included vendor with configured endpoints is their origin, unless the issuer is configured too",
  Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    const issuerOf = (name: string, given: { readonly issuer?: string }) =>
      Effect.map(
        api.createOauth2CredentialProvider({
          name,
          credentialProviderVendor: "FusionAuthOauth2",
          oauth2ProviderConfigInput: configOf("FusionAuthOauth2", {
            authorizationEndpoint: "https://login.example/oauth2/authorize?tenantId=1",
            tokenEndpoint: "https://login.example/oauth2/token",
            ...given
          })
        }),
        ({ oauth2ProviderConfigOutput }) => JSON.stringify(oauth2ProviderConfigOutput)
      )
    assert.include(yield* issuerOf("one", {}), `"issuer":"https://login.example"`)
    assert.include(yield* issuerOf("two", { issuer: "acme.com" }), `"issuer":"acme.com"`)
  })
)

it.scopedLive("a token with a very large lifetime is stored in the folder and read again, and its value is not exposed", () =>
  Effect.gen(function*() {
    const directory = yield* temporary
    const { origin, paths } = yield* answering((_, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(
        JSON.stringify({
          access_token: "the-access-token",
          refresh_token: "the-refresh-token",
          token_type: "Bearer",
          expires_in: 2 ** 53
        })
      )
    )
    const life = <A, E>(
      body: Effect.Effect<A, E, IdentityService.IdentityService | IdentityControls.IdentityControls>
    ) =>
      Effect.provide(
        body,
        IdentityService.layer.pipe(
          Layer.provideMerge(StoredIdentity.layerApi({ directory })),
          Layer.provide(Issuer)
        )
      )
    const ask = Effect.flatMap(
      IdentityService.IdentityService,
      (identity) =>
        Effect.flatMap(
          identity.getWorkloadAccessToken({ workloadName, userId: "ada" }),
          (workloadAccessToken) =>
            identity.getToken({
              providerName: federated.providerName,
              scopes: ["read"],
              authFlow: "USER_FEDERATION",
              callbackUrl,
              workloadAccessToken
            })
        )
    )
    yield* life(Effect.gen(function*() {
      const identity = yield* IdentityService.IdentityService
      yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
      yield* federated.provide("", {
        oauthDiscovery: {
          authorizationServerMetadata: {
            issuer: origin,
            authorizationEndpoint: `${origin}/auth`,
            tokenEndpoint: `${origin}/token`
          }
        }
      })
      const { sessionUri } = yield* required(ask)
      yield* authorized(sessionUri)
      yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId: "ada" } })
    }))
    for (const name of readdirSync(directory)) {
      assert.notMatch(readFileSync(join(directory, name), "latin1"), /the-(access-token|refresh-token|code)/, name)
    }
    assert.strictEqual(Redacted.value(yield* life(ask)), "the-access-token")
    assertEqual(paths, ["/token"])
  }))
