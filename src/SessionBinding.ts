/**
 * The pages between an application and a person's consent: one to begin at, one to return to. They see to it that the
 * browser that ends is the browser that began, and the person in it the one who is asked for.
 *
 * Follows RFC 9700 and RFC 6749, section 10.12.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ConsentLedger } from "./ConsentLedger.js"
import type { ConsentSeal } from "./ConsentSeal.js"
import type { UserIdentifier } from "./Credential.js"
import type { ConsentRequired, LedgerFailure } from "./IdentityError.js"
import type { IdentityService } from "./IdentityService.js"
import * as local from "./internal/binding/autoReturnPage.js"
import { type BindingPageError, page, unavailable } from "./internal/binding/pages.js"
import * as record from "./internal/binding/pendingConsent.js"
import { returnPage } from "./internal/binding/returnPage.js"
import { startPage } from "./internal/binding/startPage.js"
import { isPageOf, parseAppOrigin, resolveDoneUrl } from "./internal/binding/urls.js"
import { isLoopbackUrl } from "./internal/lib/loopback.js"
import * as secureToken from "./internal/lib/secureToken.js"
import { redactRequest } from "./internal/web/redactRequest.js"

/**
 * Who is signed in to the application, by the cookies or headers of the request: a key that is the same each time, and
 * carries its issuer (`cognito+ada`), so that two identity providers cannot collide. None if nobody is; never a default,
 * and an empty key is nobody's. The application's own cookie has to be `SameSite=Lax` and not `Strict`: the person comes
 * back from another site.
 *
 * @since 0.1.0
 * @category tags
 */
export class CurrentUser extends Context.Tag("effect-agentcore-identity/SessionBinding/CurrentUser")<
  CurrentUser,
  Effect.Effect<Option.Option<string>, never, HttpServerRequest.HttpServerRequest>
>() {}

/**
 * What cannot be bound, and why: the origin is none, or not https (`OriginInvalid`); `startPath` is no path, or `doneUrl`
 * no address of the web (`PathInvalid`); the consent was asked for without a
 * `customState` of at least 128 bits (`StateTooWeak`), with one that was used before (`StateUsed`), or with a return URL
 * that is not one of these pages (`ReturnUrlForeign`); or the endpoint is not on this machine (`EndpointNotLocal`).
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
 * Where the pages are, and where people go afterwards.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Where browsers find the application: `https://agent.example`. Plain http is for this machine only. Requests by another
   * name are refused, so that a proxy has to hand on the `Host` that it got.
   */
  readonly origin: string
  /** Where the first page is mounted; default `/oauth2/start`. */
  readonly startPath?: string | undefined
  /** The page, or its path, to which a person is sent when all went well; by default they read that it did. */
  readonly doneUrl?: string | undefined
}

/**
 * Who is asked: their key, as `CurrentUser` gives it, and the very id or JWT that minted the workload access token.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConsentUser {
  readonly user: string
  readonly userIdentifier: UserIdentifier
}

/**
 * What the pages need.
 *
 * @since 0.1.0
 * @category models
 */
export type Needs = IdentityService | ConsentLedger | ConsentSeal | CurrentUser

/**
 * The two pages, and the way to them.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionBinding {
  /**
   * Remembers a consent, and gives the link to show instead of the authorization URL. The consent has to be asked for
   * with {@link customState}, and with a return URL at which `returnPage` is mounted.
   */
  readonly register: (
    consent: ConsentRequired,
    who: ConsentUser
  ) => Effect.Effect<string, BindingRefused | LedgerFailure, ConsentLedger | ConsentSeal>
  /**
   * For `Consent.wait`: begins, and shows the link instead of the authorization URL.
   */
  readonly onAuthUrl: <E, R>(
    who: ConsentUser,
    show: (link: string) => Effect.Effect<unknown, E, R>
  ) => (
    authorizationUrl: Redacted.Redacted,
    consent: ConsentRequired
  ) => Effect.Effect<void, BindingRefused | LedgerFailure | E, ConsentLedger | ConsentSeal | R>
  /** The page at `startPath`: marks the browser of the person who is asked, and sends it to the provider. */
  readonly startPage: HttpApp.Default<never, Exclude<Needs, IdentityService>>
  /** The page at the return URL: completes, once, if browser, person, state, session and time are right. */
  readonly returnPage: HttpApp.Default<never, Needs>
}

/**
 * A state for `customState`: 256 random bits, in base64url.
 *
 * @since 0.1.0
 * @category constructors
 */
export const customState: Effect.Effect<Redacted.Redacted> = Effect.map(secureToken.token, Redacted.make)

