/**
 * Test controls of the in-memory service: approve or deny consent, revoke and expire tokens, inject failures, and inspect
 * the state. For tests and development.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Strategy, WaitFailure } from "./Consent.js"
import {
  type NotSimulated,
  type ProviderRefused,
  type SeedFailed,
  SeedInvalid,
  type SessionNotApproved,
  SessionNotPending
} from "./ControlError.js"
import type {
  ConsentSession,
  FailureTag,
  Grant,
  GrantFilter,
  GrantsPage,
  Inventory,
  IssuerChoice,
  JournalEntry,
  Owner,
  PendingFailure,
  ProviderFailure,
  Redirect,
  SeedResult,
  SessionCounts,
  SessionsPage,
  SessionsPageRequest
} from "./ControlModel.js"
import type * as IdentityApi from "./IdentityApi.js"
import type { ConsentRequired } from "./IdentityError.js"
import { invalidFields } from "./internal/model/validation.js"
import * as seedSchema from "./internal/seed/seed.js"

/** @since 0.1.0 */
export * from "./ControlError.js"

/** @since 0.1.0 */
export * from "./ControlModel.js"

/**
 * Set-up of a service, as in the seed file of the command `serve`. All members are optional. The lists contain the requests of
 * the `Create…` operations of AWS, with secrets as plain strings in the encoded form. `issuers` has an issuer for each name of
 * an OAuth 2.0 provider: `simulated`, `federated` or a discovery URL. `secrets` has a JSON object for each id of a secret that
 * an `EXTERNAL` provider reads. Names in a list must be unique.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Seed = seedSchema.Seed

/**
 * @since 0.1.0
 * @category schemas
 */
export type Seed = typeof Seed.Type

/**
 * Test controls of one in-memory service.
 *
 * @since 0.1.0
 * @category tags
 */
