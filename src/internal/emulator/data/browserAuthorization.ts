/** What a person's browser does for a session: answers here, or goes to the vendor and comes back. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type IdentityControls, NotSimulated, ProviderRefused, SessionNotPending } from "../../../IdentityControls.js"
import { findOauth2Provider } from "../control/oauth2Providers.js"
import { ProviderError } from "../state/issuer.js"
import { reported } from "../state/providerFailures.js"
import type { Session } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import { client, issuerOf } from "./clients.js"
import * as sessions from "./sessions.js"

const operation = "GetResourceOauth2Token"

const refused = (providerName: string, { description, error, reason }: ProviderError) =>
  new ProviderRefused({ providerName, isFinal: reason === "Refused", reason, error, description })

/** @internal */
export const make = (core: Store): Pick<IdentityControls["Type"], "approve" | "authorize" | "authorized"> => {
  const pending = (uri: Redacted.Redacted) =>
    core.read((state, now) =>
      Either.gen(function*() {
        const session = yield* sessions.live(state, now, uri).pipe(
          Option.filter(({ status }) => status === "pending"),
          Either.fromOption(() => new SessionNotPending())
        )
        const { providerName } = session
        const asked = yield* findOauth2Provider(operation, state, providerName).pipe(
          Either.flatMap((provider) => client(core, operation, state, provider)),
          Either.mapLeft(({ message }) =>
            new ProviderRefused({ providerName, isFinal: false, reason: "Misconfigured", description: message })
          )
        )
        return { session, client: asked }
      })
    )

  /** Sets the status, and gives the return URL, unless somebody has answered meanwhile. */
  const settle = (
    uri: Redacted.Redacted,
    status: Session["status"],
    authorization: Session["authorization"]
  ) =>
    core.decide((state, now) =>
      sessions.live(state, now, uri).pipe(
        Option.filter(({ status }) => status === "pending"),
        Option.map((session) =>
          result(returnedTo(session), sessions.setStatus(state, { ...session, authorization }, status))
        ),
        Either.fromOption(() => new SessionNotPending())
      )
    )

  return {
    approve: (uri) =>
      Effect.zipRight(
        core.read((state, now) => {
          const name = Option.map(sessions.live(state, now, uri), ({ providerName }) => providerName)
          const provider = Option.flatMap(name, (name) => Either.getRight(findOauth2Provider(operation, state, name)))
          return Option.match(provider, {
            onNone: () => Either.void,
            onSome: (provider) =>
              issuerOf(core, state, provider).issuer.browser === undefined
                ? Either.void
                : Either.left(new NotSimulated({ providerName: provider.name }))
          })
        }),
        settle(uri, "approved", undefined)
      ),

    authorize: (uri, state) =>
      Effect.flatMap(pending(uri), ({ client, session }) =>
        client.issuer.browser === undefined
          ? Effect.succeed(undefined)
          : client.issuer.browser.authorization(client, session, state).pipe(
            reported(core, session.providerName),
            Effect.mapError((error) => refused(session.providerName, error))
          )),

    authorized: (uri, { codeVerifier, parameters, state }) =>
      Effect.flatMap(pending(uri), ({ client, session }) => {
        const { providerName } = session
        const code = client.issuer.browser?.code(client, session, state, parameters) ??
          new ProviderError({
            step: "authorization",
            reason: "Misconfigured",
            description: "its issuer was changed meanwhile"
          })
        return code.pipe(
          reported(core, providerName),
          Effect.mapError((error) => refused(providerName, error)),
          Effect.tapError(({ isFinal }) => isFinal ? settle(uri, "failed", undefined) : Effect.void),
          Effect.flatMap((code) =>
            settle(uri, "approved", { code, codeVerifier, redirectUri: client.provider.callbackUrl })
          )
        )
      })
  }
}

// Put together as text: not every registered URL is one that `URL` would leave as it is, or take at all.
const returnedTo = ({ customState, returnUrl, uri }: Session): Redacted.Redacted => {
  const query = new URLSearchParams({ session_id: uri })
  if (customState !== undefined) query.set("state", Redacted.value(customState))
  const hash = returnUrl.indexOf("#")
  const [base, fragment] = hash < 0 ? [returnUrl, ""] : [returnUrl.slice(0, hash), returnUrl.slice(hash)]
  const joint = !base.includes("?") ? "?" : /[?&]$/.test(base) ? "" : "&"
  return Redacted.make(`${base}${joint}${query.toString()}${fragment}`)
}
