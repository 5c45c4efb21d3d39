/**
 * The browser steps of a consent: the consent page, the provider's callback, and the redirect to the application. A
 * simulated provider uses the decision of the consent page. A federated provider asks on its own pages.
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
  PageError,
  query,
  refusedTokenPage,
  remember,
  required,
  seeOther
} from "../../web/forms.js"
import { html, name, type Value } from "../../web/html.js"
import { redactRequest } from "../../web/redactRequest.js"
import { vendorName } from "../state/inventory.js"
import { PageTokens } from "../state/pageTokens.js"
import { firstThatFit } from "./firstThatFit.js"
import { notice, orNotice, page } from "./frame.js"
import { returnUrlPage } from "./returnUrlPage.js"
import { approve, complete, completedText, explainNotPending, pendingSession } from "./sessionAnswers.js"

const authorizePath = "/identities/oauth2/authorize"

const callbackPath = "/identities/oauth2/callback"

/** The last part of a callback URL, independent of its origin. */
const callbackIdOf = (url: string): Option.Option<string> =>
  Option.fromNullable(url.match(/\/identities\/oauth2\/callback\/([\w-]{1,128})$/)?.[1])

const unusable = new PageError({
  status: 503,
  title: "The provider is not available",
  text: "The credential provider no longer exists, or its callback URL is not on this server. Nothing was changed."
})

/** Redirects the browser to a federated provider. `undefined` for a simulated one. */
const redirectToProvider = (session: ConsentSession, callbackId: string) =>
  Effect.gen(function*() {
    const controls = yield* IdentityControls
    const { redirects } = yield* PageTokens
    const state = yield* secureToken.token
    const redirect = yield* Effect.catchTags(controls.beginAuthorization(session.sessionUri, state), {
      SessionNotPending: () => explainNotPending(session.sessionUri),
      ProviderRefused: unavailable
    })
    if (redirect === undefined) return undefined
    const browserId = yield* browser
    const { codeVerifier, url } = redirect
    yield* redirects.put(state, browserId, { sessionUri: session.sessionUri, callbackId, codeVerifier })
    return yield* remember(seeOther(Redacted.value(url)), browserId)
  })

const unavailable = ({ message }: ProviderRefused) =>
  new PageError({
    status: 502,
    title: "The provider is not available",
    text: `${message}. Nothing was changed. You can try again.`
  })

/** The vendor of a provider, and the id in its callback URL. */
const providerOf = (name: string) =>
  Effect.gen(function*() {
    const { oauth2CredentialProviders } = yield* (yield* IdentityControls).inventory
    const provider = oauth2CredentialProviders.find((provider) => provider.name === name)
    if (provider === undefined) return yield* unusable
    const callbackId = yield* Effect.mapError(callbackIdOf(provider.callbackUrl), () => unusable)
    return { vendor: vendorName(provider.credentialProviderVendor), callbackId }
  })

/** Bytes of the scopes on the consent page, which has less than 1 MiB. A user must see which scopes they approve. */
const maxScopeBytes = 900_000

/** The first scopes that fit, and the number of the others. */
const requestedScopes = (scopes: ReadonlyArray<string>): Value => {
  if (scopes.length === 0) return html`<p>None.</p>`
  const items = firstThatFit(scopes, maxScopeBytes, (scope) => html`<li><code>${name(scope)}</code></li>`)
  const hidden = scopes.length - items.length
  return [
    html`<ul class="scopes" aria-labelledby="scopes">${items}</ul>`,
    hidden === 0 ? undefined : html`<p>and ${hidden} more, which do not fit on this page.</p>`
  ]
}

const consentPage = Effect.gen(function*() {
  const uri = yield* required(yield* once(yield* query, "request_uri"), "request_uri")
  const session = yield* pendingSession(uri)
  const { callbackId, vendor } = yield* providerOf(session.providerName)
  const redirected = yield* redirectToProvider(session, callbackId)
  if (redirected !== undefined) return redirected
  const { consents } = yield* PageTokens
  const browserId = yield* browser
  const token = yield* consents.issue(browserId, { sessionUri: session.sessionUri, callbackId })
  const response = yield* page({
    title: `Approve access to ${vendor}?`,
    allowsExternalRedirect: true,
    body: html`<section class="card" aria-labelledby="question">
<h1 id="question">Approve access to ${vendor}?</h1>
<p>The agent <strong>${
      name(session.workloadName)
    }</strong> requests access to your <strong>${vendor}</strong> account.</p>
<dl class="facts">
<dt>Agent</dt><dd>${name(session.workloadName)}</dd>
<dt>Provider</dt><dd>${name(session.providerName)} <span class="soft">(${vendor})</span></dd>
<dt>User</dt><dd>${session.user === undefined ? "not specified" : name(session.user)}</dd>
</dl>
<h2 id="scopes">Requested scopes</h2>
${requestedScopes(session.scopes)}
<form method="post" action="${authorizePath}" class="choice">
<input type="hidden" name="token" value="${token}">
<button class="main" name="decision" value="allow">Approve</button>
<button name="decision" value="deny">Deny</button>
<button name="decision" value="complete">Approve and complete</button>
<button name="decision" value="show">Approve and show URL</button>
</form>
<p class="soft small hint">Approve only if you started this request yourself. Approve opens the return URL of the application, where its page completes the session. Approve and complete needs no such page. Approve and show URL does not open the return URL, but shows it.</p>
</section>`
  })
  return yield* remember(response, browserId)
})

