/**
 * Credentials for an agent: workload access tokens, OAuth2 tokens for machines and people, API keys, payment tokens,
 * and the administration of what they come from. The policy (waiting, retrying, naming what is wrong) is written here
 * once, over whatever implements `IdentityApi`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import type { Strategy, WaitFailure } from "./Consent.js"
import type { ConsentLedger } from "./ConsentLedger.js"
import type { ConsentSeal } from "./ConsentSeal.js"
import type { PaymentToken, PaymentTokenRequest, UserIdentifier } from "./Credential.js"
import type { Failure, OperationKey, Reply, Request } from "./IdentityApi.js"
import { IdentityApi } from "./IdentityApi.js"
import type { IdentityControls } from "./IdentityControls.js"
import type { ConsentDenied, ConsentRequired, HandleRejected, LedgerFailure } from "./IdentityError.js"
import { withOptionNames } from "./internal/model/optionNames.js"
import * as administration from "./internal/service/administration.js"
import * as tokenFlow from "./internal/service/askForToken.js"
import * as strategies from "./internal/service/getToken.js"
import * as Revocation from "./internal/service/reauthenticate.js"
import * as Resume from "./internal/service/resume.js"
import { withRetries } from "./internal/service/retry.js"
import * as waitForConsent from "./internal/service/waitForConsent.js"
import { workloadTokenOf } from "./internal/service/workloadToken.js"
import type { CredentialProviderVendor, VendorConfig } from "./Oauth2Provider.js"
import type { AnyTokenOptions, MachineTokenOptions, UserTokenOptions, WithWorkloadAccessToken } from "./TokenOptions.js"
import type { MintFailure } from "./WorkloadAccessToken.js"

/**
 * The operations that the service hands on as they are, retried under the program's `RetryPolicy`.
 *
 * @since 0.1.0
 * @category models
 */
export type PassthroughOperations = Omit<
  IdentityApi["Type"],
  | "completeResourceTokenAuth"
  | "createOauth2CredentialProvider"
  | "createWorkloadIdentity"
  | "getResourceApiKey"
  | "getResourceOauth2Token"
  | "getResourcePaymentToken"
  | "getWorkloadAccessToken"
  | "listApiKeyCredentialProviders"
  | "listConsentPortals"
  | "listOauth2CredentialProviders"
  | "listPaymentCredentialProviders"
  | "listWorkloadIdentities"
  | "updateOauth2CredentialProvider"
>

/**
 * What any token request may fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type TokenFailure = Failure<"getResourceOauth2Token"> | MintFailure

/**
 * The errors of a request for a user's token without a strategy of its own.
 *
 * @since 0.1.0
 * @category errors
 */
export type UserFailure = TokenFailure | WaitFailure | ConsentRequired

/**
 * The errors of a request for a user's token with the strategy `S`: those of the request, `ConsentDenied`, and those of each
 * strategy that `S` may be; without a strategy `UserFailure`.
 *
 * @since 0.1.0
 * @category errors
 */
export type FailureWith<S> = S extends Strategy<infer E, infer _R> ? TokenFailure | ConsentDenied | E : UserFailure

/**
 * The requirements of each strategy that `S` may be.
 *
 * @since 0.1.0
 * @category models
 */
export type ContextWith<S> = S extends Strategy<infer _E, infer R> ? R : never

/**
 * Requests an OAuth 2.0 access token: the form of a machine's token has no error of a consent, the form of a user's token
 * those of its strategy.
 *
 * @since 0.1.0
 * @category models
 */
