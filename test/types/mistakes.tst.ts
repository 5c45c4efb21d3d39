import { Effect, pipe, Redacted } from "effect"
import { describe, expect, it } from "tstyche"
import type {
  ConsentSeal,
  Credential,
  IdentityControls,
  IdentityError,
  IdentityService,
  WorkloadAccessToken
} from "../../src/index.js"
import { AccessToken, ApiKey, Consent } from "../../src/index.js"

class GitHub extends AccessToken.Tag("test/GitHub")<GitHub>() {}
class Weather extends ApiKey.Tag("test/Weather")<Weather>() {}

declare const identity: IdentityService.IdentityService["Type"]
declare const workloadAccessToken: Redacted.Redacted
declare const interactive: boolean
declare const flow: Credential.Oauth2Flow
declare const onAuthUrl: () => Effect.Effect<void, "Shown", "Screen">

const machine = { providerName: "github", scopes: [], authFlow: "M2M" } as const
const user = { providerName: "github", scopes: [], authFlow: "USER_FEDERATION" } as const
const refused = Redacted.make("refused")

type Needs = IdentityService.IdentityService | WorkloadAccessToken.WorkloadAccessToken

describe("a strategy that is chosen at run time", () => {
  const consent = interactive ? Consent.wait({ onAuthUrl }) : Consent.suspend

  type Failure =
    | IdentityService.TokenFailure
    | IdentityError.ConsentDenied
    | IdentityError.ConsentRequired
    | IdentityError.ConsentTimedOut
    | "Shown"

  type Context = ConsentSeal.ConsentSeal | "Screen"

  it("has the errors and requirements of each one it may be", () => {
    expect(identity.getToken({ ...user, workloadAccessToken, consent })).type.toBe<
      Effect.Effect<Redacted.Redacted, Failure, Context>
    >()
    expect(identity.reauthenticate({ ...user, workloadAccessToken, refused, consent })).type.toBe<
      Effect.Effect<Redacted.Redacted, Failure, Context>
    >()
    expect(pipe(Effect.as(AccessToken.AccessToken, 1), AccessToken.provideAccessToken({ ...user, consent }))).type.toBe<
      Effect.Effect<number, Failure, Needs | Context>
    >()
  })

  it("may be none, which is the strategy of the program", () => {
    const optional = interactive ? Consent.suspend : undefined
    expect(identity.getToken({ ...user, workloadAccessToken, consent: optional })).type.toBe<
      Effect.Effect<Redacted.Redacted, IdentityService.UserFailure, ConsentSeal.ConsentSeal>
    >()
  })
})

describe("a flow that is chosen at run time", () => {
  it("is allowed without a strategy, and has the errors of a consent", () => {
    expect(identity.getToken({ ...user, authFlow: flow, workloadAccessToken })).type.toBe<
      Effect.Effect<Redacted.Redacted, IdentityService.UserFailure>
    >()
  })

  it("is not allowed with a strategy", () => {
    expect(identity.getToken({ ...user, authFlow: flow, workloadAccessToken, consent: Consent.fail }))
      .type.toRaiseError("is not assignable to type '\"USER_FEDERATION\"'")
  })
})

describe("the message of the compiler", () => {
  it("names a member that is missing", () => {
    expect(identity.getToken({ providerName: "github", authFlow: "USER_FEDERATION", workloadAccessToken }))
      .type.toRaiseError("Property 'scopes' is missing")
    expect(identity.getToken(user)).type.toRaiseError("Property 'workloadAccessToken' is missing")
    expect(identity.reauthenticate({ ...user, workloadAccessToken })).type.toRaiseError("Property 'refused' is missing")
    expect(AccessToken.provideAccessToken({ providerName: "github", authFlow: "USER_FEDERATION" }))
      .type.toRaiseError("Property 'scopes' is missing")
    expect(AccessToken.requiresAccessToken(user)).type.toRaiseError("Property 'into' is missing")
  })

  it("names a flow that has no consent, or is no flow", () => {
    expect(identity.getToken({ ...machine, workloadAccessToken, consent: Consent.fail }))
      .type.toRaiseError("Type '\"M2M\"' is not assignable to type '\"USER_FEDERATION\"'")
    expect(
      identity.getToken({
        ...user,
        authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE",
        workloadAccessToken,
        consent: Consent.fail
      })
    ).type.toRaiseError("Type '\"ON_BEHALF_OF_TOKEN_EXCHANGE\"' is not assignable to type '\"USER_FEDERATION\"'")
    expect(AccessToken.provideAccessToken({ ...machine, consent: Consent.suspend }))
      .type.toRaiseError("Type '\"M2M\"' is not assignable to type '\"USER_FEDERATION\"'")
    expect(identity.getToken({ ...user, authFlow: "IMPLICIT", workloadAccessToken }))
      .type.toRaiseError("Type '\"IMPLICIT\"' is not assignable to type")
  })
})

describe("a tag", () => {
  it("of an API key does not take an access token, nor the other way round", () => {
    expect(AccessToken.provideAccessToken({ ...machine, tag: GitHub })).type.not.toRaiseError()
    expect(AccessToken.provideAccessToken({ ...machine, tag: Weather })).type.toRaiseError("\"ApiKey\"")
    expect(ApiKey.provideApiKey({ providerName: "weather", tag: Weather })).type.not.toRaiseError()
    expect(ApiKey.provideApiKey({ providerName: "weather", tag: GitHub })).type.toRaiseError("\"AccessToken\"")
  })
})

describe("the configuration of a provider", () => {
  const client = { clientId: "id", clientSecret: Redacted.make("secret") }

  it("is that of its vendor", () => {
    expect(identity.createOauth2CredentialProvider({
      name: "github",
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { githubOauth2ProviderConfig: client }
    })).type.not.toRaiseError()
    expect(identity.createOauth2CredentialProvider({
      name: "okta",
      credentialProviderVendor: "OktaOauth2",
      oauth2ProviderConfigInput: { includedOauth2ProviderConfig: client }
    })).type.not.toRaiseError()
    expect(identity.createOauth2CredentialProvider({
      name: "github",
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { googleOauth2ProviderConfig: client }
    })).type.toRaiseError("'googleOauth2ProviderConfig' does not exist")
    expect(identity.updateOauth2CredentialProvider({
      name: "okta",
      credentialProviderVendor: "OktaOauth2",
      oauth2ProviderConfigInput: { googleOauth2ProviderConfig: client }
    })).type.toRaiseError("'googleOauth2ProviderConfig' does not exist")
  })

  it("may be that of any vendor that the provider may have", () => {
    expect(identity.createOauth2CredentialProvider({
      name: "vendor",
      credentialProviderVendor: interactive ? "GithubOauth2" : "GoogleOauth2",
      oauth2ProviderConfigInput: { googleOauth2ProviderConfig: client }
    })).type.not.toRaiseError()
  })
})

describe("an injected failure", () => {
  const failNext = (controls: IdentityControls.IdentityControls["Type"]) => controls.failNext
  type FailNext = ReturnType<typeof failNext>

  it("is a tag or an error of its operation", () => {
    expect<FailNext>().type.toBeCallableWith("getResourceOauth2Token" as const, "Throttled" as const, 5)
    expect<FailNext>().type.not.toBeCallableWith("getResourceOauth2Token" as const, "Conflict" as const)
    expect<FailNext>().type.not.toBeCallableWith("getTokenVault" as const, "Throtled" as const)
  })
})
