/**
 * The legs of a consent that a person walks in the browser: the question, the provider's callback, and the way back to
 * the application. A simulated vendor says what the person says; a federated one asks on pages of its own.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type ConsentSession, IdentityControls, type ProviderRefused } from "../../../IdentityControls.js"
import * as secureToken from "../../lib/secureToken.js"
import {
  browser,
  form,
  once,
  orNotice,
  PageError,
  query,
  remember,
  required,
  seeOther,
  ticketRefused
} from "../../web/forms.js"
import { html, notice, page } from "../../web/html.js"
import { redactRequest } from "../../web/redactRequest.js"
import { Trouble } from "../state/faultInjection.js"
import { vendorName } from "../state/inventory.js"

const authorizePath = "/identities/oauth2/authorize"

const callbackPath = "/identities/oauth2/callback"

const expired = new PageError({
  status: 410,
  title: "This request has expired",
  text: "This request has expired, start again: go back to the application and ask it once more."
})

const unknown = new PageError({
  status: 404,
  title: "This request is not known",
  text: "Nobody asked for this, or it was long ago. Go back to the application and start again."
})

const answered = new PageError({
  status: 409,
  title: "This request was answered already",
  text: "An answer counts once, and nothing was changed. You can close this page."
})

/** The session of this URI, if it waits for an answer. */
const waiting = (uri: string): Effect.Effect<ConsentSession, PageError, IdentityControls> =>
  Effect.flatMap(
    IdentityControls,
    ({ sessions }) =>
      Effect.flatMap(sessions, (all): Effect.Effect<ConsentSession, PageError> => {
        const session = new Map(all.map((one) => [Redacted.value(one.sessionUri), one])).get(uri)
        if (session === undefined) return unknown
        if (session.status === "pending") return Effect.succeed(session)
        return session.status === "expired" ? expired : answered
      })
  )

/** Why a session did not wait any more when it was answered. */
const explainNotPending = (uri: Redacted.Redacted): Effect.Effect<never, PageError, IdentityControls> =>
  Effect.zipRight(waiting(Redacted.value(uri)), answered)

/** The last part of a callback URL, whatever address stands before it. */
const callbackIdOf = (url: string): Option.Option<string> =>
  Option.fromNullable(url.match(/\/identities\/oauth2\/callback\/([\w-]{1,128})$/)?.[1])

const unusable = new PageError({
  status: 503,
  title: "The provider cannot be asked",
  text: "The credential provider is not there any more, or has no callback on this server. Nothing was changed."
})

/** The provider's own pages ask, if it is federated. */
const redirectToProvider = (session: ConsentSession, callbackId: string) =>
  Effect.gen(function*() {
    const controls = yield* IdentityControls
    const { tickets } = yield* Trouble
    const state = yield* secureToken.token
    const redirect = yield* Effect.catchTags(controls.beginAuthorization(session.sessionUri, state), {
      SessionNotPending: () => explainNotPending(session.sessionUri),
      ProviderRefused: unavailable
    })
    if (redirect === undefined) return undefined
    const who = yield* browser
    const { codeVerifier, url } = redirect
    yield* tickets.redirects.put(state, who, { sessionUri: session.sessionUri, callbackId, codeVerifier })
    return yield* remember(seeOther(Redacted.value(url)), who)
  })

const unavailable = ({ message }: ProviderRefused) =>
  new PageError({
    status: 502,
    title: "The provider cannot be asked",
    text: `Nothing was changed, and you may try again. The reason: ${message}.`
  })

/** What a person may want to know about the provider. */
const providerOf = (name: string) =>
  Effect.gen(function*() {
    const { oauth2CredentialProviders } = yield* (yield* IdentityControls).inventory
    const provider = oauth2CredentialProviders.find((provider) => provider.name === name)
    if (provider === undefined) return yield* unusable
    const callbackId = yield* Effect.mapError(callbackIdOf(provider.callbackUrl), () => unusable)
    return { vendor: vendorName(provider.credentialProviderVendor), callbackId }
  })

const consentPage = Effect.gen(function*() {
  const uri = yield* required(yield* once(yield* query, "request_uri"), "request_uri")
  const session = yield* waiting(uri)
  const { callbackId, vendor } = yield* providerOf(session.providerName)
  const redirected = yield* redirectToProvider(session, callbackId)
  if (redirected !== undefined) return redirected
  const { tickets } = yield* Trouble
  const who = yield* browser
  const ticket = yield* tickets.consents.issue(who, { sessionUri: session.sessionUri, callbackId })
  const shown = yield* page({
    title: `Allow ${session.workloadName} to use ${vendor}?`,
    allowsExternalRedirect: true,
    body: html`<section class="card" aria-labelledby="question">
<h1 id="question">Allow ${session.workloadName} to use ${vendor}?</h1>
<p>The agent <strong>${session.workloadName}</strong> asks for access to your account at <strong>${vendor}</strong>.</p>
<dl class="facts">
<dt>Agent</dt><dd>${session.workloadName}</dd>
<dt>Provider</dt><dd>${session.providerName} <span class="soft">(${vendor})</span></dd>
<dt>On behalf of</dt><dd>${session.user ?? "nobody in particular"}</dd>
</dl>
<h2 id="scopes">It asks for</h2>
${
      session.scopes.length === 0
        ? html`<p>use what the provider gives without any scope.</p>`
        : html`<ul class="scopes" aria-labelledby="scopes">${
          session.scopes.map((scope) => html`<li><code>${scope}</code></li>`)
        }</ul>`
    }
<form method="post" action="${authorizePath}" class="choice">
<input type="hidden" name="ticket" value="${ticket}">
<button class="main" name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>
<p class="soft small hint">Allow this only if you have just asked the agent for something. You will return to its application.</p>
</section>`
  })
  return yield* remember(shown, who)
})

