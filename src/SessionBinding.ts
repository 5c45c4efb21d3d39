/**
 * The start page and the return page of a consent. They verify that the same browser starts and finishes a consent, and that
 * the expected user is signed in to the application.
 *
 * Follows RFC 9700 and RFC 6749, section 10.12.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ConsentLedger } from "./ConsentLedger.js"
import type { ConsentSeal } from "./ConsentSeal.js"
import { type ConsentView, make as makeView } from "./ConsentView.js"
import type { UserIdentifier } from "./Credential.js"
import { ConsentRequired, type LedgerFailure } from "./IdentityError.js"
import { IdentityService } from "./IdentityService.js"
import { autoReturnPage } from "./internal/binding/autoReturnPage.js"
import { withErrorPages } from "./internal/binding/pages.js"
import * as pendingConsent from "./internal/binding/pendingConsent.js"
import { respondTo } from "./internal/binding/resumeResponse.js"
import { returnPage } from "./internal/binding/returnPage.js"
import { make as makeSignIn } from "./internal/binding/signIn.js"
import { startPage } from "./internal/binding/startPage.js"
import { isPageOf, parseAppOrigin, resolveDoneUrl } from "./internal/binding/urls.js"
import { isLoopbackUrl } from "./internal/lib/loopback.js"
import * as secureToken from "./internal/lib/secureToken.js"
import type { WithWorkloadAccessToken } from "./TokenOptions.js"

/**
 * The user who is signed in to the application, from the cookies or headers of the request. The value is a stable key that
 * contains the issuer (`cognito+ada`), so that the keys of two identity providers cannot collide. Return `None` if no user
 * is signed in, and never a default; an empty key counts as `None`. The session cookie of the application must be
 * `SameSite=Lax`, not `Strict`, since the browser returns from another site.
 *
 * @since 0.1.0
 * @category tags
 */
export class CurrentUser extends Context.Tag("effect-agentcore-identity/SessionBinding/CurrentUser")<
  CurrentUser,
  Effect.Effect<Option.Option<string>, never, HttpServerRequest.HttpServerRequest>
>() {}

/**
 * The options or the consent cannot be used. The reasons:
 *
 * - `OriginInvalid`: `origin` is not an origin, or not https.
 * - `PathInvalid`: `startPath` is not a path, `doneUrl` is not an http or https URL, or `signInUrl` is neither a path of the
 *   application nor a URL that is https or on loopback.
 * - `StateTooWeak`: the token was requested without a `customState` of at least 128 bits.
 * - `StateUsed`: another consent has the same `customState`.
 * - `ReturnUrlForeign`: the return URL of the consent is not on `origin`.
 * - `EndpointNotLocal`: the endpoint is not on loopback.
 *
 * @since 0.1.0
 * @category errors
 */
export class BindingRefused extends Schema.TaggedError<BindingRefused>("effect-agentcore-identity/BindingRefused")(
  "BindingRefused",
  {
    reason: Schema.Literal(
      "OriginInvalid",
      "PathInvalid",
      "StateTooWeak",
      "StateUsed",
      "ReturnUrlForeign",
      "EndpointNotLocal"
    ),
    message: Schema.String
  }
) {}

/**
 * The URLs of the pages.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The origin at which browsers reach the application: `https://agent.example`. Http is accepted on loopback only. Requests
   * with another `Host` header are rejected, so a proxy must preserve the header.
   */
  readonly origin: string
  /** The path of the start page. Default: `/oauth2/start`. */
  readonly startPath?: string | undefined
  /** The URL or path to which the browser is redirected after completion. By default, the return page shows a message. */
  readonly doneUrl?: string | undefined
  /**
   * The sign-in page of the application, for a user who is signed out: a path or a URL. It receives the parameter `return_to`, a
   * path of the application, to which it must redirect the user after the sign-in. A function builds the URL from that path, for
   * a page with another parameter or on another origin. By default, a signed-out user reads a page that asks to sign in, and at
   * the return page the consent is consumed.
   *
   * The path contains the id of the consent, which is not secret. The session and the state stay on the server, sealed in
   * `ConsentLedger`. If the user is still signed out afterwards, a page asks to sign in, so that there is no loop.
   */
  readonly signInUrl?: string | ((returnTo: string) => string) | undefined
}

