import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { CallbackUrl } from "../CallbackUrl.js"
import type { Oauth2Flow } from "../Credential.js"
import type { IdentityApi, Reply, Request } from "../IdentityApi.js"
import {
  ConsentDenied,
  ConsentPending,
  ConsentRequired,
  ConsentTimedOut,
  isTransient,
  UndecodableReply
} from "../IdentityError.js"
import type { TokenOptions, WaitingTokenOptions, WithWorkloadAccessToken } from "../TokenOptions.js"
import { type PollFailure, TokenPoller } from "../TokenPoller.js"
import { inOptionNames } from "./optionNames.js"

type TokenRequest = Request<"getResourceOauth2Token">

type TokenReply = Reply<"getResourceOauth2Token">

type Options = TokenOptions & WithWorkloadAccessToken & { readonly authFlow: Oauth2Flow }

const operation = "GetResourceOauth2Token"

const span = "IdentityService.getToken"

const annotate = ({ authFlow, providerName }: Pick<Options, "authFlow" | "providerName">) =>
  Effect.annotateCurrentSpan({ providerName, authFlow })

const redact = (value: string | Redacted.Redacted) => typeof value === "string" ? Redacted.make(value) : value

const requestOf = (options: Options) =>
  Effect.map(CallbackUrl, (defaultUrl): TokenRequest => ({
    workloadIdentityToken: options.workloadAccessToken,
    resourceCredentialProviderName: options.providerName,
    scopes: options.scopes,
    oauth2Flow: options.authFlow,
    resources: options.resources,
    audiences: options.audiences,
    resourceOauth2ReturnUrl: options.callbackUrl ?? (options.authFlow === "USER_FEDERATION" ? defaultUrl : undefined),
    forceAuthentication: options.forceAuthentication,
    // Not by `Record.map`, which would lose a member that is called `__proto__` before it can be refused.
    customParameters: options.customParameters &&
      Object.fromEntries(Object.entries(options.customParameters).map(([name, value]) => [name, redact(value)])),
    customState: options.customState === undefined ? undefined : redact(options.customState)
  }))

const hasToken = (reply: TokenReply): reply is TokenReply & { readonly accessToken: Redacted.Redacted } =>
  reply.accessToken !== undefined && Redacted.value(reply.accessToken) !== ""

const noToken = (reply: TokenReply, member: string) =>
  new UndecodableReply({
    operation,
    path: member,
    message: `the reply of ${operation} has ${
      reply.authorizationUrl === undefined ? "neither a token nor an authorization URL" : `no ${member}`
    }`
  })

/** The session of a consent; where the service leaves it out, the authorization URL still names it. */
const sessionOf = (reply: TokenReply) => {
  if (reply.sessionUri !== undefined || reply.authorizationUrl === undefined) return reply.sessionUri
  const url = Redacted.value(reply.authorizationUrl)
  const session = URL.canParse(url) ? new URL(url).searchParams.get("request_uri") : null
  return session === null ? undefined : Redacted.make(session)
}

/** @internal */
export const make = (api: IdentityApi["Type"]) => {
  const send = (request: TokenRequest) => Effect.mapError(api.getResourceOauth2Token(request), inOptionNames)

  const machine = Effect.fn(span)(function*(options: Options) {
    yield* annotate(options)
    const reply = yield* send(yield* requestOf(options))
    return hasToken(reply) ? reply.accessToken : yield* noToken(reply, "accessToken")
  })

  const once = Effect.fnUntraced(function*(request: TokenRequest) {
    const now = yield* DateTime.now
    const reply = yield* send(request)
    if (hasToken(reply)) return reply.accessToken
    const providerName = request.resourceCredentialProviderName
    if (reply.sessionStatus === "FAILED") return yield* new ConsentDenied({ providerName })
    const sessionUri = sessionOf(reply)
    if (reply.authorizationUrl === undefined) return yield* noToken(reply, "accessToken")
    if (sessionUri === undefined) return yield* noToken(reply, "sessionUri")
    // What was asked is passed on as it is: whether it was right has been decided before.
    return yield* new ConsentRequired({
      providerName,
      scopes: request.scopes,
      resources: request.resources,
      audiences: request.audiences,
      callbackUrl: request.resourceOauth2ReturnUrl,
      customState: request.customState,
      customParameters: request.customParameters,
      authorizationUrl: reply.authorizationUrl,
      sessionUri,
      // As long as AgentCore keeps a session and its authorization URL.
      expiresAt: DateTime.add(now, { minutes: 10 })
    }, { disableValidation: true })
  })

  const ask = Effect.fn(span)(function*(options: Options) {
    yield* annotate(options)
    return yield* once(yield* requestOf(options))
  })

  /** One poll: the same request, with the session, and never forcing, which would open another session. */
  const poll = (request: TokenRequest, consent: ConsentRequired): Effect.Effect<Redacted.Redacted, PollFailure> => {
    const { providerName, sessionUri } = consent
    return Effect.gen(function*() {
      const reply = yield* send({ ...request, sessionUri, forceAuthentication: undefined })
      if (hasToken(reply)) return reply.accessToken
      if (reply.sessionStatus === "FAILED") return yield* new ConsentDenied({ providerName })
      // The service has given up the session that the person was sent to, and opened one that nobody knows of.
      const isOther = reply.sessionUri !== undefined && Redacted.value(reply.sessionUri) !== Redacted.value(sessionUri)
      return yield* isOther ? new ConsentTimedOut({ providerName }) : new ConsentPending({ providerName })
    }).pipe(
      // A poller may outlast the session: what it is denied from then on is the session, and nobody will answer any more.
      Effect.catchIf(
        (error) => error._tag === "ConsentPending" || error._tag === "AccessDenied" || isTransient(error),
        (error) =>
          Effect.flatMap(
            DateTime.isPast(consent.expiresAt),
            (isPast) => Effect.fail(isPast ? new ConsentTimedOut({ providerName }) : error)
          )
      )
    )
  }

  const wait = Effect.fn(span)(
    function*<E, R>(options: WaitingTokenOptions<E, R> & WithWorkloadAccessToken) {
      yield* annotate(options)
      const request = yield* requestOf(options)
      const answer = yield* Effect.either(once(request))
      if (answer._tag === "Right") return answer.right
      const consent = answer.left
      if (consent._tag !== "ConsentRequired") return yield* consent
      yield* options.onAuthUrl(consent.authorizationUrl, consent)
      const poller = options.tokenPoller ?? (yield* TokenPoller)
      return yield* Effect.mapError(
        poller.poll(consent, poll(request, consent)),
        (error) =>
          error._tag === "ConsentPending" || isTransient(error)
            ? new ConsentTimedOut({ providerName: consent.providerName })
            : error
      )
    }
  )

  return { machine, ask, wait }
}
