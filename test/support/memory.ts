import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { IdentityApi } from "../../src/IdentityApi.js"
import { IdentityControls } from "../../src/IdentityControls.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"

export const workloadName = "my-agent"
export const returnUrl = "https://app.example.com/done?lang=en"
export const google = {
  name: "google",
  credentialProviderVendor: "GoogleOauth2",
  oauth2ProviderConfigInput: {
    googleOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("very-secret") }
  }
} as const

export const setUp = Effect.gen(function*() {
  const api = yield* IdentityApi
  const controls = yield* IdentityControls
  yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
  const provider = yield* api.createOauth2CredentialProvider(google)
  const mint = (userId: string) =>
    Effect.map(
      api.getWorkloadAccessTokenForUserId({ workloadName, userId }),
      ({ workloadAccessToken }) => workloadAccessToken
    )
  const request = (workloadIdentityToken: Redacted.Redacted) => ({
    workloadIdentityToken,
    resourceCredentialProviderName: "google",
    scopes: ["a", "b"],
    oauth2Flow: "USER_FEDERATION" as const,
    resourceOauth2ReturnUrl: returnUrl
  })
  const begin = Effect.fnUntraced(function*(userId: string) {
    const asked = request(yield* mint(userId))
    const { sessionUri } = yield* api.getResourceOauth2Token(asked)
    assert.isDefined(sessionUri)
    return { asked, sessionUri: sessionUri ?? Redacted.make("") }
  })
  const consent = Effect.fnUntraced(function*(userId: string) {
    const { asked, sessionUri } = yield* begin(userId)
    yield* controls.approve(sessionUri)
    yield* api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } })
    return { asked, sessionUri }
  })
  return { api, controls, provider, mint, request, begin, consent }
})

/** `Redacted`s look all alike to an assertion. */
export const revealed = ({ accessToken }: { readonly accessToken?: Redacted.Redacted | undefined }) => {
  assert.isDefined(accessToken)
  return accessToken && Redacted.value(accessToken)
}

export const jwt = (claims: object) =>
  Redacted.make(`e30.${Encoding.encodeBase64Url(JSON.stringify(claims))}.${Encoding.encodeBase64Url("signature")}`)

export const test = <E>(name: string, body: Effect.Effect<void, E, IdentityApi | IdentityControls>) =>
  it.effect(name, () => Effect.provide(body, MemoryIdentity.layerApi()))
