/** The identity service with a cache in front of it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Strategy, WaitFailure } from "../../Consent.js"
import * as Consent from "../../Consent.js"
import type { ConsentLedger } from "../../ConsentLedger.js"
import type { ConsentSeal } from "../../ConsentSeal.js"
import { ConsentDenied, type ConsentPending, type ConsentRequired } from "../../IdentityError.js"
import type { ContextWith, FailureWith, IdentityService, RefusedToken, TokenFailure } from "../../IdentityService.js"
import type {
  AnyTokenOptions,
  MachineTokenOptions,
  ResumeFailure,
  ResumeOptions,
  ResumePollFailure,
  UserTokenOptions,
  WithWorkloadAccessToken
} from "../../TokenOptions.js"
import { digestSync } from "../lib/digest.js"
import { forcedKind, grantKey, identityOf, ofNames, record, requestKind, userNameOf } from "../service/grantKey.js"
import { ofOptions } from "../service/tokenRequest.js"
import { workloadTokenOf } from "../service/workloadToken.js"
import type { Cache } from "./cache.js"
import { ofProvider, type Settings } from "./lifetimes.js"
import type { Selection } from "./selection.js"

type Service = IdentityService["Type"]

type Options<E, R> = AnyTokenOptions<E, R> & WithWorkloadAccessToken

type Failure<E> = FailureWith<Strategy<E> | undefined>

/** Where the token of these options is kept, and the workload access token that requests it. */
export const grantOf = Effect.fnUntraced(function*<E, R>(options: Options<E, R>) {
  const token = yield* workloadTokenOf(options)
  const key = grantKey(options, token, ofOptions(options, yield* Effect.context<never>()), requestKind)
  return { key, identity: identityOf(options, token), providerName: options.providerName, token }
})

/** Calls the service with the options of either flow. */
const calling =
  (service: Service) => <E, R>(options: Options<E, R>): Effect.Effect<Redacted.Redacted, Failure<E>, R> => {
    const { authFlow, consent, ...rest } = options
    return authFlow === "USER_FEDERATION"
      ? service.getToken({ ...rest, authFlow, consent })
      : service.getToken({ ...rest, authFlow })
  }

const callingAgain =
  (service: Service) =>
  <E, R>(options: Options<E, R> & RefusedToken): Effect.Effect<Redacted.Redacted, Failure<E>, R> => {
    const { authFlow, consent, ...rest } = options
    return authFlow === "USER_FEDERATION"
      ? service.reauthenticate({ ...rest, authFlow, consent })
      : service.reauthenticate({ ...rest, authFlow })
  }

const isSame = (one: Redacted.Redacted, other: Redacted.Redacted) => Redacted.value(one) === Redacted.value(other)

/** Runs `first` before the strategy of a call, or that of the program. */
const before = <E, R>(
  first: Effect.Effect<void>,
  strategy: Strategy<E, R> | undefined
): Strategy<E | ConsentRequired | WaitFailure, R> => {
  const apply = <E2, R2>({ onConsent }: Strategy<E2, R2>): Strategy<E2, R2> =>
    Consent.make((required, waiting) => Effect.zipRight(first, onConsent(required, waiting)))
  const ofProgram = Consent.make((required, waiting) =>
    Effect.flatMap(Consent.ProgramStrategy, ({ onConsent }) => Effect.zipRight(first, onConsent(required, waiting)))
  )
  return strategy === undefined ? ofProgram : apply(strategy)
}

