/**
 * Credentials for an agent: workload access tokens, OAuth 2.0 tokens for workloads and users, API keys, payment tokens,
 * and the administration of what they come from. The policy (waiting, retrying, naming what is wrong) is written here
 * once, over whatever implements `IdentityApi`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import type { Strategy, WaitFailure } from "./Consent.js"
import type { PaymentToken, PaymentTokenRequest, UserIdentifier } from "./Credential.js"
import type { Failure, OperationKey, Reply, Request } from "./IdentityApi.js"
import type { IdentityControls } from "./IdentityControls.js"
import type { ConsentDenied, ConsentRequired } from "./IdentityError.js"
import { IdentityApi } from "./IdentityPort.js"
import * as subscriptions from "./internal/lib/subscriptions.js"
import { CompletionEvents } from "./internal/model/completionEvents.js"
import { withOptionNames } from "./internal/model/optionNames.js"
import * as administration from "./internal/service/administration.js"
import * as tokenFlow from "./internal/service/askForToken.js"
import * as Flights from "./internal/service/flights.js"
import * as strategies from "./internal/service/getToken.js"
import { record as recordIdentity } from "./internal/service/grantKey.js"
import * as pollSession from "./internal/service/pollSession.js"
import * as Revocation from "./internal/service/reauthenticate.js"
import * as resume from "./internal/service/resume.js"
import { withRetries } from "./internal/service/retry.js"
import * as superseded from "./internal/service/superseded.js"
import * as waitForConsent from "./internal/service/waitForConsent.js"
import { withWorkloadToken } from "./internal/service/workloadToken.js"
import type { CredentialProviderVendor, VendorConfig } from "./Oauth2Provider.js"
import type {
  AnyTokenOptions,
  MachineTokenOptions,
  Resume,
  UserTokenOptions,
  WithWorkloadAccessToken
} from "./TokenOptions.js"
import type { MintFailure } from "./WorkloadAccessToken.js"

/**
 * Operations of `IdentityApi` that the service provides unchanged, with the retries of `RetryPolicy`.
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
 * Errors of every token request.
 *
 * @since 0.1.0
 * @category errors
 */
export type TokenFailure = Failure<"getResourceOauth2Token"> | MintFailure

/**
 * Errors of a request for a user token without a strategy of its own.
 *
 * @since 0.1.0
 * @category errors
 */
export type UserFailure = TokenFailure | WaitFailure | ConsentRequired

/**
 * Errors of a request for a user token with the strategy `S`: those of the request, `ConsentDenied`, and those of each strategy
 * that `S` may be; without a strategy `UserFailure`.
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
 * Requests an OAuth 2.0 access token. A request for a machine token cannot fail because of a consent. A request for a
 * user token has the errors of its strategy.
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
 * Requests another token for one that a resource has rejected. Takes the options of the first request, and the rejected token
 * as `refused`.
 *
 * Authentication is forced, which requires consent again, only if the service returns the rejected token; `forceAuthentication`
 * of the options is ignored. If the service has no other token even then, the call succeeds with the rejected token.
 * Concurrent calls with the same options, workload access token and rejected token share one request. While a consent that one
 * of them required is pending, later calls poll its session and do not open another one.
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
 * Token that a resource has rejected.
 *
 * @since 0.1.0
 * @category models
 */
export interface RefusedToken {
  readonly refused: Redacted.Redacted
}

/**
 * Streams the items of a paged list, and requests a page when it is pulled. `pageSize` defaults to that of the service.
 *
 * @since 0.1.0
 * @category models
 */
export type List<Key extends OperationKey, Item> = (
  options?: { readonly pageSize?: number | undefined }
) => Stream.Stream<Item, Failure<Key>>

/**
 * The identity service. It also has every other operation of `IdentityApi` under its own name.
 *
 * @since 0.1.0
 * @category tags
 */