const denied = (provider: string) =>
  notice({
    title: "Access was denied",
    status: 200,
    tone: "good",
    text: html`The agent gets nothing from ${provider}. You can close this page.`
  })

const consentDecision = Effect.gen(function*() {
  const of = yield* once(yield* form, "ticket", "decision")
  const decision = yield* required(of, "decision")
  if (decision !== "allow" && decision !== "deny") {
    return yield* new PageError({ status: 400, title: "This is no answer", text: "The answer is Allow or Deny." })
  }
  const { tickets } = yield* Trouble
  const who = yield* browser
  const asked = yield* Effect.mapError(
    tickets.consents.consume(yield* required(of, "ticket"), who),
    ticketRefused("form")
  )
  const session = yield* waiting(Redacted.value(asked.sessionUri))
  if (decision === "deny") {
    const controls = yield* IdentityControls
    yield* Effect.catchAll(controls.deny(asked.sessionUri), () => explainNotPending(asked.sessionUri))
    return yield* denied(session.providerName)
  }
  const code = yield* secureToken.token
  const state = yield* tickets.redirects.issue(who, { ...asked, code })
  return seeOther(`${callbackPath}/${asked.callbackId}?${new URLSearchParams({ code, state }).toString()}`)
})

const mixedUp = new PageError({
  status: 400,
  title: "This answer belongs to another request",
  text: "It does not fit what was asked, and nothing was changed. Open the authorization URL again."
})

const refusal = (provider: string, error: string, description: Option.Option<string>) =>
  notice({
    title: "The provider refused",
    status: 400,
    text: html`It says <q>${error}</q>${
      Option.match(description, { onNone: () => undefined, onSome: (text) => html`: <q>${text}</q>` })
    }. The agent gets nothing from ${provider}.`
  })

/** A federated provider has answered. */
const authorized = (
  { sessionUri }: ConsentSession,
  answer: Parameters<IdentityControls["Type"]["completeAuthorization"]>[1]
) =>
  Effect.gen(function*() {
    const { completeAuthorization } = yield* IdentityControls
    return yield* completeAuthorization(sessionUri, answer).pipe(
      Effect.map((url) => seeOther(Redacted.value(url))),
      Effect.catchTags({
        SessionNotPending: () => explainNotPending(sessionUri),
        ProviderRefused: (refused) =>
          refused.error === "access_denied"
            ? denied(refused.providerName)
            : refused.isFinal
            ? refusal(refused.providerName, refused.error ?? refused.reason, Option.fromNullable(refused.description))
            : refused.reason === "Malformed"
            ? mixedUp
            : unavailable(refused)
      })
    )
  })

const callback = Effect.gen(function*() {
  const parameters = yield* query
  const of = yield* once(parameters, "code", "state", "error", "error_description", "iss")
  const { id = "" } = yield* HttpRouter.params
  const { tickets } = yield* Trouble
  const state = yield* required(of, "state")
  const asked = yield* Effect.mapError(
    tickets.redirects.consume(state, yield* browser),
    (refused) => refused.reason === "unknown" ? mixedUp : ticketRefused("answer")(refused)
  )
  // One callback per provider: an answer that was meant for another is a mix-up, however good its state is.
  if (!secureToken.timingSafeEqual(asked.callbackId, id)) return yield* mixedUp
  const session = yield* waiting(Redacted.value(asked.sessionUri))
  if ("codeVerifier" in asked) {
    return yield* authorized(session, { state, codeVerifier: asked.codeVerifier, parameters })
  }
  const controls = yield* IdentityControls
  const error = of("error")
  if (Option.isSome(error)) {
    yield* Effect.catchAll(controls.deny(asked.sessionUri), () => explainNotPending(asked.sessionUri))
    return yield* refusal(session.providerName, error.value, of("error_description"))
  }
  if (!secureToken.timingSafeEqual(asked.code, yield* required(of, "code"))) return yield* mixedUp
  const returnUrl = yield* Effect.catchAll(
    controls.approve(asked.sessionUri),
    () => explainNotPending(asked.sessionUri)
  )
  return seeOther(Redacted.value(returnUrl))
})

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityControls | Trouble> = HttpRouter.empty.pipe(
  HttpRouter.get(authorizePath, orNotice(consentPage)),
  HttpRouter.post(authorizePath, orNotice(consentDecision)),
  HttpRouter.get(`${callbackPath}/:id`, orNotice(callback)),
  HttpRouter.use(redactRequest)
)
