/** The user's answer to a consent session: given here, or at the provider, to which the browser is sent and returns. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type IdentityControls, NotSimulated, SessionNotPending } from "../../../IdentityControls.js"
import { findOauth2Provider } from "../control/oauth2Providers.js"
import { ProviderError } from "../state/issuer.js"
import { reported, toProviderRefused } from "../state/providerFailures.js"
import * as sessions from "../state/session.js"
import type { State } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import { clientOf, issuerOf } from "./clients.js"

const operation = "GetResourceOauth2Token"

/** @internal */
export const make = (
  store: Store
): Pick<IdentityControls["Type"], "approve" | "beginAuthorization" | "completeAuthorization"> => {
  const pending = (uri: Redacted.Redacted) =>
    store.read((state, now) =>
      Either.gen(function*() {
        const session = yield* sessions.find(state, now, uri).pipe(
          Option.filter(sessions.isPending),
          Either.fromOption(() => new SessionNotPending())
        )
        const { providerName } = session
        const authorizationClient = yield* findOauth2Provider(operation, state, providerName).pipe(
          Either.flatMap((provider) => clientOf(store, operation, state, provider)),
          Either.mapLeft(({ message }) =>
            toProviderRefused(providerName, { reason: "Misconfigured", description: message })
          )
        )
        return { session, client: authorizationClient }
      })
    )

  const shown = (uri: Redacted.Redacted) =>
    store.change((state, now) =>
      Option.match(Option.filter(sessions.find(state, now, uri), sessions.isPending), {
        onNone: () => state,
        onSome: (session) => sessions.show(state, session)
      })
    )

  /** Applies the transition and returns the return URL, unless the session was answered in the meantime. */
  const settle = (uri: Redacted.Redacted, transition: (state: State, session: sessions.Pending) => State) =>
    store.decide((state, now) =>
      sessions.find(state, now, uri).pipe(
        Option.filter(sessions.isPending),
        Option.map((session) => result(returnUrlOf(session), transition(state, session))),
        Either.fromOption(() => new SessionNotPending())
      )
    )

  return {
    approve: (uri) =>
      Effect.zipRight(
        store.read((state, now) => {
          const name = Option.map(sessions.find(state, now, uri), ({ providerName }) => providerName)
          const provider = Option.flatMap(name, (name) => Either.getRight(findOauth2Provider(operation, state, name)))
          return Option.match(provider, {
            onNone: () => Either.void,
            onSome: (provider) =>
              issuerOf(store, state, provider).issuer.browser === undefined
                ? Either.void
                : Either.left(new NotSimulated({ providerName: provider.name }))
          })
        }),
        settle(uri, sessions.approve)
      ),

    beginAuthorization: (uri, state) =>
      Effect.flatMap(
        Effect.zipLeft(pending(uri), shown(uri)),
        ({ client, session }) =>
          client.issuer.browser === undefined
            ? Effect.succeed(undefined)
            : client.issuer.browser.authorization(client, session, state).pipe(
              reported(store, session.providerName),
              Effect.mapError((error) => toProviderRefused(session.providerName, error))
            )
      ),

    completeAuthorization: (uri, { codeVerifier, parameters, state }) =>
      Effect.flatMap(pending(uri), ({ client, session }) => {
        const { providerName } = session
        const code = client.issuer.browser?.code(client, session, state, parameters) ??
          new ProviderError({
            step: "authorization",
            reason: "Misconfigured",
            description:
              "the issuer of the provider was changed while the user was at the provider; request consent again"
          })
        return code.pipe(
          reported(store, providerName),
          Effect.mapError((error) => toProviderRefused(providerName, error)),
          Effect.tapError(({ isFinal }) =>
            isFinal
              ? Effect.zipRight(
                settle(uri, sessions.deny),
                store.completionEvents.publish(Redacted.value(uri))
              )
              : Effect.void
          ),
          Effect.flatMap((code) =>
            settle(
              uri,
              (state, session) =>
                sessions.approve(state, session, { code, codeVerifier, redirectUri: client.provider.callbackUrl })
            )
          )
        )
      })
  }
}

// Concatenated as text: some registered URLs are changed, or rejected, by `URL`.
const returnUrlOf = ({ customState, returnUrl, uri }: sessions.Pending): Redacted.Redacted => {
  const query = new URLSearchParams({ session_id: uri })
  if (customState !== undefined) query.set("state", Redacted.value(customState))
  const hash = returnUrl.indexOf("#")
  const [base, fragment] = hash < 0 ? [returnUrl, ""] : [returnUrl.slice(0, hash), returnUrl.slice(hash)]
  const separator = !base.includes("?") ? "?" : /[?&]$/.test(base) ? "" : "&"
  return Redacted.make(`${base}${separator}${query.toString()}${fragment}`)
}