/**
 * The user who must consent: the key that `CurrentUser` returns, and the exact id or JWT for which the workload access token
 * was issued.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConsentUser {
  readonly user: string
  readonly userIdentifier: UserIdentifier
  /**
   * `true` if the agent continues without the user once the consent is completed, because the call waits (`Consent.wait`) or
   * the application resumes it. The return page then says so. Default: `false`; the page asks to return to the application.
   */
  readonly agentContinues?: boolean | undefined
}

/**
 * The requirements of the pages.
 *
 * @since 0.1.0
 * @category models
 */
export type Needs = IdentityService | ConsentLedger | ConsentSeal | CurrentUser

/**
 * The two pages, and the functions that register a consent.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionBinding {
  /**
   * Stores a consent, and returns the link to show instead of the authorization URL. Request the token with
   * {@link customState}, and with a return URL at which `returnPage` is mounted.
   */
  readonly register: (
    consent: ConsentRequired,
    user: ConsentUser
  ) => Effect.Effect<string, BindingRefused | LedgerFailure, ConsentLedger | ConsentSeal>
  /**
   * Stores a consent, and returns the view of it that an HTTP API may return to the user: its `authorizationUrl` is the link of
   * the start page. Use it with `Consent.suspend` or `Consent.fail`.
   */
  readonly view: (
    consent: ConsentRequired,
    user: ConsentUser
  ) => Effect.Effect<ConsentView, BindingRefused | LedgerFailure, ConsentLedger | ConsentSeal>
  /** A callback for `Consent.wait`: registers the consent, and passes the link to `show`. */
  readonly onAuthUrl: <E, R>(
    user: ConsentUser,
    show: (link: string) => Effect.Effect<unknown, E, R>
  ) => (
    authorizationUrl: Redacted.Redacted,
    consent: ConsentRequired
  ) => Effect.Effect<void, BindingRefused | LedgerFailure | E, ConsentLedger | ConsentSeal | R>
  /** The page at `startPath`: binds the browser of the user, and redirects it to the provider. */
  readonly startPage: HttpApp.Default<never, Exclude<Needs, IdentityService>>
  /** The page at the return URL: completes the session once, after it verified browser, user, state, session and expiry. */
  readonly returnPage: HttpApp.Default<never, Needs>
}

/**
 * Generates a value for `customState`: 256 random bits in base64url.
 *
 * @since 0.1.0
 * @category constructors
 */
export const customState: Effect.Effect<Redacted.Redacted> = Effect.map(secureToken.token, Redacted.make)

const pathInvalid = (message: string) => new BindingRefused({ reason: "PathInvalid", message })

