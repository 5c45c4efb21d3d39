import { Effect, type Redacted, Schedule, type Stream } from "effect"
import { describe, expect, it } from "tstyche"
import {
  type ConsentLedger,
  type ConsentSeal,
  IdentityApi,
  type IdentityError,
  type IdentityService
} from "../../src/index.js"

declare const identity: IdentityService.IdentityService["Type"]
declare const workloadAccessToken: Redacted.Redacted

type Common =
  | IdentityError.ValidationError
  | IdentityError.Unauthorized
  | IdentityError.AccessDenied
  | IdentityError.ResourceNotFound
  | IdentityError.Throttled
  | IdentityError.InternalServerError
  | IdentityError.WireError

describe("IdentityService", () => {
  it("requires nothing, and lists exactly what each method can raise", () => {
    expect(identity.getApiKey({ providerName: "weather", workloadAccessToken })).type.toBe<
      Effect.Effect<Redacted.Redacted, Common | IdentityError.WorkloadAccessTokenUnavailable>
    >()
    expect(identity.deleteOauth2CredentialProvider({ name: "github" })).type.toBe<
      Effect.Effect<{}, Common | IdentityError.Conflict>
    >()
    type ListFailure<A> = A extends Stream.Stream<infer _A, infer E, infer _R> ? E : never
    expect<ListFailure<ReturnType<typeof identity.listConsentPortals>>>().type.toBe<
      Exclude<Common, IdentityError.ResourceNotFound>
    >()
  })

  it("hands a machine's token out without an error about consent", () => {
    expect(identity.getToken({ providerName: "github", scopes: [], authFlow: "M2M", workloadAccessToken })).type.toBe<
      Effect.Effect<Redacted.Redacted, Common | IdentityError.WorkloadAccessTokenUnavailable>
    >()
  })

  it("resumes with ConsentPending in place of ConsentTimedOut when it does not wait", () => {
    type Resumed<E> = Effect.Effect<
      Redacted.Redacted,
      | Common
      | IdentityError.ConsentDenied
      | IdentityError.HandleRejected
      | IdentityError.LedgerFailure
      | IdentityError.WorkloadAccessTokenUnavailable
      | E,
      ConsentSeal.ConsentSeal | ConsentLedger.ConsentLedger
    >
    const handle = workloadAccessToken
    expect(identity.resume(handle, { workloadAccessToken })).type.toBe<Resumed<IdentityError.ConsentTimedOut>>()
    expect(identity.resume(handle, { wait: false, workloadAccessToken })).type.toBe<
      Resumed<IdentityError.ConsentPending>
    >()
    expect(identity.resume).type.not.toBeCallableWith(handle, {
      wait: false,
      tokenPoller: Schedule.forever,
      workloadAccessToken
    })
  })

  it("keeps secrets Redacted", () => {
    expect<IdentityApi.Reply<"getResourceOauth2Token">["accessToken"]>().type.toBe<Redacted.Redacted | undefined>()
    expect(identity.getApiKey).type.not.toBeCallableWith({ providerName: "weather", workloadAccessToken: "bare" })
  })

  it("knows that the service may answer with a status of tomorrow", () => {
    const status: IdentityApi.Reply<"getConsentPortal">["status"] = "ACTIVE"
    expect(status).type.toBe<"ACTIVE">()
    expect<string>().type.not.toBeAssignableTo<IdentityApi.Reply<"getConsentPortal">["status"]>()
  })
})

describe("IdentityApi", () => {
  it("can be written as one rule for all its methods", () => {
    const api = IdentityApi.make(() => () => Effect.dieMessage("not reached"))
    expect(api).type.toBe<IdentityApi.IdentityApi["Type"]>()
  })
})
