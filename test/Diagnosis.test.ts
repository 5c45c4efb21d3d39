import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Diagnosis from "../src/Diagnosis.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import { agent, asUser } from "./support/agent.js"

const operation = "GetResourceOauth2Token"

const causeOf = (error: IdentityError.IdentityError) =>
  Option.getOrUndefined(Option.map(Diagnosis.diagnose(error), ({ cause }) => cause))

describe("diagnose", () => {
  it("knows the wordings that were seen in live use", () => {
    const validation = (message: string) => new IdentityError.ValidationError({ operation, message })
    const denied = (message: string) => new IdentityError.AccessDenied({ operation, message })
    const known: ReadonlyArray<readonly [IdentityError.IdentityError, Diagnosis.Cause]> = [
      [
        denied("WorkloadIdentity is linked to a service and cannot retrieve an access token by the caller."),
        "LinkedToService"
      ],
      [denied("Invalid or expired session"), "SessionInvalid"],
      [validation("You must provide a ResourceOauth2ReturnUrl to proceed with this flow"), "ReturnUrlMissing"],
      [validation("You must register and use at least one ResourceOauth2ReturnUrl"), "ReturnUrlNotRegistered"],
      [
        validation("1 validation error detected: Value at 'requestUri' failed to satisfy constraint: pattern"),
        "StateOrSessionMalformed"
      ],
      [validation("Token exchange failed with HTTP status 400"), "ExchangeRefused"],
      [validation("Failed to retrieve token"), "ProviderRefused"],
      [
        new IdentityError.TransportFailure({ operation, reason: "Credentials", message: "no credentials" }),
        "AwsCredentialsMissing"
      ],
      [
        new IdentityError.UndecodableReply({
          operation,
          message: `the reply of ${operation} (HTTP 200) is not from AWS`
        }),
        "ReplyNotFromAws"
      ],
      [
        new IdentityError.UnknownServiceError({ operation, code: "ExpiredTokenException", status: 403, message: "" }),
        "AwsCredentialsRefused"
      ]
    ]
    for (const [error, cause] of known) {
      assert.strictEqual(causeOf(error), cause)
      const { explanation, fix } = Option.getOrThrow(Diagnosis.diagnose(error))
      assert.isAbove(explanation.length, 20)
      assert.isAbove(fix.length, 10)
    }
  })

  it("leaves unknown what is unknown", () => {
    assert.isUndefined(causeOf(new IdentityError.ValidationError({ operation, message: "something else" })))
    assert.isUndefined(causeOf(new IdentityError.AccessDenied({ operation, message: "User is not authorized" })))
    assert.isUndefined(causeOf(new IdentityError.Throttled({ operation, message: "Invalid or expired session" })))
    assert.isUndefined(causeOf(new IdentityError.UndecodableReply({ operation, message: "is not a JSON object" })))
    assert.isUndefined(causeOf(new IdentityError.ConsentDenied({ providerName: "github" })))
  })

  it.effect("knows what the service in memory says", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const missing = yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken, callbackUrl: undefined }))
      assert.strictEqual(causeOf(missing), "ReturnUrlMissing")
      const colon = yield* Effect.flip(identity.getToken({ ...asUser, workloadAccessToken, customState: "a:b" }))
      assert.strictEqual(causeOf(colon), "StateOrSessionMalformed")
    }).pipe(Effect.provide(IdentityService.layerTest)))
})
