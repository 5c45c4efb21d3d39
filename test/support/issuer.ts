/** The emulator with an issuer whose responses the test gives, so that a test controls what happens during a request. */
import { Deferred, Effect, Queue, Redacted } from "effect"
import type * as IdentityApi from "../../src/IdentityApi.js"
import type * as IdentityControls from "../../src/IdentityControls.js"
import * as emulator from "../../src/internal/emulator/emulator.js"
import type { Storage } from "../../src/internal/emulator/persistence/durableStore.js"
import {
  type Client,
  type IssuedToken,
  type Issuer,
  Issuers,
  type ProviderError
} from "../../src/internal/emulator/state/issuer.js"

export const workloadName = "my-agent"
export const providerName = "google"
export const returnUrl = "https://app.example/done"

type TokenRequest = IdentityApi.Request<"getResourceOauth2Token">

/** A request to the issuer that waits for its response. */
export interface Arrival {
  readonly kind: "machine" | "user" | "refresh" | "onBehalfOf"
  readonly client: Client
  readonly request: {
    readonly refreshToken?: Redacted.Redacted
    readonly userToken?: Redacted.Redacted
    readonly customParameters?: unknown
  }
  readonly answer: Deferred.Deferred<IssuedToken, ProviderError>
  /** `true` if a time limit of the issuer can interrupt the request. */
  readonly isInterruptible: boolean
}

export const token = (
  accessToken: string,
  rest: {
    readonly expiresIn?: number | undefined
    readonly refreshToken?: string
    readonly refreshExpiresIn?: number
  } = {}
): IssuedToken => ({
  accessToken: Redacted.make(accessToken),
  expiresIn: "expiresIn" in rest ? rest.expiresIn : 3600,
  refreshToken: rest.refreshToken === undefined ? undefined : Redacted.make(rest.refreshToken),
  refreshExpiresIn: rest.refreshExpiresIn
})

/** The value of a token reply, or the status of its session. */
export const shown = ({ accessToken, sessionStatus }: IdentityApi.Reply<"getResourceOauth2Token">) =>
  accessToken === undefined ? sessionStatus : Redacted.value(accessToken)

/** The default provider, of the vendor Google: not on loopback, so that the test chooses its issuer. */
export const provider = (clientSecret: string, clientId = "id") => ({
  name: providerName,
  credentialProviderVendor: "GoogleOauth2" as const,
  oauth2ProviderConfigInput: {
    googleOauth2ProviderConfig: { clientId, clientSecret: Redacted.make(clientSecret) }
  }
})

/** An issuer, and the requests that wait for its responses. With a browser it also issues codes. */
export const make = ({ hasBrowser = false } = {}) =>
  Effect.map(Queue.unbounded<Arrival>(), (arrivals) => {
    const ask = (kind: Arrival["kind"]) => (client: Client, request: Arrival["request"]) =>
      Effect.checkInterruptible((isInterruptible) =>
        Effect.flatMap(Deferred.make<IssuedToken, ProviderError>(), (answer) =>
          Effect.zipRight(
            Queue.offer(arrivals, { kind, client, request, answer, isInterruptible }),
            Deferred.await(answer)
          ))
      )
    const user = ask("user")
    const issuer: Issuer = {
      machine: ask("machine"),
      user: (client, { authorization, customParameters }) => user(client, { customParameters, ...authorization }),
      refresh: ask("refresh"),
      onBehalfOf: ask("onBehalfOf"),
      browser: hasBrowser
        ? {
          authorization: (_, __, state) =>
            Effect.succeed({
              url: Redacted.make(`https://idp.example/authorize?state=${state}`),
              codeVerifier: Redacted.make("verifier")
            }),
          code: () => Effect.succeed(Redacted.make("code"))
        }
        : undefined
    }
    return { issuer, arrivals, arrival: Queue.take(arrivals), waiting: Queue.size(arrivals) }
  })

/** Provides the issuer to an emulator. */
export const over = <A, E, R>(issuer: Issuer, self: Effect.Effect<A, E, R>) =>
  Effect.provideService(self, Issuers, { federated: issuer, verify: undefined })

/** Token requests and consents of a test. */
export const actions = (
  { api, controls }: {
    readonly api: IdentityApi.IdentityApi["Type"]
    readonly controls: IdentityControls.IdentityControls["Type"]
  }
) => {
  const request = (userId: string, change: Partial<TokenRequest> = {}) =>
    Effect.map(
      api.getWorkloadAccessTokenForUserId({ workloadName, userId }),
      ({ workloadAccessToken }): TokenRequest => ({
        workloadIdentityToken: workloadAccessToken,
        resourceCredentialProviderName: providerName,
        scopes: ["read"],
        oauth2Flow: "USER_FEDERATION",
        resourceOauth2ReturnUrl: returnUrl,
        ...change
      })
    )
  const ask = (userId: string, change?: Partial<TokenRequest>) =>
    Effect.flatMap(request(userId, change), api.getResourceOauth2Token)
  /** A session that the user has approved, with a code if the issuer has a browser. */
  const approved = (userId: string, change?: Partial<TokenRequest>) =>
    Effect.gen(function*() {
      const { sessionUri = Redacted.make("") } = yield* ask(userId, change)
      const redirect = yield* controls.beginAuthorization(sessionUri, "state")
      yield* redirect === undefined
        ? controls.approve(sessionUri)
        : controls.completeAuthorization(sessionUri, {
          state: "state",
          codeVerifier: redirect.codeVerifier,
          parameters: new URLSearchParams({ code: "code" })
        })
      return {
        sessionUri,
        complete: api.completeResourceTokenAuth({ sessionUri, userIdentifier: { userId } }),
        poll: ask(userId, { sessionUri, ...change })
      }
    })
  return { api, controls, request, ask, approved }
}

/** A workload identity, and a provider of the issuer. */
export const setUp = ({ api, controls }: Parameters<typeof actions>[0]) =>
  Effect.gen(function*() {
    yield* api.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
    yield* controls.setIssuer(providerName, "federated")
    yield* api.createOauth2CredentialProvider(provider("secret"))
  })

/** An emulator in memory with the provider of the issuer. */
export const world = (options?: { readonly hasBrowser?: boolean }) =>
  Effect.gen(function*() {
    const stub = yield* make(options)
    const made = yield* over(stub.issuer, emulator.make(emulator.settings({})))
    yield* setUp(made)
    return { ...stub, ...actions(made) }
  })

/** An emulator with a storage, whose providers use the issuer. */
export const stored = (issuer: Issuer, storage: Storage) =>
  Effect.map(over(issuer, emulator.makeStored(emulator.settings({}), storage)), actions)
