import { Effect, type Layer, pipe, type Redacted } from "effect"
import { describe, expect, it } from "tstyche"
import type { ConsentSeal, IdentityError, IdentityService, WorkloadAccessToken } from "../../src/index.js"
import { AccessToken, ApiKey, Consent, IdentityControls } from "../../src/index.js"

class GitHub extends AccessToken.Tag("test/GitHub")<GitHub>() {}
class Google extends AccessToken.Tag("test/Google")<Google>() {}
class Weather extends ApiKey.Tag("test/Weather")<Weather>() {}

declare const one: Effect.Effect<number, "E", "R" | AccessToken.AccessToken>
declare const two: Effect.Effect<number, "E", GitHub | Google | Weather>
declare const onAuthUrl: (url: Redacted.Redacted) => Effect.Effect<void, "Shown", "Screen">

type Needs = IdentityService.IdentityService | WorkloadAccessToken.WorkloadAccessToken
type Api = IdentityService.TokenFailure
type Asks = Api | IdentityError.ConsentRequired | IdentityError.ConsentDenied | IdentityError.ConsentTimedOut
type Waits = Api | IdentityError.ConsentDenied | IdentityError.ConsentTimedOut

const machine = { providerName: "github", scopes: [], authFlow: "M2M" } as const
const user = { providerName: "github", scopes: [], authFlow: "USER_FEDERATION" } as const

describe("provideAccessToken", () => {
  it("discharges the requirement, the same data-first and data-last", () => {
    type Expected = Effect.Effect<number, "E" | Api, "R" | Needs>
    expect(AccessToken.provideAccessToken(one, machine)).type.toBe<Expected>()
    expect(pipe(one, AccessToken.provideAccessToken(machine))).type.toBe<Expected>()
  })

  it("adds the errors of the flow, and no others", () => {
    expect(pipe(one, AccessToken.provideAccessToken(user))).type.toBe<
      Effect.Effect<number, "E" | Asks, "R" | Needs>
    >()
    expect(AccessToken.provideAccessToken(one, user)).type.toBe<Effect.Effect<number, "E" | Asks, "R" | Needs>>()
    type Waiting = Effect.Effect<number, "E" | Waits | "Shown", "R" | Needs | "Screen">
    expect(pipe(one, AccessToken.provideAccessToken({ ...user, consent: Consent.wait({ onAuthUrl }) }))).type.toBe<
      Waiting
    >()
    expect(AccessToken.provideAccessToken(one, { ...user, consent: Consent.wait({ onAuthUrl }) })).type.toBe<Waiting>()
  })

  it("tells the tokens of two providers apart", () => {
    const withGitHub = pipe(two, AccessToken.provideAccessToken({ ...machine, tag: GitHub }))
    expect(withGitHub).type.toBe<Effect.Effect<number, "E" | Api, Google | Weather | Needs>>()
    const withBoth = pipe(withGitHub, AccessToken.provideAccessToken({ ...user, tag: Google }))
    expect(withBoth).type.toBe<Effect.Effect<number, "E" | Asks, Weather | Needs>>()
    expect(ApiKey.provideApiKey(withBoth, { providerName: "weather", tag: Weather })).type.toBe<
      Effect.Effect<number, "E" | Asks, Needs>
    >()
  })

  it("does not discharge another token", () => {
    expect(pipe(two, AccessToken.provideAccessToken(machine))).type.toBe<
      Effect.Effect<number, "E" | Api, GitHub | Google | Weather | Needs>
    >()
  })

  it("has the errors and the needs of the strategy that a call brings", () => {
    type Of<E, R = never> = Effect.Effect<number, "E" | Api | IdentityError.ConsentDenied | E, "R" | Needs | R>
    expect(pipe(one, AccessToken.provideAccessToken({ ...user, consent: Consent.fail }))).type.toBe<
      Of<IdentityError.ConsentRequired>
    >()
    expect(pipe(one, AccessToken.provideAccessToken({ ...user, consent: Consent.suspend }))).type.toBe<
      Of<IdentityError.ConsentRequired, ConsentSeal.ConsentSeal>
    >()
    expect(pipe(one, AccessToken.provideAccessToken({ ...user, consent: Consent.wait({ onAuthUrl }) }))).type.toBe<
      Of<IdentityError.ConsentTimedOut | "Shown", "Screen">
    >()
    const consents = Consent.wait({ onAuthUrl: (_, required) => IdentityControls.consent(required) })
    expect(pipe(one, AccessToken.provideAccessToken({ ...user, consent: consents }))).type.toBe<
      Of<
        | IdentityError.ConsentTimedOut
        | IdentityControls.SessionNotPending
        | IdentityControls.NotSimulated
        | IdentityControls.ProviderRefused,
        IdentityControls.IdentityControls
      >
    >()
    expect(Consent.layer(IdentityControls.autoConsent)).type.toBe<
      Layer.Layer<Consent.ProgramStrategy, never, IdentityControls.IdentityControls>
    >()
    expect(Consent.layer).type.not.toBeCallableWith(Consent.wait({ onAuthUrl }))
    expect(Consent.layer(Consent.suspend)).type.toBe<
      Layer.Layer<Consent.ProgramStrategy, never, ConsentSeal.ConsentSeal>
    >()
  })

  it("lets every error be caught by its tag", () => {
    const recovered = pipe(
      one,
      AccessToken.provideAccessToken(user),
      Effect.catchTags({
        AccessDenied: () => Effect.succeed(0),
        ConsentDenied: () => Effect.succeed(0),
        ConsentRequired: ({ authorizationUrl }) => Effect.as(Effect.succeed(authorizationUrl), 0),
        ConsentTimedOut: () => Effect.succeed(0),
        InternalServerError: () => Effect.succeed(0),
        ResourceNotFound: () => Effect.succeed(0),
        Throttled: () => Effect.succeed(0),
        TransportFailure: () => Effect.succeed(0),
        Unauthorized: () => Effect.succeed(0),
        UndecodableReply: () => Effect.succeed(0),
        UnknownServiceError: () => Effect.succeed(0),
        ValidationError: () => Effect.succeed(0),
        WorkloadAccessTokenUnavailable: () => Effect.succeed(0)
      })
    )
    expect(recovered).type.toBe<Effect.Effect<number, "E", "R" | Needs>>()
  })

  it("wants a flow, and knows the flows", () => {
    expect(AccessToken.provideAccessToken).type.not.toBeCallableWith({ providerName: "github", scopes: [] })
    expect(AccessToken.provideAccessToken).type.not.toBeCallableWith({ ...machine, authFlow: "IMPLICIT" })
  })
})