const denied = (provider: string) =>
  notice({
    title: "The consent was denied",
    status: 200,
    tone: "denied",
    text: html`The agent receives no token from ${name(provider)} for this request. You can close this page.`
  })

const completed = notice({
  title: "Consent given",
  status: 200,
  tone: "good",
  text: `${completedText} You can close this page.`
})

const consentDecision = Effect.gen(function*() {
  const of = yield* once(yield* form, "token", "decision")
  const decision = yield* required(of, "decision")
  if (decision !== "allow" && decision !== "complete" && decision !== "show" && decision !== "deny") {
    return yield* new PageError({
      status: 400,
      title: "Invalid form",
      text: "The field decision must be allow, complete, show or deny."
    })
  }
  const { consents, redirects } = yield* PageTokens
  const browserId = yield* browser
  const consent = yield* Effect.mapError(
    consents.consume(yield* required(of, "token"), browserId),
    refusedTokenPage("form")
  )
  const session = yield* pendingSession(Redacted.value(consent.sessionUri))
  if (decision === "deny") {
    const controls = yield* IdentityControls
    yield* Effect.catchAll(controls.deny(consent.sessionUri), () => explainNotPending(consent.sessionUri))
    return yield* denied(session.providerName)
  }
  if (decision === "complete") {
    yield* approve(consent.sessionUri)
    yield* complete(consent.sessionUri)
    return yield* completed
  }
  if (decision === "show") return yield* returnUrlPage(yield* approve(consent.sessionUri))
  const code = yield* secureToken.token
  const state = yield* redirects.issue(browserId, { ...consent, code })
  return seeOther(`${callbackPath}/${consent.callbackId}?${new URLSearchParams({ code, state }).toString()}`)
})

const stateMismatch = new PageError({
  status: 400,
  title: "This response belongs to another request",
  text:
    "This response does not match a request that was started here. Nothing was changed. Open the authorization URL again."
})

const providerDenied = (provider: string, error: string, description: Option.Option<string>) =>
  notice({
    title: "The provider denied the request",
    status: 400,
    tone: "denied",
    text: html`Error: <q>${name(error)}</q>${
      Option.match(description, { onNone: () => undefined, onSome: (text) => html`: <q>${name(text)}</q>` })
    }. The agent receives no token from ${name(provider)} for this request.`
  })

/** Completes the authorization at a federated provider. */
const completeFederated = (
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
            ? providerDenied(
              refused.providerName,
              refused.error ?? refused.reason,
              Option.fromNullable(refused.description)
            )
            : refused.reason === "Malformed"
            ? stateMismatch
            : unavailable(refused)
      })
    )
  })

const callback = Effect.gen(function*() {
  const parameters = yield* query
  const of = yield* once(parameters, "code", "state", "error", "error_description", "iss")
  const { id = "" } = yield* HttpRouter.params
  const { redirects } = yield* PageTokens
  const state = yield* required(of, "state")
  const redirect = yield* Effect.mapError(
    redirects.consume(state, yield* browser),
    (refused) => refused.reason === "unknown" ? stateMismatch : refusedTokenPage("answer")(refused)
  )
  // Each provider has a callback URL of its own: a response at another URL is a mix-up attack (RFC 9700, section 4.4).
  if (!secureToken.timingSafeEqual(redirect.callbackId, id)) return yield* stateMismatch
  const session = yield* pendingSession(Redacted.value(redirect.sessionUri))
  if ("codeVerifier" in redirect) {
    return yield* completeFederated(session, { state, codeVerifier: redirect.codeVerifier, parameters })
  }
  const controls = yield* IdentityControls
  const error = of("error")
  if (Option.isSome(error)) {
    yield* Effect.catchAll(controls.deny(redirect.sessionUri), () => explainNotPending(redirect.sessionUri))
    return yield* providerDenied(session.providerName, error.value, of("error_description"))
  }
  if (!secureToken.timingSafeEqual(redirect.code, yield* required(of, "code"))) return yield* stateMismatch
  const returnUrl = yield* Effect.catchAll(
    controls.approve(redirect.sessionUri),
    () => explainNotPending(redirect.sessionUri)
  )
  return seeOther(Redacted.value(returnUrl))
})

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityControls | PageTokens> = HttpRouter.empty.pipe(
  HttpRouter.get(authorizePath, orNotice(consentPage)),
  HttpRouter.post(authorizePath, orNotice(consentDecision)),
  HttpRouter.get(`${callbackPath}/:id`, orNotice(callback)),
  HttpRouter.use(redactRequest)
)
