import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Array, Context, Effect, Layer, MutableRef, Option, Order, Redacted } from "effect"
import * as Credential from "../../src/Credential.js"
import * as IdentityControls from "../../src/IdentityControls.js"
import * as IdentityServer from "../../src/IdentityServer.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as movableClock from "../../src/internal/server/state/movableClock.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"
import * as SessionBinding from "../../src/SessionBinding.js"
import { asUser, workloadName } from "./agent.js"
import { over } from "./binding.js"
import { required } from "./consenting.js"
import { Client, origin, Port } from "./server.js"

const provider = { clientId: "id", clientSecret: Redacted.make("secret") }

export const providers = [
  ["github", "GithubOauth2", { githubOauth2ProviderConfig: provider }],
  ["google", "GoogleOauth2", { googleOauth2ProviderConfig: provider }],
  ["microsoft", "MicrosoftOauth2", { microsoftOauth2ProviderConfig: provider }],
  ["slack", "SlackOauth2", { slackOauth2ProviderConfig: provider }]
] as const

export type Provider = typeof providers[number][0]

const Local = Layer.unwrapEffect(Effect.map(IdentityServer.makeLocal(), (app) => HttpServer.serve(app))).pipe(
  Layer.provideMerge(Layer.unwrapEffect(Effect.map(origin, (endpoint) => MemoryIdentity.layerApi({ endpoint })))),
  Layer.provideMerge(Port)
)

/** The whole local server, and over HTTP to it all that an application needs. */
export const layer = over(Layer.orDie(Layer.provideMerge(Client, Local)))

/**
 * An application at an address of its own, which people sign in to by a cookie, and in which they ask for access. The
 * provider is at 127.0.0.1, and this at localhost: another site to a browser.
 */
export const application = Effect.gen(function*() {
  const server = Context.get(yield* Layer.build(Port), HttpServer.HttpServer)
  const address = yield* Effect.provideService(origin, HttpServer.HttpServer, server)
  const home = address.replace("127.0.0.1", "localhost")
  const returnUrl = `${home}/oauth2/return`
  const identity = yield* IdentityService.IdentityService
  yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [returnUrl] })
  for (const [name, credentialProviderVendor, oauth2ProviderConfigInput] of providers) {
    yield* identity.createOauth2CredentialProvider({ name, credentialProviderVendor, oauth2ProviderConfigInput })
  }
  const getToken = Effect.fn(function*(userId: string, providerName: string) {
    return yield* identity.getToken({
      ...asUser,
      providerName,
      callbackUrl: returnUrl,
      customState: yield* SessionBinding.customState,
      workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName, userId })
    })
  })
  const binding = yield* SessionBinding.make({ origin: home, signInUrl: "/sign-in" })
  const { clock, move } = yield* movableClock.make()
  const isAway = MutableRef.make(false)

  /** The sign-in page of the application: a form, which keeps the return target. */
  const signIn = Effect.map(HttpServerRequest.HttpServerRequest, ({ originalUrl }) => {
    const returnTo = new URL(originalUrl, home).searchParams.get("return_to") ?? ""
    return HttpServerResponse.html(
      `<h1>Sign in</h1><form action="/login"><input name="user"><input type="hidden" name="return_to" value="${
        returnTo.replaceAll("&", "&amp;")
      }"><button>Sign in</button></form>`
    )
  })
  const login = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ originalUrl }) => {
    const { searchParams } = new URL(originalUrl, home)
    const user = searchParams.get("user") ?? ""
    const returnTo = searchParams.get("return_to")
    const response = returnTo === null
      ? HttpServerResponse.html("<h1>Signed in</h1>")
      : HttpServerResponse.redirect(returnTo, { status: 303 })
    return HttpServerResponse.setCookie(response, "user", user, {
      httpOnly: true,
      sameSite: "lax",
      path: "/"
    })
  })
  const connect = Effect.gen(function*() {
    const { provider = "" } = yield* HttpRouter.params
    const user = Option.getOrThrow(yield* Effect.flatten(SessionBinding.CurrentUser))
    const consent = yield* required(getToken(user, provider))
    const link = yield* binding.register(consent, { user, userIdentifier: Credential.userId(user) })
    return HttpServerResponse.text(link)
  })
  const pages = HttpRouter.empty.pipe(
    HttpRouter.get("/login", login),
    HttpRouter.get("/sign-in", signIn),
    HttpRouter.get("/connect/:provider", connect),
    HttpRouter.get("/oauth2/start", binding.startPage),
    HttpRouter.get(
      "/oauth2/return",
      Effect.suspend(() =>
        MutableRef.get(isAway) ? HttpServerResponse.text("Unavailable", { status: 503 }) : binding.returnPage
      )
    ),
    HttpRouter.use((page) => Effect.withClock(page, clock))
  )
  yield* Effect.provideService(HttpServer.serveEffect(pages), HttpServer.HttpServer, server)
  return {
    home,
    getToken,
    /** Moves the clock of the application only. */
    move,
    /** Makes the return page unavailable, so that the browser stays at its URL. */
    setAway: (away: boolean) => Effect.sync(() => MutableRef.set(isAway, away))
  }
})

export const sorted = (all: Iterable<string>): ReadonlyArray<string> => Array.sort(all, Order.string)

/** The grants in the vault: user and provider. */
export const grants = Effect.flatMap(
  IdentityControls.IdentityControls,
  ({ grants }) => Effect.map(grants, (all) => sorted(all.map(({ providerName, user }) => `${user} ${providerName}`)))
)
