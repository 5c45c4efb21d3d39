import { assert, describe, it } from "@effect/vitest"
import { withAccessToken, withApiKey } from "bedrock-agentcore/identity"
import { Effect, Layer, Redacted } from "effect"
import { afterEach, beforeEach, vi } from "vitest"
import * as Credential from "../src/Credential.js"
import * as IdentityControls from "../src/IdentityControls.js"
import { agent, asUser, callbackUrl } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import * as Server from "./support/server.js"

/** What a developer pastes into a shell; the SDK reads it when its client is made. */
const environment = Effect.map(Server.origin, (origin) => {
  vi.stubEnv("AWS_REGION", "us-east-1")
  vi.stubEnv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", origin)
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test")
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test")
})

const live = Layer.fresh(Server.layer)

describe("the official bedrock-agentcore package", () => {
  beforeEach(() => vi.stubEnv("AWS_SESSION_TOKEN", undefined))
  afterEach(() => vi.unstubAllEnvs())

  it.scopedLive("gets a machine's token and an API key, as its documentation shows", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      yield* environment
      const workloadIdentityToken = Redacted.value(workloadAccessToken)
      const call = withAccessToken({
        providerName: "github",
        scopes: ["repo"],
        authFlow: "M2M",
        workloadIdentityToken
      })(async (name: string, token: string) => [name, token])
      const machine = yield* identity.getToken({
        workloadAccessToken,
        providerName: "github",
        scopes: ["repo"],
        authFlow: "M2M"
      })
      assertEqual(yield* Effect.promise(() => call("ada")), ["ada", Redacted.value(machine)])
      const forecast = withApiKey({ providerName: "weather", workloadIdentityToken })(async (key: string) => key)
      assert.strictEqual(yield* Effect.promise(() => forecast()), "weather-key")
    }).pipe(Effect.provide(live)))

  it.scopedLive("waits for a person's consent, and gets their token", () =>
    Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      yield* environment
      const runtime = yield* Effect.runtime<never>()
      const consent = (url: string) =>
        Effect.gen(function*() {
          const sessionUri = Redacted.make(new URL(url).searchParams.get("request_uri") ?? "")
          yield* approve(sessionUri)
          yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: Credential.userId("ada") })
        }).pipe(Effect.provide(runtime), Effect.runPromise)
      const call = withAccessToken({
        providerName: "github",
        scopes: ["repo"],
        authFlow: "USER_FEDERATION",
        callbackUrl,
        workloadIdentityToken: Redacted.value(workloadAccessToken),
        onAuthUrl: consent
      })(async (token: string) => token)
      const token = yield* Effect.promise(() => call())
      assert.strictEqual(token, Redacted.value(yield* identity.getToken({ ...asUser, workloadAccessToken })))
    }).pipe(Effect.provide(live)), 20_000)
})