/** @internal */
export const make = (service: Service, cache: Cache, settings: Settings): Service => {
  const request = calling(service)
  const requestAgain = callingAgain(service)

  /** Removes what a failure shows to be over: the tokens of a denied consent, or a rejected workload access token. */
  const clearing = <A, E, R>(
    { identity, token }: { readonly identity: string; readonly token: Redacted.Redacted },
    self: Effect.Effect<A, E, R>
  ) =>
    Effect.tapError(self, (error) => {
      if (error instanceof ConsentDenied) {
        return cache.remove({ identity, providerName: error.providerName })
      }
      return Predicate.isTagged(error, "Unauthorized") ? cache.removeCredential(token) : Effect.void
    })

  /** Removes the entries of changed resources, also if the change may have failed: its reply may be lost. */
  const clearingAfter = <A, E, R>(self: Effect.Effect<A, E, R>, selection: Selection) =>
    Effect.ensuring(self, cache.remove(selection))

  // The diagnostics read only the first signature of an overloaded function.
  /* @effect-diagnostics missingEffectContext:off missingEffectError:off */
  function getToken(
    options: MachineTokenOptions & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, TokenFailure>
  function getToken<S extends Strategy<unknown, unknown> | undefined = undefined>(
    options: UserTokenOptions<S> & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, FailureWith<S>, ContextWith<S>>
  function getToken<E, R>(options: Options<E, R>): Effect.Effect<Redacted.Redacted, Failure<E>, R> {
    return Effect.flatMap(grantOf(options), (grant): Effect.Effect<Redacted.Redacted, Failure<E>, R> => {
      const timeToLive = ofProvider(settings, options.providerName)
      const wanted = {
        ...grant,
        timeToLive,
        request: (onConsent: Effect.Effect<void>) =>
          clearing(grant, request({ ...options, consent: before(onConsent, options.consent) }))
      }
      return options.forceAuthentication === true
        ? cache.replace(wanted, forcedKind, () => true)
        // No caller waits for a refresh, so it prompts no user.
        : cache.get({ ...wanted, refresh: clearing(grant, request({ ...options, consent: Consent.fail })) })
    })
  }

  function reauthenticate(
    options: MachineTokenOptions & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, TokenFailure>
  function reauthenticate<S extends Strategy<unknown, unknown> | undefined = undefined>(
    options: UserTokenOptions<S> & RefusedToken & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, FailureWith<S>, ContextWith<S>>
  function reauthenticate<E, R>(
    options: Options<E, R> & RefusedToken
  ): Effect.Effect<Redacted.Redacted, Failure<E>, R> {
    return Effect.flatMap(grantOf(options), (grant): Effect.Effect<Redacted.Redacted, Failure<E>, R> =>
      cache.replace(
        {
          ...grant,
          timeToLive: ofProvider(settings, options.providerName),
          request: () => clearing(grant, requestAgain(options))
        },
        `rejected ${Redacted.value(options.refused)}`,
        (token) => !isSame(token, options.refused)
      ))
  }

  const getApiKey: Service["getApiKey"] = (options) =>
    Effect.flatMap(workloadTokenOf(options), (token) => {
      const { providerName } = options
      const identity = identityOf(options, token)
      const request = clearing({ identity, token }, service.getApiKey(options))
      const timeToLive = ofProvider(settings, providerName)
      const key = JSON.stringify(["apiKey", identity, providerName])
      return cache.get({ key, identity, providerName, timeToLive, request: () => request, refresh: request })
    })

  const getWorkloadAccessToken: Service["getWorkloadAccessToken"] = (options) => {
    const { rejected, userId, userToken, workloadName } = options
    const request = service.getWorkloadAccessToken(options)
    const identity = Option.getOrUndefined(ofNames({ workloadName, userId, userToken }))
    if (identity === undefined) return request
    const key = JSON.stringify(["workloadAccessToken", identity, userToken && digestSync(userToken)])
    const timeToLive = settings.workloadAccessTokens
    const wanted = {
      key,
      identity,
      providerName: undefined,
      timeToLive,
      stated: userToken,
      rejected,
      request: () => request,
      refresh: request
    }
    return Effect.zipRight(rejected === undefined ? Effect.void : cache.removeCredential(rejected), cache.get(wanted))
      .pipe(
        // Another process may have requested it.
        Effect.tap((token) => Effect.sync(() => record(token, { workloadName, userId, userToken })))
      )
  }

  function resume(
    handle: Redacted.Redacted,
    options: ResumeOptions & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, ResumeFailure, ConsentSeal | ConsentLedger>
  function resume(
    handle: Redacted.Redacted,
    options: { readonly wait: false } & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, ResumePollFailure, ConsentSeal | ConsentLedger>
  function resume(
    handle: Redacted.Redacted,
    { wait, ...options }:
      & Omit<ResumeOptions, "wait">
      & { readonly wait?: boolean | undefined }
      & WithWorkloadAccessToken
  ): Effect.Effect<Redacted.Redacted, ResumeFailure | ConsentPending, ConsentSeal | ConsentLedger> {
    const resumed: Effect.Effect<Redacted.Redacted, ResumeFailure | ConsentPending, ConsentSeal | ConsentLedger> =
      wait === false ? service.resume(handle, { ...options, wait }) : service.resume(handle, options)
    return Effect.flatMap(
      workloadTokenOf(options),
      (token) => clearing({ identity: identityOf(options, token), token }, resumed)
    )
  }

  const changed = {
    updateOauth2CredentialProvider: (request) =>
      clearingAfter(service.updateOauth2CredentialProvider(request), { providerName: request.name }),
    deleteOauth2CredentialProvider: (request) =>
      clearingAfter(service.deleteOauth2CredentialProvider(request), { providerName: request.name }),
    updateApiKeyCredentialProvider: (request) =>
      clearingAfter(service.updateApiKeyCredentialProvider(request), { providerName: request.name }),
    deleteApiKeyCredentialProvider: (request) =>
      clearingAfter(service.deleteApiKeyCredentialProvider(request), { providerName: request.name }),
    deleteWorkloadIdentity: (request) =>
      clearingAfter(service.deleteWorkloadIdentity(request), { workloadName: request.name })
  } satisfies Partial<Service>

  return {
    ...service,
    ...changed,
    getToken,
    reauthenticate,
    getApiKey,
    getWorkloadAccessToken,
    resume,
    completeResourceTokenAuth: (options) => {
      const user = userNameOf(options.userIdentifier)
      const completed = service.completeResourceTokenAuth(options)
      return Option.isNone(user) ? completed : clearingAfter(completed, { user: user.value })
    }
  }
}
