/** Everything a person's token takes: the AWS SDK, the local server, and a real authorization server behind it. */
import { HttpServer } from "@effect/platform"
import { it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted, type Scope } from "effect"
import * as Credential from "../../src/Credential.js"
import * as FederatedIssuer from "../../src/FederatedIssuer.js"
import * as IdentityControls from "../../src/IdentityControls.js"
import type * as IdentityError from "../../src/IdentityError.js"
import * as IdentityServer from "../../src/IdentityServer.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"
import type * as Oauth2ProviderConfig from "../../src/Oauth2ProviderConfig.js"
import { callbackUrl, workloadName } from "./agent.js"
import { Jar } from "./jar.js"
import { Client, origin, Port } from "./server.js"
import { make as makeVendor, type Vendor } from "./vendor.js"

export const providerName = "own"

/** The service over the AWS SDK, over HTTP, over the local server, whose providers are asked for real. */
export const layer = (options?: FederatedIssuer.Options) =>
  IdentityService.layer.pipe(
    Layer.provideMerge(Client),
    Layer.provideMerge(
      Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
        Layer.provideMerge(
          Layer.unwrapEffect(Effect.map(origin, (endpoint) => MemoryIdentity.layerApi({ endpoint })))
        ),
        Layer.provide(FederatedIssuer.layer(options)),
        // What providers answer is looked at where it is kept.
        Layer.provide(Logger.minimumLogLevel(LogLevel.None)),
        Layer.provideMerge(Port)
      )
    )
  )

/** With an authorization server of its own. */
export const test = <E>(
  name: string,
  body: (server: Vendor) => Effect.Effect<void, E, Layer.Layer.Success<ReturnType<typeof layer>> | Scope.Scope>,
  options: FederatedIssuer.Options = {}
) => it.scopedLive(name, () => Effect.flatMap(makeVendor(), body).pipe(Effect.provide(layer(options))))

type Custom = Extract<
  Oauth2ProviderConfig.Oauth2ProviderConfigInput,
  { readonly customOauth2ProviderConfig: unknown }
>["customOauth2ProviderConfig"]

/** A provider of this authorization server, whose client has this secret. */
export const provide = (
  discoveryUrl: string,
  { name = providerName, ...config }: Partial<Custom> & { readonly name?: string } = {}
) =>
  Effect.flatMap(IdentityService.IdentityService, (identity) =>
    identity.createOauth2CredentialProvider({
      name,
      credentialProviderVendor: "CustomOauth2",
      oauth2ProviderConfigInput: {
        customOauth2ProviderConfig: {
          oauthDiscovery: { discoveryUrl },
          clientId: "me",
          clientSecret: Redacted.make("s:e/c r+e%t"),
          ...config
        }
      }
    }))

/** An agent, its user, and a provider whose client the authorization server knows. */
export const setUp = (vendor: Vendor, config: Partial<Custom> = {}) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const controls = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
    const provider = yield* provide(vendor.discoveryUrl, config)
    vendor.register({
      clientId: "me",
      clientSecret: "s:e/c r+e%t",
      redirectUris: [provider.callbackUrl ?? ""]
    })
    const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
    return {
      identity,
      controls,
      provider,
      asMachine: { providerName, scopes: ["read"], authFlow: "M2M", workloadAccessToken },
      asUser: {
        providerName,
        scopes: ["openid", "read"],
        authFlow: "USER_FEDERATION",
        callbackUrl,
        workloadAccessToken
      }
    } as const
  })

/** The person's browser, from the authorization URL to the provider's own pages, as far as the callback URL. */
export const goes = (vendor: Vendor, consent: IdentityError.ConsentRequired, decision?: "allow" | "deny") =>
  Effect.gen(function*() {
    const browser = new Jar(yield* origin)
    const authorization = new URL(Redacted.value(consent.authorizationUrl))
    const sent = yield* browser.get(authorization.pathname + authorization.search)
    const asked = sent.headers.get("location") ?? ""
    if (asked === "") return yield* Effect.dieMessage(`no way to the provider: ${sent.status} ${sent.text}`)
    const callback = yield* vendor.walk(asked, "ada at the provider", decision)
    return { browser, asked: new URL(asked), callback }
  })

/** The same, and back to the application. */
export const returns = (vendor: Vendor, consent: IdentityError.ConsentRequired, decision?: "allow" | "deny") =>
  Effect.gen(function*() {
    const { browser, callback, asked } = yield* goes(vendor, consent, decision)
    const page = yield* browser.get(callback.pathname + callback.search)
    return { page, asked, callback, browser }
  })

/** The same, and the application completes. */
export const consents = (vendor: Vendor, consent: IdentityError.ConsentRequired, userId = "ada") =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { page, ...rest } = yield* returns(vendor, consent)
    const location = page.headers.get("location")
    if (location === null) return yield* Effect.dieMessage(`the browser was not sent back: ${page.status} ${page.text}`)
    const sessionUri = new URL(location).searchParams.get("session_id") ?? ""
    yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId(userId) })
    return rest
  })

/** The person answers at the provider's pages, if it has any, without a browser. */
export const answers = (
  { approve, beginAuthorization, completeAuthorization }: IdentityControls.IdentityControls["Type"],
  vendor: Vendor,
  sessionUri: Redacted.Redacted
) =>
  Effect.gen(function*() {
    const state = "a state"
    const redirect = yield* beginAuthorization(sessionUri, state)
    if (redirect === undefined) return yield* approve(sessionUri)
    const { searchParams: parameters } = yield* vendor.walk(Redacted.value(redirect.url))
    return yield* completeAuthorization(sessionUri, { state, codeVerifier: redirect.codeVerifier, parameters })
  })
