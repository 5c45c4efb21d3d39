import { assert, it } from "@effect/vitest"
import type { Tracer } from "effect"
import { Cause, Effect, Exit, HashMap, Layer, Logger, LogLevel, Redacted, Schedule, Struct, Tracer as T } from "effect"
import * as AccessToken from "../src/AccessToken.js"
import * as ApiKey from "../src/ApiKey.js"
import * as Consent from "../src/Consent.js"
import * as Credential from "../src/Credential.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityService from "../src/IdentityService.js"
import * as TokenPoller from "../src/TokenPoller.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { agent, asUser, jwt, workloadName } from "./support/agent.js"
import { credentialSpellings, printed } from "./support/canaries.js"
import * as Server from "./support/server.js"

const canaries = {
  state: "canary-custom-state",
  parameter: "canary-custom-parameter",
  key: "canary-api-key",
  client: "canary-client-secret",
  jwt: Redacted.value(jwt({ iss: "https://issuer.example", sub: "canary-subject" })),
  body: "canary-request-body"
}

const layers = { memory: IdentityService.layerTest, "the SDK over HTTP": Server.layer }

const collect = (spans: Array<string>): T.Tracer =>
  T.make({
    context: (f) => f(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: name,
        traceId: "trace",
        parent,
        context,
        links,
        sampled: true,
        kind,
        attributes,
        status: { _tag: "Started", startTime },
        // The server of the SDK's layer replaces what the platform has written down of a request.
        attribute: (key, value) => attributes.set(key, value),
        addLinks: () => {},
        event: (event, _, attributes) => spans.push(`${name} ${event} ${printed(attributes).join()}`),
        end: (_, exit) => {
          for (const [key, value] of attributes) spans.push(`${name} ${key}=${printed(value).join()}`)
          spans.push(`${name} ${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""}`)
        }
      }
      return span
    }
  })