// What the person did not cause is not explained to them; what was looked up and could not be is in the log.
const shown = <R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, BindingPageError | LedgerFailure, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  app.pipe(
    Effect.catchTag("LedgerFailure", (failure) =>
      Effect.zipRight(Effect.logError("Consents cannot be looked up", failure), unavailable)),
    Effect.catchTag("BindingPageError", page),
    redactRequest
  )

/**
 * The pages for one application. Mount `startPage` and `returnPage` with an `HttpRouter`, or make web handlers of them
 * (`HttpApp.toWebHandlerLayer`) for any framework that has `Request` and `Response`. Fails with `BindingRefused` when the
 * origin is none.
 *
 * The pages stay out of the platform's request log, and take their query out of its spans. A span has the headers of the
 * answer as well, and the first page's has the authorization URL: who exports spans adds `"location"` to
 * `Headers.currentRedactedNames` of the platform.
 *
 * A visit that ends a consent spends it, unless the service gives no answer, and is not interrupted: when the browser is closed in the
 * middle, the consent is completed all the same.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerRequest } from "@effect/platform"
 * import { Effect, Layer, Option } from "effect"
 * import { Consent, ConsentLedger, ConsentSeal, Credential, IdentityService, SessionBinding } from "effect-agentcore-identity"
 *
 * // Whatever the application knows its users by.
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
    const { doneUrl, origin, startPath = "/oauth2/start" } = options
    const place = yield* Effect.mapError(parseAppOrigin(origin), (message) =>
      new BindingRefused({ reason: "OriginInvalid", message }))
    if (!isPageOf(place.origin, `${place.origin}${startPath}`)) {
      return yield* new BindingRefused({
        reason: "PathInvalid",
        message: "startPath: expected a path as a browser writes it, such as /oauth2/start"
      })
    }
    const done = Option.map(Option.fromNullable(doneUrl), (url) =>
      resolveDoneUrl(place.origin, url))
    if (Option.isSome(done) && Option.isNone(done.value)) {
      return yield* new BindingRefused({
        reason: "PathInvalid",
        message: "doneUrl: expected a path such as /done, or an address that begins with https://"
      })
    }
    const signedIn = Effect.map(Effect.flatten(CurrentUser), Option.filter((key) => key !== ""))

    const register = Effect.fn("SessionBinding.begin")(
      function*(consent: ConsentRequired, { user, userIdentifier }: ConsentUser) {
        const { authorizationUrl, callbackUrl, customState: state, expiresAt, providerName, sessionUri } = consent
        if (state === undefined || !/^[\w-]{22,}$/.test(Redacted.value(state))) {
          return yield* new BindingRefused({
            reason: "StateTooWeak",
            message:
              "ask for the token with `customState: yield* SessionBinding.customState`: 22 or more characters of base64url"
          })
        }
        if (callbackUrl === undefined || !isPageOf(place.origin, callbackUrl)) {
          return yield* new BindingRefused({
            reason: "ReturnUrlForeign",
            message:
              `ask for the token with a callbackUrl of ${place.origin}, without a query, at which the page \`end\` ` +
              "is mounted"
          })
        }
        const id = yield* record.idOf(state)
        const isNew = yield* record.add(id, {
          _tag: "Pending",
          providerName,
          sessionUri,
          authorizationUrl,
          callbackUrl,
          state,
          user,
          userIdentifier,
          expiresAt
        })
        const isAgain = isNew || Option.exists(
          yield* record.find(id),
          ({ record }) =>
            record._tag === "Pending" && record.user === user &&
            Redacted.value(record.sessionUri) === Redacted.value(sessionUri)
        )
        if (!isAgain) {
          return yield* new BindingRefused({
            reason: "StateUsed",
            message: "this customState belongs to another consent: make a new one for each call"
          })
        }
        return `${place.origin}${startPath}?consent=${id}`
      }
    )

    return {
      register,
      onAuthUrl: (who, show) => (_, consent) => Effect.asVoid(Effect.flatMap(register(consent, who), show)),
      startPage: shown(startPage(place, signedIn)),
      returnPage: shown(returnPage(place, signedIn, Option.getOrUndefined(Option.flatten(done))))
    }
  })

/**
 * A return page **for development only**: it completes whatever session comes back, for one user, and checks nobody. It
 * serves this machine alone, and fails with `BindingRefused` unless the identity service at `endpoint` is on it.
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
    ? Effect.succeed(shown(local.end(options.userIdentifier)))
    : new BindingRefused({
      reason: "EndpointNotLocal",
      message:
        "sessions complete themselves only with an identity service on this machine, such as http://127.0.0.1:4599"
    })
