import { HttpApp, HttpServerRequest } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as ConsentLedger from "../../src/ConsentLedger.js"
import * as ConsentSeal from "../../src/ConsentSeal.js"
import * as Credential from "../../src/Credential.js"
import type * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityControls from "../../src/IdentityControls.js"
import * as IdentityService from "../../src/IdentityService.js"
import * as MemoryIdentity from "../../src/MemoryIdentity.js"
import * as SessionBinding from "../../src/SessionBinding.js"
import { asUser } from "./agent.js"
import { required } from "./consenting.js"
import { assertEqual } from "./equality.js"

export const origin = "https://agent.example"

export const returnUrl = `${origin}/oauth2/return`

/** The application knows its users by a cookie. */
export const CurrentUser = Layer.succeed(
  SessionBinding.CurrentUser,
  Effect.map(HttpServerRequest.HttpServerRequest, ({ cookies }) => Option.fromNullable(cookies["user"]))
)

/** Everything that the pages need, over whatever plays AWS. */
export const over = (api: Layer.Layer<IdentityApi.IdentityApi | IdentityControls.IdentityControls>) =>
  Layer.mergeAll(
    IdentityService.layer.pipe(Layer.provideMerge(api)),
    CurrentUser,
    ConsentSeal.layerEphemeral,
    ConsentLedger.layerMemory
  )

export const layer = over(MemoryIdentity.layerApi())

/** A workload that people may return from, and two providers. */
export const providers = Effect.fn(function*(
  identity: IdentityService.IdentityService["Type"],
  returnUrls: ReadonlyArray<string>
) {
  yield* identity.createWorkloadIdentity({ name: "my-agent", allowedResourceOauth2ReturnUrls: [...returnUrls] })
  for (const name of ["github", "google"]) {
    yield* identity.createOauth2CredentialProvider({
      name,
      credentialProviderVendor: name === "github" ? "GithubOauth2" : "GoogleOauth2",
      oauth2ProviderConfigInput: name === "github"
        ? { githubOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
        : { googleOauth2ProviderConfig: { clientId: "id", clientSecret: Redacted.make("s") } }
    })
  }
})

/** A workload, two providers, and the pages of the application. */
export const applicationWith = (options: Partial<SessionBinding.Options> = {}) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    yield* providers(identity, [
      returnUrl,
      `${returnUrl}/other`,
      `${returnUrl}?tenant=1`,
      "https://elsewhere.example/return"
    ])
    const binding = yield* SessionBinding.make({ origin, ...options })
    const runtime = yield* Effect.runtime<SessionBinding.Needs>()
    const pages = Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      (request) => new URL(request.originalUrl).pathname === "/oauth2/start" ? binding.startPage : binding.returnPage
    )
    const handler = HttpApp.toWebHandlerRuntime(runtime)(pages)
    return { identity, binding, handler }
  })

export const application = applicationWith()

export type Application = Effect.Effect.Success<typeof application>

/** Asks for a token as `userId` does, so that consent is required. */
export const asks = (
  { binding, identity }: Pick<Application, "binding" | "identity">,
  userId: string,
  { state, user = userId, userToken, ...options }: {
    readonly providerName?: string
    readonly callbackUrl?: string
    readonly state?: Redacted.Redacted
    readonly user?: string
    readonly userToken?: string
  } = {}
) =>
  Effect.gen(function*() {
    const consent = yield* required(identity.getToken({
      ...asUser,
      callbackUrl: returnUrl,
      customState: state ?? (yield* SessionBinding.customState),
      workloadAccessToken: yield* identity.getWorkloadAccessToken({ workloadName: "my-agent", userId }),
      ...options
    }))
    const link = yield* binding.register(consent, {
      user,
      userIdentifier: userToken === undefined
        ? Credential.userId(userId)
        : Credential.userToken(Redacted.make(userToken))
    })
    return { consent, link }
  })

/** A browser: it keeps cookies, and does not follow redirects by itself. */
export const browser = ({ handler }: Application, user?: string) => {
  const cookies = new Map<string, string>(user === undefined ? [] : [["user", user]])
  const open = (url: string, init: { readonly method?: string; readonly host?: string } = {}) =>
    Effect.promise(async () => {
      const response = await handler(
        new Request(url, {
          method: init.method ?? "GET",
          headers: {
            host: init.host ?? new URL(url).host,
            cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
          }
        })
      )
      for (const line of response.headers.getSetCookie()) {
        const [pair = "", ...attributes] = line.split("; ")
        const name = pair.slice(0, pair.indexOf("="))
        if (attributes.includes("Max-Age=0")) cookies.delete(name)
        else cookies.set(name, pair.slice(pair.indexOf("=") + 1))
      }
      return { status: response.status, headers: response.headers, body: await response.text() }
    })
  return { open, cookies }
}

/** What the person is sent to after they have agreed at the provider. */
export const agrees = (sessionUri: Redacted.Redacted) =>
  Effect.flatMap(
    IdentityControls.IdentityControls,
    ({ approve }) => Effect.map(approve(sessionUri), (url) => new URL(Redacted.value(url)))
  )

/** How often a session was completed. */
export const completions = Effect.gen(function*() {
  const { journal } = yield* IdentityControls.IdentityControls
  return (yield* journal).filter(({ operation }) => operation === "completeResourceTokenAuth").length
})

export const nothingAllowed = Effect.gen(function*() {
  assert.strictEqual(yield* completions, 0)
  const { grants } = yield* IdentityControls.IdentityControls
  assertEqual(yield* grants, [])
})

/** Ada has been asked, has begun in her browser and agreed at the provider; gives where she is sent back to. */
export const begun = (app: Application, options: Parameters<typeof asks>[2] = {}) =>
  Effect.gen(function*() {
    const { consent, link } = yield* asks(app, "ada", options)
    const ada = browser(app, "ada")
    const started = yield* ada.open(link)
    assert.strictEqual(started.status, 303)
    return { ada, consent, link, back: yield* agrees(consent.sessionUri) }
  })

export const withValue = (url: URL, name: string, value: string) => {
  const changed = new URL(url)
  changed.searchParams.set(name, value)
  return changed.href
}

/** A test of the application's pages. */
export const test = <E>(
  title: string,
  body: (app: Application) => Effect.Effect<unknown, E, Layer.Layer.Success<typeof layer>>
) => it.effect(title, () => application.pipe(Effect.flatMap(body), Effect.provide(layer)))
