import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Diagnosis from "../src/Diagnosis.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as SessionBinding from "../src/SessionBinding.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { agent, asUser } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"

const operation = "GetResourceOauth2Token"

const causeOf = (error: Diagnosis.DiagnosableError) =>
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

  const denied = (message: string) => new IdentityError.AccessDenied({ operation, message })
  const user = "User: arn:aws:sts::111122223333:assumed-role/agent/session"
  const action = "bedrock-agentcore:GetResourceOauth2Token"
  const resource =
    "arn:aws:bedrock-agentcore:us-west-2:111122223333:workload-identity-directory/default/workload-identity/a"

  it("names the action and the resource of an IAM denial", () => {
    const because = `because no identity-based policy allows the ${action} action`
    const error = denied(`${user} is not authorized to perform: ${action} on resource: ${resource} ${because}`)
    const { cause, explanation, fix } = Option.getOrThrow(Diagnosis.diagnose(error))
    assert.strictEqual(cause, "IamDenied")
    assert.include(explanation, `${action} on ${resource}.`)
    assert.include(fix, `Allow ${action} on ${resource} in a policy`)
  })

  it("tells an IAM denial without a resource, and an explicit deny, apart", () => {
    const short = Diagnosis.explain(denied(`${user} is not authorized to perform: ${action}`))
    assert.include(short, `Allow ${action} in a policy`)
    const explicit = Diagnosis.explain(denied(
      `${user} is not authorized to perform: ${action} on resource: ${resource} with an explicit deny in a resource-based policy`
    ))
    assert.include(explicit, "denies it explicitly")
    assert.notInclude(explicit, "Allow")
    const unknown = { operation, code: "AccessDeniedException", status: 403 }
    const message = `${user} is not authorized to perform: ${action}`
    assert.strictEqual(causeOf(new IdentityError.UnknownServiceError({ ...unknown, message })), "IamDenied")
  })

  it("repeats no control character of a message", () => {
    for (const bad of ["\u001b[2J", "\u0007", "\u202e", "\u200b"]) {
      const message = `${user} is not authorized to perform: ${action}${bad}evil on resource: ${resource}`
      assert.notInclude(Diagnosis.explain(denied(message)), bad)
    }
  })

  it("recognises a secret that may not be read", () => {
    const secret =
      "arn:aws:secretsmanager:us-west-2:111122223333:secret:bedrock-agentcore-identity!default/oauth2/github"
    for (
      const message of [
        `Access denied when retrieving secret ${secret}`,
        `${user} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${secret}`,
        `${user} is not authorized to perform: secretsmanager:CreateSecret on resource: ${secret}`
      ]
    ) {
      assert.strictEqual(causeOf(denied(message)), "SecretNotReadable")
      assert.strictEqual(causeOf(new IdentityError.ValidationError({ operation, message })), "SecretNotReadable")
      assert.isUndefined(causeOf(new IdentityError.Throttled({ operation, message })))
    }
  })

  it("recognises a vendor's response that the service could not parse", () => {
    for (const message of ["Error parsing ClientCredentials response", "Error parsing token response from provider"]) {
      assert.strictEqual(causeOf(new IdentityError.ValidationError({ operation, message })), "VendorResponseUnreadable")
      assert.isUndefined(causeOf(denied(message)))
    }
    assert.isUndefined(causeOf(new IdentityError.ValidationError({ operation, message: "Error parsing the request" })))
  })

  it("has a remedy for each reason of BindingRefused, and for a missing workload access token", () => {
    const reasons = SessionBinding.BindingRefused.fields.reason.literals
    const causes = reasons.map((reason) => causeOf(new SessionBinding.BindingRefused({ reason, message: "refused" })))
    assertEqual<ReadonlyArray<unknown>>(causes, reasons)
    const all = [
      ...reasons.map((reason) => new SessionBinding.BindingRefused({ reason, message: "refused" })),
      new WorkloadAccessToken.WorkloadAccessTokenMissing()
    ].map(Diagnosis.explain)
    assert.lengthOf(new Set(all), reasons.length + 1)
    for (const text of all) assert.match(text, /^[A-Z].{20,}\. [A-Z].{10,}\.$/)
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
