import {
  HttpClient,
  HttpClientRequest,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { Context, Effect, HashMap, Layer, Redacted, Ref } from "effect"
import { ConsentLedger, ConsentSeal, Credential, type IdentityError, SessionBinding } from "effect-agentcore-identity"
import { randomBytes } from "node:crypto"
import { Authorization } from "./Authorization.js"

/** Application around the agent: pages where users sign in and consent, and a resource that requires credentials. */
export class Site extends Context.Tag("scratchpad/Site")<Site, {
  /** URL where the user of the demonstration signs in. */
  readonly signInUrl: string
  /** Return URL of consents. */
  readonly callbackUrl: string
  /** Shows a link of the application, at which the signed-in user starts the consent. */
  readonly onAuthUrl: <E, R>(show: (link: string) => Effect.Effect<void, E, R>) => (
    authorizationUrl: Redacted.Redacted,
    consent: IdentityError.ConsentRequired
  ) => Effect.Effect<void, SessionBinding.BindingRefused | IdentityError.LedgerFailure | E, R>
  /** Calls the resource with a credential, and returns its response. */
  readonly call: (
    path: string,
    credential: { readonly token: Redacted.Redacted } | { readonly key: Redacted.Redacted }
  ) => Effect.Effect<string>
}>() {}

const resource = Effect.gen(function*() {
  const authorization = yield* Authorization
  const { headers, url } = yield* HttpServerRequest.HttpServerRequest
  const key = headers["x-api-key"]
  const seen = key === undefined
    ? authorization.verify((headers.authorization ?? "").replace(/^Bearer /, ""))
    : Effect.succeed(`an API key of ${key.length} characters`)
  return yield* Effect.match(seen, {
    onSuccess: (what) => HttpServerResponse.unsafeJson(`${url} accepted ${what}`),
    onFailure: (why) => HttpServerResponse.unsafeJson(`${url} refused the token: ${why}`, { status: 401 })
  })
})

const cookie = "session"

/** Signs the user in with a session cookie. The demonstration requires no password. */
const signIn = (sessions: Ref.Ref<HashMap.HashMap<string, string>>, userId: string) =>
  Effect.gen(function*() {
    const session = randomBytes(32).toString("base64url")
    yield* Ref.update(sessions, HashMap.set(session, userId))
    return yield* HttpServerResponse.text(`you are signed in as ${userId}`).pipe(
      HttpServerResponse.setCookie(cookie, session, { httpOnly: true, sameSite: "lax", path: "/" })
    )
  })

const signedIn = (sessions: Ref.Ref<HashMap.HashMap<string, string>>) =>
  Effect.gen(function*() {
    const { cookies } = yield* HttpServerRequest.HttpServerRequest
    return HashMap.get(yield* Ref.get(sessions), cookies[cookie] ?? "")
  })

export const layer = (userId: string) =>
  Layer.scoped(
    Site,
    Effect.gen(function*() {
      const sessions = yield* Ref.make(HashMap.empty<string, string>())
      const client = yield* HttpClient.HttpClient
      const server = yield* HttpServer.HttpServer
      const origin = HttpServer.formatAddress(server.address)
      const binding = yield* SessionBinding.make({ origin })
      const needs = yield* Layer.build(
        Layer.mergeAll(
          ConsentSeal.layerEphemeral,
          ConsentLedger.layerMemory,
          Layer.succeed(SessionBinding.CurrentUser, signedIn(sessions))
        )
      )
      yield* HttpRouter.empty.pipe(
        HttpRouter.get("/sign-in", signIn(sessions, userId)),
        HttpRouter.all("/oauth2/start", binding.startPage),
        HttpRouter.all("/oauth2/return", binding.returnPage),
        HttpRouter.get("/resource/:name", resource),
        HttpServer.serveEffect(),
        Effect.provide(needs)
      )
      return Site.of({
        signInUrl: `${origin}/sign-in`,
        callbackUrl: `${origin}/oauth2/return`,
        onAuthUrl: (show) => (url, consent) =>
          Effect.provide(
            binding.onAuthUrl({ user: userId, userIdentifier: Credential.userId(userId) }, show)(
              url,
              consent
            ),
            needs
          ),
        call: (path, credential) =>
          HttpClientRequest.get(`${origin}/resource/${path}`).pipe(
            "token" in credential
              ? HttpClientRequest.bearerToken(Redacted.value(credential.token))
              : HttpClientRequest.setHeader("x-api-key", Redacted.value(credential.key)),
            client.execute,
            Effect.flatMap((response) => response.json),
            Effect.map(String),
            Effect.orDie,
            Effect.scoped
          )
      })
    })
  )