/**
 * Creates the pages of one application. Mount `startPage` and `returnPage` with an `HttpRouter`, or convert them to web
 * handlers (`HttpApp.toWebHandlerLayer`) for any framework with `Request` and `Response`. Fails with `BindingRefused` if an
 * option is invalid.
 *
 * The pages disable the request log of the platform, and redact their query in its spans. Spans also contain the headers of
 * the response, and the start page returns the authorization URL in `location`. If you export spans, add `"location"` to
 * `Headers.currentRedactedNames` of the platform.
 *
 * A request that finishes a consent consumes it, unless the service does not answer. It is uninterruptible: if the browser is
 * closed meanwhile, the session is completed.
 *
 * A browser that opens the authorization URL itself skips the start page, and the return page then answers 404. Show the link
 * of `register`, `onAuthUrl` or, in an HTTP API, `view` instead of `ConsentView.make`.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerRequest } from "@effect/platform"
 * import { Effect, Layer, Option } from "effect"
 * import { Consent, ConsentLedger, ConsentSeal, Credential, IdentityService, SessionBinding } from "effect-agentcore-identity"
 *
 * // The key of a user in the application.
 * const CurrentUser = Layer.succeed(
 *   SessionBinding.CurrentUser,
 *   Effect.map(HttpServerRequest.HttpServerRequest, ({ cookies }) => Option.fromNullable(cookies["user"]))
 * )
 *
 * const ada = { user: "cognito+ada", userIdentifier: Credential.userId("cognito+ada") }
 *
 * export const program = Effect.gen(function*() {
 *   const binding = yield* SessionBinding.make({ origin: "https://agent.example" })
 *   const pages = HttpRouter.empty.pipe(
 *     HttpRouter.all("/oauth2/start", binding.startPage),
 *     HttpRouter.all("/oauth2/return", binding.returnPage)
 *   )
 *   const identity = yield* IdentityService.IdentityService
 *   const token = identity.getToken({
 *     workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId: "cognito+ada" }),
 *     providerName: "github",
 *     scopes: ["repo"],
 *     authFlow: "USER_FEDERATION",
 *     callbackUrl: "https://agent.example/oauth2/return",
 *     customState: yield* SessionBinding.customState,
 *     consent: Consent.wait({ onAuthUrl: binding.onAuthUrl(ada, (link) => Effect.log(`Open ${link}`)) })
 *   })
 *   return { pages, token }
 * }).pipe(
 *   Effect.provide(Layer.mergeAll(CurrentUser, ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)),
 *   Effect.provide(IdentityService.layerTest)
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<SessionBinding, BindingRefused> =>
  Effect.gen(function*() {
    const { doneUrl, origin, signInUrl, startPath = "/oauth2/start" } = options
    const appOrigin = yield* Effect.mapError(parseAppOrigin(origin), (message) =>
      new BindingRefused({ reason: "OriginInvalid", message }))
    if (!isPageOf(appOrigin.origin, `${appOrigin.origin}${startPath}`)) {
      return yield* pathInvalid("startPath: expected a path without a query, such as /oauth2/start")
    }
    const done = Option.map(Option.fromNullable(doneUrl), (url) =>
      resolveDoneUrl(appOrigin.origin, url))
    if (Option.isSome(done) && Option.isNone(done.value)) {
      return yield* pathInvalid("doneUrl: expected a path such as /done, or a URL that begins with https://")
    }
    const signIn = signInUrl === undefined ? undefined : makeSignIn(appOrigin.origin, signInUrl)
    if (signIn !== undefined && Option.isNone(signIn(startPath))) {
      return yield* pathInvalid("signInUrl: expected a path such as /sign-in, or a URL that is https or on loopback")
    }
    const signedIn = Effect.map(Effect.flatten(CurrentUser), Option.filter((key) => key !== ""))

    const register = Effect.fn("SessionBinding.begin")(
      function*(consent: ConsentRequired, { agentContinues, user, userIdentifier }: ConsentUser) {
        const { authorizationUrl, callbackUrl, customState: state, expiresAt, providerName, sessionUri } = consent
        if (state === undefined || !/^[\w-]{22,}$/.test(Redacted.value(state))) {
          return yield* new BindingRefused({
            reason: "StateTooWeak",
            message: "customState: expected 22 or more characters of base64url; request the token with " +
              "`customState: yield* SessionBinding.customState`"
          })
        }
        if (callbackUrl === undefined || !isPageOf(appOrigin.origin, callbackUrl)) {
          return yield* new BindingRefused({
            reason: "ReturnUrlForeign",
            message:
              `callbackUrl: expected a URL of ${appOrigin.origin}, without a query, at which \`returnPage\` is mounted`
          })
        }
        const id = yield* pendingConsent.idOf(state)
        const isRegistered = yield* pendingConsent.register(id, {
          _tag: "Pending",
          providerName,
          sessionUri,
          authorizationUrl,
          callbackUrl,
          state,
          user,
          userIdentifier,
          expiresAt,
          agentContinues
        })
        if (!isRegistered) {
          return yield* new BindingRefused({
            reason: "StateUsed",
            message: "customState: another consent has the same value; generate a new one for each request"
          })
        }
        return `${appOrigin.origin}${startPath}?consent=${id}`
      }
    )

    return {
      register,
      view: (consent, user) =>
        Effect.map(
          register(consent, user),
          (link) => makeView(new ConsentRequired({ ...consent, authorizationUrl: Redacted.make(link) }))
        ),
      onAuthUrl: (user, show) => (_, consent) => Effect.asVoid(Effect.flatMap(register(consent, user), show)),
      startPage: withErrorPages(startPage(appOrigin, signedIn, startPath, signIn)),
      returnPage: withErrorPages(
        returnPage(appOrigin, signedIn, Option.getOrUndefined(Option.flatten(done)), signIn)
      )
    }
  })

/**
 * Creates a return page **for development only**: it completes every session that returns, for one user, without any check.
 * It answers on loopback only. Fails with `BindingRefused` unless the identity service at `endpoint` is on loopback.
 *
 * @example
 * ```ts
 * import { Credential, SessionBinding } from "effect-agentcore-identity"
 *
 * export const page = SessionBinding.makeLocalAutoBinding({
 *   endpoint: "http://127.0.0.1:4599",
 *   userIdentifier: Credential.userId("ada")
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeLocalAutoBinding = (options: {
  readonly endpoint: string
  readonly userIdentifier: UserIdentifier
}): Effect.Effect<HttpApp.Default<never, IdentityService>, BindingRefused> =>
  isLoopbackUrl(options.endpoint)
    ? Effect.succeed(withErrorPages(autoReturnPage(options.userIdentifier)))
    : new BindingRefused({
      reason: "EndpointNotLocal",
      message:
        "endpoint: expected an identity service on loopback, such as http://127.0.0.1:4599; use `make` for any other"
    })

/**
 * Responds to a request for the result of a call that `Consent.suspend` suspended. Polls once (`resume` with `wait: false`).
 * When the user has consented, the handle is consumed and `onToken` responds. Until then the handle stays valid, and the
 * response has one of these statuses, as JSON (`{"status": "pending"}`), or as a page if the request accepts `text/html`:
 *
 * - 202 `pending`, with `Retry-After`; the page reloads itself after the same time.
 * - 403 `denied`: the user or the provider refused. 403 `rejected`: the service rejects the request, for example because the
 *   workload access token belongs to another user.
 * - 410 `expired`, and 410 `used` if the handle has returned a token before.
 * - 400 `invalid`: not a handle of this application.
 * - 503 `unavailable`, with `Retry-After`: the service or the ledger did not answer; a page reloads itself.
 *
 * No response contains the handle, the session or the authorization URL. Keep the handle in the user's session, not in the URL.
 * `retryAfter` defaults to 5 seconds; it is rounded up to whole seconds, at least 1.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerResponse } from "@effect/platform"
 * import { Effect, type Redacted } from "effect"
 * import { IdentityService, SessionBinding } from "effect-agentcore-identity"
 *
 * // `handle` and `userId` come from the session of the application.
 * type Use = (token: Redacted.Redacted) => Effect.Effect<void>
 *
 * export const status = (handle: Redacted.Redacted, userId: string, useToken: Use) =>
 *   HttpRouter.empty.pipe(
 *     HttpRouter.get(
 *       "/status",
 *       Effect.gen(function*() {
 *         const identity = yield* IdentityService.IdentityService
 *         return yield* SessionBinding.resumeResponse(handle, {
 *           workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId }),
 *           onToken: (token) => Effect.zipRight(useToken(token), HttpServerResponse.json({ status: "done" }))
 *         })
 *       })
 *     )
 *   )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const resumeResponse = <E, R>(
  handle: Redacted.Redacted,
  { onToken, retryAfter = "5 seconds", workloadAccessToken }: WithWorkloadAccessToken & {
    readonly onToken: (token: Redacted.Redacted) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
    readonly retryAfter?: Duration.DurationInput | undefined
  }
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  E,
  IdentityService | ConsentLedger | ConsentSeal | HttpServerRequest.HttpServerRequest | R
> =>
  Effect.flatMap(
    IdentityService,
    (identity) =>
      Effect.matchEffect(identity.resume(handle, { wait: false, workloadAccessToken }), {
        onFailure: (error) => respondTo(error, Math.max(1, Math.ceil(Duration.toSeconds(retryAfter)))),
        onSuccess: onToken
      })
  )