export class IdentityService extends Context.Tag("effect-agentcore-identity/IdentityService")<
  IdentityService,
  PassthroughOperations & {
    /**
     * Requests a token of a workload, or of a workload and its user. If both are given, `userToken` is used and a warning logged.
     * `rejected` is a token that the service has rejected, which a cache does not return.
     */
    readonly getWorkloadAccessToken: (options: {
      readonly workloadName: string
      readonly userToken?: Redacted.Redacted | undefined
      readonly userId?: string | undefined
      readonly rejected?: Redacted.Redacted | undefined
    }) => Effect.Effect<Redacted.Redacted, Failure<"getWorkloadAccessToken">>
    /** Requests an OAuth 2.0 token; see {@link GetToken}. */
    readonly getToken: GetToken
    /**
     * Resumes a call that `Consent.suspend` suspended, with the workload access token of the same user. Polls at once, and then
     * waits with `tokenPoller` (defaults to that of the program) until the session ends. A handle returns one token; otherwise
     * the call fails with `HandleRejected`. If no token was returned, the handle can be resumed again.
     */
    readonly resume: Resume
    /** Requests another token for one that a resource has rejected; see {@link Reauthenticate}. */
    readonly reauthenticate: Reauthenticate
    /** Requests the API key of a provider. */
    readonly getApiKey: (
      options: { readonly providerName: string } & WithWorkloadAccessToken
    ) => Effect.Effect<Redacted.Redacted, Failure<"getResourceApiKey"> | MintFailure>
    /** Requests the tokens for a request to a payment vendor. */
    readonly getPaymentToken: (
      options: { readonly providerName: string; readonly request: PaymentTokenRequest } & WithWorkloadAccessToken
    ) => Effect.Effect<PaymentToken, Failure<"getResourcePaymentToken"> | MintFailure>
    /**
     * Completes a consent for the user whose browser returned. Call it only after you have verified that this user started it:
     * the session belongs to the user id or JWT that the workload access token was requested with.
     */
    readonly completeResourceTokenAuth: (options: {
      readonly sessionUri: string | Redacted.Redacted
      readonly userIdentifier: UserIdentifier
    }) => Effect.Effect<void, Failure<"completeResourceTokenAuth">>
    /** Creates an OAuth 2.0 credential provider. The configuration must be that of the vendor. */
    readonly createOauth2CredentialProvider: <Vendor extends CredentialProviderVendor>(
      request: Omit<Request<"createOauth2CredentialProvider">, keyof VendorConfig<Vendor>> & VendorConfig<Vendor>
    ) => Effect.Effect<Reply<"createOauth2CredentialProvider">, Failure<"createOauth2CredentialProvider">>
    /** Replaces the configuration of an OAuth 2.0 credential provider, including the secret. */
    readonly updateOauth2CredentialProvider: <Vendor extends CredentialProviderVendor>(
      request: Omit<Request<"updateOauth2CredentialProvider">, keyof VendorConfig<Vendor>> & VendorConfig<Vendor>
    ) => Effect.Effect<Reply<"updateOauth2CredentialProvider">, Failure<"updateOauth2CredentialProvider">>
    /** Creates a workload identity. `name` defaults to `workload-` and eight hexadecimal digits. */
    readonly createWorkloadIdentity: (
      options?: Partial<Request<"createWorkloadIdentity">>
    ) => Effect.Effect<Reply<"createWorkloadIdentity">, Failure<"createWorkloadIdentity">>
    /** Registers one return URL and keeps the others. Changes of one program are serialized. */
    readonly addReturnUrl: (
      options: { readonly name: string; readonly url: string }
    ) => Effect.Effect<Reply<"getWorkloadIdentity">, Failure<"updateWorkloadIdentity">>
    /** Removes one return URL and keeps the others. Changes of one program are serialized. */
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
 * Makes the service over the `IdentityApi` of the context.
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
  // The registry of a service in memory, which publishes its own events.
  const registry = (yield* CompletionEvents) ?? (yield* subscriptions.make)
  const flights = Flights.make(registry)
  const poll = pollSession.make(flow)
  const waits = yield* waitForConsent.make(registry, poll)
  const token = strategies.make(flights, waits, poll)
  const kindOfUserToken = strategies.kinds(flow.requestUserToken)
  const kindOfMachineToken = strategies.kinds(flow.requestMachineToken)
  const reauthenticated = Revocation.make(flow)
  const lock = yield* Effect.makeSemaphore(1)

  // The diagnostics read only the first signature of an overloaded function.
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
    const kindOf = options.authFlow === "USER_FEDERATION" ? kindOfUserToken : kindOfMachineToken
    return token("IdentityService.getToken", options, kindOf(options.forceAuthentication))
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
    return token("IdentityService.reauthenticate", options, {
      name: `rejected ${Redacted.value(options.refused)}`,
      request: (context, key) => reauthenticated(context, options.refused, key)
    })
  }

  const service = IdentityService.of({
    ...api,
    ...administration.make(api, lock),
    getToken,
    reauthenticate,
    resume: resume.make(flow, flights, waits),
    getWorkloadAccessToken: Effect.fn("IdentityService.getWorkloadAccessToken")(
      function*({ userId, userToken, workloadName }) {
        if (userToken !== undefined && userId !== undefined) {
          yield* Effect.logWarning("Both userToken and userId were given: userToken is used. Pass only one of them")
        }
        const reply = userToken !== undefined
          ? yield* api.getWorkloadAccessTokenForJWT({ workloadName, userToken })
          : userId !== undefined
          ? yield* api.getWorkloadAccessTokenForUserId({ workloadName, userId })
          : yield* api.getWorkloadAccessToken({ workloadName })
        recordIdentity(reply.workloadAccessToken, { workloadName, userId, userToken })
        return reply.workloadAccessToken
      }
    ),
    getApiKey: Effect.fn("IdentityService.getApiKey")(
      function*(options) {
        const reply = yield* Effect.mapError(
          withWorkloadToken(options, (workloadIdentityToken) =>
            api.getResourceApiKey({
              workloadIdentityToken,
              resourceCredentialProviderName: options.providerName
            })),
          withOptionNames
        )
        return reply.apiKey
      }
    ),
    getPaymentToken: Effect.fn("IdentityService.getPaymentToken")(
      function*(options) {
        const reply = yield* Effect.mapError(
          withWorkloadToken(options, (workloadIdentityToken) =>
            api.getResourcePaymentToken({
              workloadIdentityToken,
              resourceCredentialProviderName: options.providerName,
              paymentTokenRequest: options.request
            })),
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
  superseded.register(service, flights.supersede)
  return service
})

/**
 * Provides the service over any `IdentityApi`. `AwsIdentity.layer` is this layer on AWS.
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
 * Provides the service in memory with its port and test controls: `MemoryIdentity.layer()`, which is loaded when the layer is
 * built, so that importing this module does not load the emulator. Building the layer is asynchronous: use
 * `Effect.runPromise` or an asynchronous test, not `Effect.runSync`.
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