export class IdentityControls extends Context.Tag("effect-agentcore-identity/IdentityControls")<IdentityControls, {
  /**
   * Approves the session as the user. Returns the return URL with `session_id` and `state`. There is no token yet: as on
   * AWS, the page at that URL must call `completeResourceTokenAuth`. {@link consent} does both.
   */
  readonly approve: (
    sessionUri: Redacted.Redacted
  ) => Effect.Effect<Redacted.Redacted, SessionNotPending | NotSimulated>
  /**
   * Completes an approved session as the user who started it, as the page at the return URL does: stores the grant, and wakes
   * the calls in this process that wait. It adds no call to the journal, and injected failures do not affect it.
   */
  readonly complete: (
    sessionUri: Redacted.Redacted
  ) => Effect.Effect<void, SessionNotApproved | ProviderRefused>
  /**
   * Until the scope closes, approves and completes each new session as its user as soon as it is opened. Sessions that were
   * opened before stay as they are. A session that cannot be approved makes its call a defect, as with {@link autoConsent}.
   */
  readonly consentAutomatically: Effect.Effect<void, never, Scope.Scope>
  /**
   * Builds the authorization URL of the provider, with this `state`; `undefined` if the provider is simulated. The session
   * stays pending until `completeAuthorization`.
   */
  readonly beginAuthorization: (
    sessionUri: Redacted.Redacted,
    state: string
  ) => Effect.Effect<Redirect | undefined, SessionNotPending | ProviderRefused>
  /**
   * Approves the session with the parameters of the provider's callback URL. Returns the return URL, as `approve` does. A
   * response to another authorization request changes nothing.
   */
  readonly completeAuthorization: (
    sessionUri: Redacted.Redacted,
    response: {
      readonly state: string
      readonly codeVerifier: Redacted.Redacted
      readonly parameters: URLSearchParams
    }
  ) => Effect.Effect<Redacted.Redacted, SessionNotPending | ProviderRefused>
  /**
   * Sets the issuer of the provider with this name. The provider may be created later. Default (`undefined`): the vendor if its
   * endpoints are on loopback, otherwise simulated. A change removes the tokens and sessions of the provider. Without
   * `FederatedIssuer` every provider is simulated. Dies if there would be more than 10,000 chosen issuers, or more than 16 Mi
   * characters in them.
   */
  readonly setIssuer: (providerName: string, issuer: IssuerChoice | undefined) => Effect.Effect<void>
  /** The last 100 failed requests to vendors, oldest first. */
  readonly providerFailures: Effect.Effect<ReadonlyArray<ProviderFailure>>
  /** Denies the session as the user: its status becomes `FAILED`. The calls in this process that wait end at once. */
  readonly deny: (sessionUri: Redacted.Redacted) => Effect.Effect<void, SessionNotPending>
  /** Expires the session now, instead of ten minutes after its creation. The calls in this process that wait end at once. */
  readonly expireSession: (sessionUri: Redacted.Redacted) => Effect.Effect<void, SessionNotPending>
  /** Expires access tokens now, and returns their number. Those with a refresh token are refreshed at the next request. */
  readonly expireTokens: (filter?: GrantFilter) => Effect.Effect<number>
  /**
   * Revokes grants as the vendor: refreshing fails from now on. As on AWS, the access tokens stay in use until they expire.
   * Returns the number of grants.
   */
  readonly revoke: (filter?: GrantFilter) => Effect.Effect<number>
  /**
   * Makes the next `times` calls (default: 1) of an operation fail with `error`, before their requests are validated. `error`
   * is the tag of an error that the model lists for the operation, or an error value: `failNext("getTokenVault", "Throttled")`.
   * Each retry is a call: a transient failure that the caller sees needs 5, for one call and 4 retries. Dies if 1,000 failures
   * are pending, or if their messages would have more than 4 Mi characters.
   */
  readonly failNext: <Key extends IdentityApi.OperationKey>(
    operation: Key,
    error: IdentityApi.Failure<Key> | FailureTag<Key>,
    times?: number
  ) => Effect.Effect<void>
  /** The injected failures that are left; those of one operation in the order of its calls. */
  readonly pendingFailures: Effect.Effect<ReadonlyArray<PendingFailure>>
  /** Removes the injected failures of this operation, or of all operations. */
  readonly clearFailures: (operation?: IdentityApi.OperationKey) => Effect.Effect<void>
  /**
   * Applies a decoded seed; see {@link seed}, which decodes it first. Returns the outcome for each member. Existing resources
   * are not changed. It adds no calls to the journal, and injected failures do not affect it.
   */
  readonly seed: (seed: Seed) => Effect.Effect<ReadonlyArray<SeedResult>, SeedFailed>
  /**
   * Stores a secret for `EXTERNAL` credential providers: a JSON object, of which they read the member `jsonKey`. Dies if there
   * would be more than 10,000 secrets, or more than 16 Mi characters in them.
   */
  readonly setSecret: (secretId: string, json: Redacted.Redacted) => Effect.Effect<void>
  /**
   * Makes a workload identity belong to AgentCore Runtime or Gateway: callers then get no workload access token for it. Creates
   * it if it does not exist, and dies if its name is invalid or that exceeds the quota of workload identities.
   */
  readonly linkToService: (workloadName: string) => Effect.Effect<void>
  /** The last 1,000 calls, oldest first. */
  readonly journal: Effect.Effect<ReadonlyArray<JournalEntry>>
  /** Removes all calls from the journal. */
  readonly clearJournal: Effect.Effect<void>
  /** The consent sessions, oldest first. Expired ones are removed later. */
  readonly sessions: Effect.Effect<ReadonlyArray<ConsentSession>>
  /** The session with this URI. Unlike `sessions`, it does not read the other sessions. */
  readonly findSession: (sessionUri: Redacted.Redacted) => Effect.Effect<Option.Option<ConsentSession>>
  /** The newest sessions that match a filter, a page at a time. Reads only as many sessions as it needs. */
  readonly sessionsPage: (request: SessionsPageRequest) => Effect.Effect<SessionsPage>
  /** Counts the sessions without reading them. */
  readonly sessionCounts: Effect.Effect<SessionCounts>
  /**
   * Finds the owner of a workload access token or of the URI of a consent session, also if it has expired and is still
   * stored. `None` for any other text.
   */
  readonly ownerOf: (secret: Redacted.Redacted) => Effect.Effect<Option.Option<Owner>>
  /** The grants in the vault, sorted by workload identity, provider and user. */
  readonly grants: Effect.Effect<ReadonlyArray<Grant>>
  /** The first `limit` grants in this order, and the number of all. */
  readonly grantsPage: (limit: number) => Effect.Effect<GrantsPage>
  /** All resources. Unlike the list operations it adds no call to the journal, and injected failures do not affect it. */
  readonly inventory: Effect.Effect<Inventory>
}>() {}