describe("provideApiKey", () => {
  it("discharges the requirement, the same data-first and data-last", () => {
    type Expected = Effect.Effect<string, IdentityError.IdentityError, Needs>
    const program = Effect.as(ApiKey.ApiKey, "done")
    expect(ApiKey.provideApiKey(program, { providerName: "weather" })).type.toBeAssignableTo<Expected>()
    expect(pipe(program, ApiKey.provideApiKey({ providerName: "weather" }))).type.toBe<
      ReturnType<typeof ApiKey.provideApiKey<string, never, ApiKey.ApiKey>>
    >()
  })
})

describe("requiresAccessToken", () => {
  const inject = AccessToken.requiresAccessToken({ ...machine, into: "accessToken" })
  const listRepos = (_: { readonly org: string; readonly accessToken: Redacted.Redacted }) => Effect.succeed(["effect"])

  it("takes the member out of the argument", () => {
    const wrapped = inject(listRepos)
    expect(wrapped).type.toBeCallableWith({ org: "effect-ts" })
    expect(wrapped({ org: "effect-ts" })).type.toBe<Effect.Effect<Array<string>, Api, Needs>>()
  })

  it("does not let a caller pass the member, nor leave out another", () => {
    const wrapped = inject(listRepos)
    expect(wrapped).type.not.toBeCallableWith({
      org: "effect-ts",
      accessToken: undefined as unknown as Redacted.Redacted
    })
    expect(wrapped).type.not.toBeCallableWith({})
  })

  it("does not take a function without the member, nor one that is wrapped already", () => {
    expect(inject).type.not.toBeCallableWith((_: { readonly org: string }) => Effect.void)
    expect(inject).type.not.toBeCallableWith((_: { readonly accessToken: string }) => Effect.void)
    expect(inject).type.not.toBeCallableWith(inject(listRepos))
  })

  it("injects several credentials into one function", () => {
    const both = (_: { readonly accessToken: Redacted.Redacted; readonly apiKey: Redacted.Redacted }) => Effect.void
    const wrapped = ApiKey.requiresApiKey({ into: "apiKey", providerName: "weather" })(inject(both))
    expect(wrapped).type.toBeCallableWith({})
  })
})