export interface GetToken {
  (options: MachineTokenOptions & WithWorkloadAccessToken): Effect.Effect<Redacted.Redacted, TokenFailure>
  <S extends Strategy<unknown, unknown> | undefined = undefined>(
    options: UserTokenOptions<S> & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, FailureWith<S>, ContextWith<S>>
}

/**
 * Requests another token for one that a resource has refused: takes the options of the first request, and that token as
 * `refused`. Authentication is forced, which asks the user again, only if the refused token comes back, whatever the options
 * say of `forceAuthentication`; the call succeeds with the refused token if the service gives no other even then. Concurrent
 * calls with the same grant, workload access token and refused token share one request. Until the consent that one of them
 * required expires or ends, later calls look at that consent and do not open another session.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reauthenticate {
  (
    options: MachineTokenOptions & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, TokenFailure>
  <S extends Strategy<unknown, unknown> | undefined = undefined>(
    options: UserTokenOptions<S> & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, FailureWith<S>, ContextWith<S>>
}

/**
 * The token that a resource no longer takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface RefusedToken {
  readonly refused: Redacted.Redacted
}

/**
 * Every item of a paged list, a page at a time as they are pulled. `pageSize` defaults to what the service gives.
 *
 * @since 0.1.0
 * @category models
 */
export type List<Key extends OperationKey, Item> = (
  options?: { readonly pageSize?: number | undefined }
) => Stream.Stream<Item, Failure<Key>>

/**
 * The service. Besides the methods below it has every other operation of `IdentityApi` by its own name.
 *
 * @since 0.1.0
 * @category tags
 */
export class IdentityService extends Context.Tag("effect-agentcore-identity/IdentityService")<
  IdentityService,
  PassthroughOperations & {
    /** A token for a workload, or for a workload and its user. A user token wins over a user id, with a warning. */
    readonly getWorkloadAccessToken: (options: {
      readonly workloadName: string
      readonly userToken?: Redacted.Redacted | undefined
      readonly userId?: string | undefined
    }) => Effect.Effect<Redacted.Redacted, Failure<"getWorkloadAccessToken">>
    /** An OAuth2 token; see {@link GetToken} for what each form can fail with. */
    readonly getToken: GetToken
    /**
     * Goes on with a consent that `Consent.suspend` put aside: exactly that request, for the same user's workload access
     * token. Asks at once, then waits with `tokenPoller` (default the program's) until the session ends. A handle gives
     * one token: `HandleRejected` says why it gives none. One that came to nothing may be tried again.
     */
    readonly resume: (
      handle: Redacted.Redacted,
      options: { readonly tokenPoller?: Schedule.Schedule<unknown> | undefined } & WithWorkloadAccessToken
    ) => Effect.Effect<
      Redacted.Redacted,
      WaitFailure | MintFailure | HandleRejected | LedgerFailure,
      ConsentSeal | ConsentLedger
    >
    /** Another token for one that a resource has refused; see {@link Reauthenticate}. */
    readonly reauthenticate: Reauthenticate
    /** The API key of a provider. */
    readonly getApiKey: (
      options: { readonly providerName: string } & WithWorkloadAccessToken
    ) => Effect.Effect<Redacted.Redacted, Failure<"getResourceApiKey"> | MintFailure>
    /** What a payment vendor's request has to carry. */
    readonly getPaymentToken: (
      options: { readonly providerName: string; readonly request: PaymentTokenRequest } & WithWorkloadAccessToken
    ) => Effect.Effect<PaymentToken, Failure<"getResourcePaymentToken"> | MintFailure>
    /**
     * Finishes a consent, for the person whose browser came back. Call it only after checking that they are the one who
     * started: a session belongs to the very user id, or JWT, that minted the workload access token.
     */
    readonly completeResourceTokenAuth: (options: {
      readonly sessionUri: string | Redacted.Redacted
      readonly userIdentifier: UserIdentifier
    }) => Effect.Effect<void, Failure<"completeResourceTokenAuth">>
    /** Creates an OAuth2 credential provider. The configuration has to be that of the vendor. */
    readonly createOauth2CredentialProvider: <Vendor extends CredentialProviderVendor>(
      request: Omit<Request<"createOauth2CredentialProvider">, keyof VendorConfig<Vendor>> & VendorConfig<Vendor>
    ) => Effect.Effect<Reply<"createOauth2CredentialProvider">, Failure<"createOauth2CredentialProvider">>
    /** Replaces the configuration of an OAuth2 credential provider, secret included. */
    readonly updateOauth2CredentialProvider: <Vendor extends CredentialProviderVendor>(
      request: Omit<Request<"updateOauth2CredentialProvider">, keyof VendorConfig<Vendor>> & VendorConfig<Vendor>
    ) => Effect.Effect<Reply<"updateOauth2CredentialProvider">, Failure<"updateOauth2CredentialProvider">>
    /** Creates a workload identity; without a name it is called `workload-` and eight hexadecimal digits. */
    readonly createWorkloadIdentity: (
      options?: Partial<Request<"createWorkloadIdentity">>
    ) => Effect.Effect<Reply<"createWorkloadIdentity">, Failure<"createWorkloadIdentity">>
    /** Registers one return URL and keeps the others. Changes of one program wait for each other. */
    readonly addReturnUrl: (
      options: { readonly name: string; readonly url: string }
    ) => Effect.Effect<Reply<"getWorkloadIdentity">, Failure<"updateWorkloadIdentity">>
    /** Removes one return URL and keeps the others. Changes of one program wait for each other. */
    readonly removeReturnUrl: (
      options: { readonly name: string; readonly url: string }
    ) => Effect.Effect<Reply<"getWorkloadIdentity">, Failure<"updateWorkloadIdentity">>
    readonly listWorkloadIdentities: List<
      "listWorkloadIdentities",
      Reply<"listWorkloadIdentities">["workloadIdentities"][number]
    >
    readonly listOauth2CredentialProviders: List<
      "listOauth2CredentialProviders",
      Reply<"listOauth2CredentialProviders">["credentialProviders"][number]
    >
    readonly listApiKeyCredentialProviders: List<
      "listApiKeyCredentialProviders",
      Reply<"listApiKeyCredentialProviders">["credentialProviders"][number]
    >
    readonly listPaymentCredentialProviders: List<
      "listPaymentCredentialProviders",
      Reply<"listPaymentCredentialProviders">["credentialProviders"][number]
    >
    readonly listConsentPortals: List<"listConsentPortals", Reply<"listConsentPortals">["consentPortals"][number]>
  }
>() {}

/**
 * The service over a port.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityService, MemoryIdentity } from "effect-agentcore-identity"
 *
 * export const service = IdentityService.make.pipe(Effect.provide(MemoryIdentity.layerApi()))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<IdentityService["Type"], never, IdentityApi> = Effect.gen(function*() {
  const api = yield* withRetries(yield* IdentityApi)
  const flow = tokenFlow.make(api)
  const waits = yield* waitForConsent.make(flow)
  const token = strategies.make(waits)
  const reauthenticated = yield* Revocation.make(flow)
  const lock = yield* Effect.makeSemaphore(1)

  // The diagnostics take the first signature of an overloaded function for the only one.
  /* @effect-diagnostics missingEffectContext:off missingEffectError:off */
  function getToken(
    options: MachineTokenOptions & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, TokenFailure>
  function getToken<S extends Strategy<unknown, unknown> | undefined = undefined>(
    options: UserTokenOptions<S> & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, FailureWith<S>, ContextWith<S>>
  function getToken<E, R>(
    options: AnyTokenOptions<E, R> & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, UserFailure | E, R> {
    const request = options.authFlow === "USER_FEDERATION" ? flow.requestUserToken : flow.requestMachineToken
    return token("IdentityService.getToken", options, (context) => request(context, options.forceAuthentication))
  }

  function reauthenticate(
    options: MachineTokenOptions & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, TokenFailure>
  function reauthenticate<S extends Strategy<unknown, unknown> | undefined = undefined>(
    options: UserTokenOptions<S> & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, FailureWith<S>, ContextWith<S>>
  function reauthenticate<E, R>(
    options: AnyTokenOptions<E, R> & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, UserFailure | E, R> {
    return token("IdentityService.reauthenticate", options, (context) => reauthenticated(context, options.refused))
  }

  return IdentityService.of({
    ...api,
    ...administration.make(api, lock),
    getToken,
    reauthenticate,
    resume: (handle, options) => Effect.withSpan(Resume.make(flow, waits)(handle, options), "IdentityService.resume"),
    getWorkloadAccessToken: Effect.fn("IdentityService.getWorkloadAccessToken")(
      function*({ userId, userToken, workloadName }) {
        if (userToken !== undefined && userId !== undefined) {
          yield* Effect.logWarning("Both a user token and a user id were given: the user token is used")
        }
        const reply = userToken !== undefined
          ? yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
          : userId !== undefined
          ? yield* api.getWorkloadAccessTokenForUserId({ workloadName, userId })
          : yield* api.getWorkloadAccessToken({ workloadName })
        return reply.workloadAccessToken
      }
    ),
    getApiKey: Effect.fn("IdentityService.getApiKey")(
      function*(options) {
        const reply = yield* Effect.mapError(
          api.getResourceApiKey({
            workloadIdentityToken: yield* workloadTokenOf(options),
            resourceCredentialProviderName: options.providerName
          }),
          withOptionNames
        )
        return reply.apiKey
      }
    ),
    getPaymentToken: Effect.fn("IdentityService.getPaymentToken")(
      function*(options) {
        const reply = yield* Effect.mapError(
          api.getResourcePaymentToken({
            workloadIdentityToken: yield* workloadTokenOf(options),
            resourceCredentialProviderName: options.providerName,
            paymentTokenRequest: options.request
          }),
          withOptionNames
        )
        return reply.paymentTokenResponse
      }
    ),
    completeResourceTokenAuth: Effect.fn("IdentityService.completeResourceTokenAuth")(
      function*({ sessionUri, userIdentifier }) {
        const session = typeof sessionUri === "string" ? Redacted.make(sessionUri) : sessionUri
        yield* api.completeResourceTokenAuth({ sessionUri: session, userIdentifier })
        yield* waits.notifyCompleted(session)
      }
    )
  })
})

/**
 * The service; what it stands on is left open. `AwsIdentity.layer` is this on AWS.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { IdentityService, MemoryIdentity } from "effect-agentcore-identity"
 *
 * export const Local = IdentityService.layer.pipe(Layer.provide(MemoryIdentity.layerApi({ region: "eu-central-1" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<IdentityService, never, IdentityApi> = /* @__PURE__ */ Layer.effect(
  IdentityService,
  make
)

/**
 * The service in memory, with its port and its test controls: `MemoryIdentity.layer()`, loaded when the layer is built, so
 * that a program that imports this module does not load the emulator. Building it is asynchronous: it needs
 * `Effect.runPromise` or a test that awaits, not `Effect.runSync`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityControls, IdentityService } from "effect-agentcore-identity"
 *
 * export const test = Effect.gen(function*() {
 *   const identity = yield* IdentityService.IdentityService
 *   const controls = yield* IdentityControls.IdentityControls
 *   yield* identity.createWorkloadIdentity({ name: "my-agent" })
 *   return yield* controls.journal
 * }).pipe(Effect.provide(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<IdentityService | IdentityApi | IdentityControls> = /* @__PURE__ */ Layer.suspend(
  () => Layer.unwrapEffect(Effect.map(Effect.promise(() => import("./MemoryIdentity.js")), ({ layer }) => layer()))
)