/**
 * Approves and completes a pending consent as the user who must consent, who may be named by id or by JWT. Calls that wait in
 * this process receive their token at once, those of another service (over HTTP) at their next poll. Takes the
 * `ConsentRequired`, an entry of `sessions`, or a session URI.
 *
 * Fails with `SessionNotPending` if the session was completed or denied or has expired, with `NotSimulated` if the provider is
 * federated, and with `ProviderRefused` if the simulated provider cannot be used (an `EXTERNAL` secret is missing). The session
 * is then approved: set the secret and call `consent` again, which completes it.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Consent, IdentityControls, IdentityService } from "effect-agentcore-identity"
 *
 * export const token = Effect.gen(function*() {
 *   const identity = yield* IdentityService.IdentityService
 *   return yield* identity.getToken({
 *     workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "cognito+ada" }),
 *     providerName: "github",
 *     scopes: ["repo"],
 *     authFlow: "USER_FEDERATION",
 *     callbackUrl: "https://app.example/return",
 *     consent: Consent.wait({ onAuthUrl: (_, required) => IdentityControls.consent(required) })
 *   })
 * }).pipe(Effect.provide(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const consent = (
  session: Redacted.Redacted | Pick<ConsentRequired, "sessionUri">
): Effect.Effect<void, SessionNotPending | NotSimulated | ProviderRefused, IdentityControls> =>
  Effect.flatMap(IdentityControls, ({ approve, complete }) => {
    const sessionUri = Redacted.isRedacted(session) ? session : session.sessionUri
    return Effect.zipRight(
      // A session that is approved already, because a completion failed, is still to be completed.
      Effect.catchTag(approve(sessionUri), "SessionNotPending", () => Effect.void),
      // Another answer came first.
      Effect.catchTag(complete(sessionUri), "SessionNotApproved", () => new SessionNotPending())
    )
  })

/**
 * A strategy for tests: the user approves each consent at once, and the call receives its token. For one call
 * (`consent: IdentityControls.autoConsent`), or with `Consent.layer` for the calls without `consent`: a call with the option
 * `consent` uses its own strategy. {@link layerAutoConsent} applies to all calls. A consent that cannot be approved (see
 * {@link consent}) is a defect, because then the test is set up wrongly. If the session was answered before, the wait reports
 * that answer.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Consent, IdentityControls, IdentityService } from "effect-agentcore-identity"
 *
 * export const Test = Consent.layer(IdentityControls.autoConsent).pipe(Layer.provideMerge(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category strategies
 */
export const autoConsent: Strategy<WaitFailure, IdentityControls> = {
  onConsent: (required, { wait }) =>
    consent(required).pipe(
      Effect.catchTag("SessionNotPending", () => Effect.void),
      Effect.orDie,
      Effect.zipRight(wait())
    )
}

/**
 * The user approves and completes each consent as soon as it is required, whatever the strategy of the call is. A call that
 * waits receives its token at once, without a poll by the clock; over HTTP, at its next poll. Under `Consent.fail` and
 * `Consent.suspend` the call still fails with `ConsentRequired`; the next call, or `resume`, returns the token. It ends with the
 * scope of the layer. A session that cannot be approved, because its provider is federated or lacks its secret, is a defect of
 * the call.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { IdentityControls, IdentityService } from "effect-agentcore-identity"
 *
 * export const Test = IdentityControls.layerAutoConsent.pipe(Layer.provideMerge(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAutoConsent: Layer.Layer<never, never, IdentityControls> = /* @__PURE__ */ Layer.scopedDiscard(
  /* @__PURE__ */ Effect.flatMap(IdentityControls, ({ consentAutomatically }) => consentAutomatically)
)

const decodeSeed = Schema.decodeUnknown(Seed, { errors: "all", onExcessProperty: "error" })

/**
 * Sets up the service of a test with the JSON of a seed file of the command `serve`, whose secrets are plain strings. A
 * resource that exists is not changed. The calls of the set-up are not in the journal, and use up no injected failure.
 *
 * Fails with `SeedInvalid`, which names each invalid member, before anything is applied, and with `SeedFailed` if the service
 * rejects a member.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { IdentityControls, IdentityService } from "effect-agentcore-identity"
 *
 * export const key = Effect.gen(function*() {
 *   yield* IdentityControls.seed({
 *     workloadIdentities: [{ name: "my-agent" }],
 *     apiKeyCredentialProviders: [{ name: "weather", apiKey: "a-key" }]
 *   })
 *   const identity = yield* IdentityService.IdentityService
 *   const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName: "my-agent" })
 *   return yield* identity.getApiKey({ providerName: "weather", workloadAccessToken })
 * }).pipe(Effect.provide(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const seed = (
  json: typeof Seed.Encoded
): Effect.Effect<void, SeedInvalid | SeedFailed, IdentityControls> =>
  decodeSeed(json).pipe(
    Effect.mapError(({ issue }) => new SeedInvalid({ fieldList: invalidFields(issue) })),
    Effect.flatMap((decoded) => Effect.flatMap(IdentityControls, (controls) => controls.seed(decoded))),
    Effect.asVoid
  )

/**
 * The set-up of {@link seed} as a layer.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { IdentityControls, IdentityService } from "effect-agentcore-identity"
 *
 * export const Test = IdentityControls.layerSeed({
 *   workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: ["https://app.example/return"] }],
 *   oauth2CredentialProviders: [{
 *     name: "github",
 *     credentialProviderVendor: "GithubOauth2",
 *     oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
 *   }]
 * }).pipe(Layer.provideMerge(IdentityService.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSeed = (
  json: typeof Seed.Encoded
): Layer.Layer<never, SeedInvalid | SeedFailed, IdentityControls> => Layer.effectDiscard(seed(json))
