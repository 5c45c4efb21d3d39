import { Effect, Redacted } from "effect"
import * as IdentityApi from "../../src/IdentityApi.js"
import * as IdentityService from "../../src/IdentityService.js"
import { callbackUrl, workloadName } from "./agent.js"
import { origin } from "./server.js"

/** A client that keeps cookies like a browser and does not follow redirects. */
export class Jar {
  #cookie = ""
  readonly #origin: string
  constructor(origin: string) {
    this.#origin = origin
  }
  async request(path: string, init: RequestInit = {}) {
    const response = await fetch(new URL(path, this.#origin), {
      redirect: "manual",
      ...init,
      headers: { cookie: this.#cookie, ...init.headers }
    })
    this.#cookie = response.headers.get("set-cookie")?.split(";")[0] ?? this.#cookie
    return { url: response.url, status: response.status, headers: response.headers, text: await response.text() }
  }
  get(path: string) {
    return Effect.promise(() => this.request(path))
  }
  form(path: string, fields: Record<string, string> | string, headers: Record<string, string> = {}) {
    return Effect.promise(() => this.request(path, { method: "POST", body: new URLSearchParams(fields), headers }))
  }
  json(path: string, body: unknown, headers: Record<string, string> = { "content-type": "application/json" }) {
    return Effect.promise(() => this.request(path, { method: "POST", body: JSON.stringify(body), headers })).pipe(
      Effect.map((response) => ({ ...response, json: JSON.parse(response.text) }))
    )
  }
}

export const jar = Effect.map(origin, (origin) => new Jar(origin))

export const tokenOf = (text: string) => /name="token" value="([\w-]{43})"/.exec(text)?.[1] ?? "none"

/** Requests consent from a user. Returns the path of the page and the session. */
export const ask = (providerName = "github", scopes = ["repo"], userId = "ada") =>
  Effect.gen(function*() {
    const api = yield* IdentityApi.IdentityApi
    const identity = yield* IdentityService.IdentityService
    const token = yield* identity.getWorkloadAccessToken({ workloadName, userId })
    const reply = yield* api.getResourceOauth2Token({
      workloadIdentityToken: token,
      resourceCredentialProviderName: providerName,
      scopes,
      oauth2Flow: "USER_FEDERATION",
      resourceOauth2ReturnUrl: callbackUrl,
      customState: Redacted.make("their state")
    })
    const uri = Redacted.value(reply.sessionUri ?? Redacted.make(""))
    return { uri, path: `/identities/oauth2/authorize?request_uri=${encodeURIComponent(uri)}` }
  })
