/** Token requests and polls, and the interpretation of their replies. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { IdentityApi, Reply } from "../../IdentityApi.js"
import {
  ConsentDenied,
  ConsentPending,
  ConsentRequired,
  ConsentTimedOut,
  UndecodableReply
} from "../../IdentityError.js"
import { parseUrl } from "../lib/url.js"
import { withOptionNames } from "../model/optionNames.js"
import { sessionLifetime } from "../model/session.js"
import { isSessionEnded } from "../model/sessionEnded.js"
import { request as tokenRequest, type TokenRequest, type TokenRequestOptions } from "./tokenRequest.js"

type TokenReply = Reply<"getResourceOauth2Token">

const operation = "GetResourceOauth2Token"

const hasToken = (reply: TokenReply): reply is TokenReply & { readonly accessToken: Redacted.Redacted } =>
  reply.accessToken !== undefined && Redacted.value(reply.accessToken) !== ""

const missingMember = (reply: TokenReply, member: string) =>
  new UndecodableReply({
    operation,
    path: member,
    message: `the reply of ${operation} has ${
      reply.authorizationUrl === undefined ? "neither a token nor an authorization URL" : `no ${member}`
    }`
  })

/** Returns the session of a reply, or else the one that its authorization URL contains. */
const sessionOf = (reply: TokenReply) => {
  if (reply.sessionUri !== undefined || reply.authorizationUrl === undefined) return reply.sessionUri
  return parseUrl(Redacted.value(reply.authorizationUrl)).pipe(
    Option.flatMapNullable(({ searchParams }) => searchParams.get("request_uri")),
    Option.map(Redacted.make),
    Option.getOrUndefined
  )
}

/** A value of its own, since `onAuthUrl` runs once for each value. Another request may have the same URL. */
const unshared = (authorizationUrl: Redacted.Redacted) => Redacted.make(Redacted.value(authorizationUrl))

/** The same consent request for calls to which its URL has not been shown. */
export const again = (consent: ConsentRequired): ConsentRequired =>
  new ConsentRequired({ ...consent, authorizationUrl: unshared(consent.authorizationUrl) }, { disableValidation: true })

/** The options of a token request and its workload access token. */
export interface TokenContext {
  readonly options: TokenRequestOptions
  readonly workloadAccessToken: Redacted.Redacted
}

/** @internal */
export type PollRequest = TokenRequest & Pick<ConsentRequired, "sessionUri">

/**
 * Returns the request of a poll: the same options with the session, and without `forceAuthentication`, which would open
 * another session.
 */
export const pollRequest = (
  { options, sessionUri }: { readonly options: TokenRequestOptions; readonly sessionUri: Redacted.Redacted },
  workloadAccessToken: Redacted.Redacted
): PollRequest => ({ ...tokenRequest(options, workloadAccessToken), sessionUri })

/** @internal */
export interface TokenFlow extends ReturnType<typeof make> {}

/** @internal */
export const make = (api: IdentityApi["Type"]) => {
  const send = (request: TokenRequest) => Effect.mapError(api.getResourceOauth2Token(request), withOptionNames)

  /** Requests a token that needs no consent. */
  const requestMachineToken = (
    { options, workloadAccessToken }: TokenContext,
    forceAuthentication: boolean | undefined
  ) =>
    Effect.flatMap(
      send(tokenRequest(options, workloadAccessToken, forceAuthentication)),
      (reply) => hasToken(reply) ? Effect.succeed(reply.accessToken) : missingMember(reply, "accessToken")
    )

  const requestUserToken = Effect.fnUntraced(function*(
    { options, workloadAccessToken }: TokenContext,
    forceAuthentication: boolean | undefined
  ) {
    const now = yield* DateTime.now
    const reply = yield* send(tokenRequest(options, workloadAccessToken, forceAuthentication))
    if (hasToken(reply)) return reply.accessToken
    if (reply.sessionStatus === "FAILED") return yield* new ConsentDenied({ providerName: options.providerName })
    const sessionUri = sessionOf(reply)
    if (reply.authorizationUrl === undefined) return yield* missingMember(reply, "accessToken")
    if (sessionUri === undefined) return yield* missingMember(reply, "sessionUri")
    // Without validation: the options were validated with the request.
    return yield* new ConsentRequired({
      ...options,
      authorizationUrl: unshared(reply.authorizationUrl),
      sessionUri,
      expiresAt: DateTime.addDuration(now, sessionLifetime)
    }, { disableValidation: true })
  })

  /** Sends a poll, and fails unless its session has a token: with `ConsentTimedOut` if the service says that it has ended. */
  const readPoll = Effect.fnUntraced(function*(request: PollRequest) {
    const { resourceCredentialProviderName: providerName, sessionUri } = request
    const reply = yield* Effect.catchIf(send(request), isSessionEnded, () => new ConsentTimedOut({ providerName }))
    if (hasToken(reply)) return reply.accessToken
    if (reply.sessionStatus === "FAILED") return yield* new ConsentDenied({ providerName })
    // The service has ended the session of the user, and has opened another one that no user knows.
    const isOther = reply.sessionUri !== undefined && Redacted.value(reply.sessionUri) !== Redacted.value(sessionUri)
    return yield* isOther ? new ConsentTimedOut({ providerName }) : new ConsentPending({ providerName })
  })

  const poll = (consent: ConsentRequired, workloadAccessToken: Redacted.Redacted) =>
    readPoll(pollRequest({ options: consent, sessionUri: consent.sessionUri }, workloadAccessToken))

  return { requestMachineToken, requestUserToken, readPoll, poll }
}
