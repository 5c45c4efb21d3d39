import {
  HttpClient,
  HttpClientRequest,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { Context, Effect, Layer, Option, Redacted, Ref } from "effect"
import { Credential, IdentityService } from "effect-agentcore-identity"
import { randomBytes } from "node:crypto"
import { Authorization } from "./Authorization.js"

/** The application around the agent: the page that browsers return to, and a resource that wants credentials. */
export class Site extends Context.Tag("scratchpad/Site")<Site, {
  readonly callbackUrl: string
  /** Remembers who is about to consent; gives the state that their browser has to bring back. */
  readonly expect: (userId: string) => Effect.Effect<string>
  /** Calls the resource with a credential; gives what the resource saw. */
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

const returnPage = (pending: Ref.Ref<Option.Option<{ readonly userId: string; readonly state: string }>>) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const parameters = new URL(url, "http://localhost").searchParams
    const expected = yield* Ref.getAndSet(pending, Option.none())
    if (Option.isNone(expected) || parameters.get("state") !== expected.value.state) {
      return HttpServerResponse.text("this is not a consent that was started here", { status: 400 })
    }
    // A real application takes the user from the browser's own session.
    yield* identity.completeResourceTokenAuth({
      sessionUri: parameters.get("session_id") ?? "",
      userIdentifier: Credential.UserIdIdentifier(expected.value.userId)
    })
    return HttpServerResponse.text("thank you, you may close this page")
  }).pipe(
    Effect.catchAll((error) => HttpServerResponse.text(`the consent was not finished: ${error._tag}`, { status: 400 }))
  )

export const layer = Layer.scoped(
  Site,
  Effect.gen(function*() {
    const pending = yield* Ref.make(Option.none<{ readonly userId: string; readonly state: string }>())
    const client = yield* HttpClient.HttpClient
    const server = yield* HttpServer.HttpServer
    yield* HttpRouter.empty.pipe(
      HttpRouter.get("/return", returnPage(pending)),
      HttpRouter.get("/resource/:name", resource),
      HttpServer.serveEffect()
    )
    const origin = HttpServer.formatAddress(server.address)
    return Site.of({
      callbackUrl: `${origin}/return`,
      expect: (userId) =>
        Effect.gen(function*() {
          const state = randomBytes(16).toString("base64url")
          yield* Ref.set(pending, Option.some({ userId, state }))
          return state
        }),
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