it.effect.each(Struct.entries(layers))(
  "no flow over %s prints a secret: not in logs, spans, errors, JSON or inspection",
  ([, layer]) => {
    const lines: Array<string> = []
    const spans: Array<string> = []
    const secrets: Array<string> = [...Object.values(canaries), ...credentialSpellings]
    const keep = <A, E>(exit: Exit.Exit<A, E>) => {
      lines.push(...printed(exit))
      if (Exit.isFailure(exit)) {
        lines.push(Cause.pretty(exit.cause, { renderErrorCause: true }))
        for (const error of Cause.failures(exit.cause)) lines.push(...printed(error))
      }
    }
    const run = <A, E, R>(self: Effect.Effect<A, E, R>) =>
      self.pipe(
        Effect.tapErrorCause((cause) => Effect.logError("failed", cause)),
        Effect.exit,
        Effect.tap(Effect.log),
        Effect.tap((exit) => Effect.sync(() => keep(exit)))
      )

    const flows = Effect.gen(function*() {
      const { identity, workloadAccessToken } = yield* agent
      const controls = yield* IdentityControls.IdentityControls
      secrets.push(Redacted.value(workloadAccessToken))
      const custom = {
        ...asUser,
        workloadAccessToken,
        customState: canaries.state,
        customParameters: { prompt: canaries.parameter }
      }
      const consent = yield* Effect.flip(identity.getToken(custom))
      if (!(consent instanceof IdentityError.ConsentRequired)) {
        return yield* Effect.dieMessage("no consent was required")
      }
      secrets.push(Redacted.value(consent.sessionUri), Redacted.value(consent.authorizationUrl))
      secrets.push(encodeURIComponent(Redacted.value(consent.sessionUri)))
      yield* run(identity.getToken(custom))
      yield* run(identity.getToken({
        ...custom,
        consent: Consent.wait({ onAuthUrl: (_, { sessionUri }) => controls.deny(sessionUri) })
      }))
      yield* run(
        identity.getToken({
          ...custom,
          consent: Consent.wait({ onAuthUrl: (url) => Effect.fail({ _tag: "Unreachable", url }) })
        })
      )
      yield* run(identity.getToken({ ...custom, consent: Consent.wait({ onAuthUrl: () => Effect.void }) }))
      yield* run(controls.approve(consent.sessionUri))
      yield* run(identity.completeResourceTokenAuth({
        sessionUri: consent.sessionUri,
        userIdentifier: Credential.userToken(Redacted.make(canaries.jwt))
      }))
      yield* run(identity.completeResourceTokenAuth({
        sessionUri: `${Redacted.value(consent.sessionUri)}%3A`,
        userIdentifier: Credential.userId("ada")
      }))
      yield* run(identity.completeResourceTokenAuth({
        sessionUri: consent.sessionUri,
        userIdentifier: Credential.userId("ada")
      }))
      const token = yield* identity.getToken(custom)
      secrets.push(Redacted.value(token))
      const exit = yield* run(identity.getToken({ ...custom, authFlow: "M2M" }))
      if (Exit.isSuccess(exit)) secrets.push(Redacted.value(exit.value))
      yield* run(
        identity.getWorkloadAccessToken({ workloadName, userToken: Redacted.make(canaries.jwt), userId: "ada" })
      )
      yield* run(identity.getWorkloadAccessToken({ workloadName, userToken: Redacted.make(`${canaries.jwt} x`) }))
      yield* run(identity.createApiKeyCredentialProvider({ name: "canary", apiKey: Redacted.make(canaries.key) }))
      yield* run(identity.createApiKeyCredentialProvider({ name: "canary", apiKey: Redacted.make(canaries.key) }))
      yield* run(identity.createApiKeyCredentialProvider({ name: "bad name", apiKey: Redacted.make(canaries.key) }))
      // @ts-expect-error a bare secret
      yield* run(identity.createApiKeyCredentialProvider({ name: "bare", apiKey: canaries.key }))
      yield* run(identity.getApiKey({ workloadAccessToken, providerName: "canary" }))
      yield* run(identity.createOauth2CredentialProvider({
        name: "canary",
        credentialProviderVendor: "GoogleOauth2",
        oauth2ProviderConfigInput: {
          // @ts-expect-error the configuration of another vendor
          githubOauth2ProviderConfig: { clientId: "client", clientSecret: Redacted.make(canaries.client.repeat(200)) }
        }
      }))
      yield* run(identity.getPaymentToken({
        workloadAccessToken,
        providerName: "coinbase",
        request: { stripePrivyTokenRequest: { requestPath: "/v1", requestBody: Redacted.make(canaries.body) } }
      }))
      const program = Effect.zip(AccessToken.AccessToken, ApiKey.ApiKey).pipe(
        AccessToken.provideAccessToken({ ...asUser, customState: canaries.state }),
        ApiKey.provideApiKey({ providerName: "canary" }),
        Effect.provideService(WorkloadAccessToken.WorkloadAccessToken, WorkloadAccessToken.fixed(workloadAccessToken))
      )
      yield* run(program)
      yield* run(Effect.provide(Effect.void, WorkloadAccessToken.layer({ workloadName, userId: "" })))
      lines.push(...printed(yield* controls.journal), ...printed(yield* controls.sessions))
    })

    const logger = Logger.make(({ annotations, cause, message }) => {
      lines.push(...printed(message), Cause.pretty(cause), ...printed(HashMap.toEntries(annotations)))
    })
    const quick = TokenPoller.layer(Schedule.recurs(1))

    return flows.pipe(
      Effect.withSpan("flows"),
      Effect.provide(Layer.mergeAll(
        layer,
        quick,
        Logger.replace(Logger.defaultLogger, logger),
        Logger.minimumLogLevel(LogLevel.All)
      )),
      Effect.withTracer(collect(spans)),
      Effect.tap(() =>
        Effect.sync(() => {
          assert.isAbove(lines.length, 100)
          assert.isAbove(spans.length, 20)
          assert.isAbove(secrets.length, 10)
          for (const line of [...lines, ...spans]) {
            for (const secret of secrets) assert.notInclude(line, secret)
          }
        })
      )
    )
  }
)
