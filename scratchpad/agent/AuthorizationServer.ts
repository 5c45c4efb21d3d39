/**
 * An OAuth 2.0 and OpenID Connect server on this machine (`oidc-provider`), with PKCE (by default), rotating refresh tokens, access
 * tokens that are JWTs, and one page where a user signs in and approves or denies.
 */
import { Effect } from "effect"
import * as jose from "jose"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type Adapter, type AdapterPayload, type ClientMetadata, type Configuration, Provider } from "oidc-provider"

export interface Client {
  readonly clientId: string
  readonly clientSecret?: string
  /** `client_secret_basic` unless given. */
  readonly method?: "client_secret_basic" | "client_secret_post" | "private_key_jwt"
  readonly jwks?: { readonly keys: ReadonlyArray<jose.JWK> }
  readonly redirectUris?: ReadonlyArray<string>
  /** Besides client credentials and, with a redirect URI, authorization codes. */
  readonly grantTypes?: ReadonlyArray<string>
}

export interface Options {
  /** 3600 unless given. */
  readonly accessTokenSeconds?: number
  /** Key that signs its tokens (RS256); defaults to a new key. */
  readonly key?: jose.JWK
  /** `true` unless given. */
  readonly isPkceRequired?: boolean
  readonly middleware?: Parameters<Provider["use"]>[0]
  readonly extend?: (provider: Provider, key: jose.JWK) => void
}

export interface AuthorizationServer {
  readonly issuer: string
  readonly discoveryUrl: string
  readonly provider: Provider
  /** The key that signs its tokens. */
  readonly key: jose.JWK
  /** Registers a client, or replaces it, since redirect URIs are known late. */
  readonly register: (client: Client) => void
  /** The claims of a token that this server has signed, for this audience. */
  readonly verify: (token: string, audience: string) => Effect.Effect<jose.JWTPayload>
}

/** Without a `resource` a token is for this one. */
export const api = "https://api.example"

const scopes = ["openid", "offline_access", "repo", "reports", "read", "write", "admin", "mail", "profile"]

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const form = (uid: string, client: string, asked: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title><main><h1>Sign in</h1>
<p>${escaped(client)} asks for: ${escaped(asked)}</p>
<form method="post" action="/interaction/${uid}"><label>Name <input name="user" required></label>
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny" formnovalidate>Deny</button></form></main></html>`

const textOf = async (request: AsyncIterable<Buffer>) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const interaction = (provider: Provider) => async (request: IncomingMessage, response: ServerResponse) => {
  const { params, uid } = await provider.interactionDetails(request, response)
  if (request.method !== "POST") {
    response.setHeader("content-type", "text/html; charset=utf-8")
    response.end(form(uid, String(params["client_id"]), String(params["scope"] ?? "nothing in particular")))
    return
  }
  const answer = new URLSearchParams(await textOf(request))
  await provider.interactionFinished(
    request,
    response,
    answer.get("decision") === "allow"
      ? { login: { accountId: answer.get("user") ?? "nobody" }, consent: {} }
      : { error: "access_denied", error_description: "the user denied the consent" }
  )
}

/** In memory. Clients are looked up each time, so that they can be registered at any. */
const adapterOf = (clients: Map<string, ClientMetadata>) => {
  const entries = new Map<string, AdapterPayload>()
  return (model: string): Adapter => {
    const key = (id: string) => `${model} ${id}`
    const some = (fits: (payload: AdapterPayload) => boolean) =>
      [...entries].find(([name, payload]) => name.startsWith(`${model} `) && fits(payload))?.[1]
    return {
      upsert: async (id, payload) => void entries.set(key(id), payload),
      find: async (id) => model === "Client" ? clients.get(id) : entries.get(key(id)),
      findByUid: async (uid) => some((payload) => payload.uid === uid),
      findByUserCode: async (code) => some((payload) => payload.userCode === code),
      consume: async (id) => {
        const payload = entries.get(key(id))
        if (payload !== undefined) payload.consumed = true
      },
      destroy: async (id) => void entries.delete(key(id)),
      revokeByGrantId: async (grantId) => {
        for (const [name, payload] of entries) {
          if (payload.grantId === grantId) entries.delete(name)
        }
      }
    }
  }
}

const configuration = (
  clients: Map<string, ClientMetadata>,
  key: jose.JWK,
  { accessTokenSeconds = 3600, isPkceRequired = true }: Options
): Configuration => ({
  adapter: adapterOf(clients),
  jwks: { keys: [key] },
  scopes,
  clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
  enabledJWA: {
    clientAuthSigningAlgValues: ["RS256", "PS256", "ES256"]
  },
  cookies: { keys: ["only for this process"] },
  pkce: { methods: ["S256"], required: () => isPkceRequired },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => api,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, audience) => ({
        scope: scopes.join(" "),
        audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: accessTokenSeconds,
        jwt: { sign: { alg: "RS256" } }
      })
    }
  },
  ttl: {
    AuthorizationCode: 60,
    AccessToken: accessTokenSeconds,
    RefreshToken: 86_400,
    Session: 3600,
    Grant: 86_400,
    Interaction: 600,
    IdToken: 3600,
    ClientCredentials: accessTokenSeconds
  },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  // A user who has approved has approved all scopes.
  loadExistingGrant: async (ctx) => {
    const { client, params, session } = ctx.oidc
    if (client === undefined || session?.accountId === undefined) return undefined
    const grant = new ctx.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId })
    const asked = String(params?.["scope"] ?? "")
    grant.addOIDCScope(asked)
    const resources = params?.["resource"]
    for (const resource of Array.isArray(resources) ? resources : [resources ?? api]) {
      grant.addResourceScope(String(resource), asked)
    }
    await grant.save()
    return grant
  }
})

const metadata = (
  { clientId, clientSecret, grantTypes = [], jwks, method = "client_secret_basic", redirectUris = [] }: Client
): ClientMetadata => ({
  client_id: clientId,
  ...(clientSecret !== undefined && { client_secret: clientSecret }),
  ...(jwks !== undefined && { jwks: { keys: jwks.keys.map((key) => ({ ...key })) } }),
  token_endpoint_auth_method: method,
  redirect_uris: [...redirectUris],
  response_types: redirectUris.length === 0 ? [] : ["code"],
  grant_types: [
    "client_credentials",
    ...grantTypes,
    ...(redirectUris.length === 0 ? [] : ["authorization_code", "refresh_token"])
  ]
})

export const makeKey = async (): Promise<jose.JWK> => {
  const { privateKey } = await jose.generateKeyPair("RS256", { extractable: true })
  return { ...await jose.exportJWK(privateKey), alg: "RS256", use: "sig", kid: "one" }
}

/** Serves until the scope is closed. */
export const make = (options: Options = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const key = options.key ?? await makeKey()
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const issuer = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      const clients = new Map<string, ClientMetadata>()
      const provider = new Provider(issuer, configuration(clients, key, options))
      if (options.middleware !== undefined) provider.use(options.middleware)
      options.extend?.(provider, key)
      const asked = interaction(provider)
      const others = provider.callback()
      server.on("request", (request, response) =>
        request.url?.startsWith("/interaction/") === true
          ? asked(request, response).catch(() => response.writeHead(400).end("This page has expired: start again."))
          : others(request, response))
      const { d: _d, dp: _dp, dq: _dq, p: _p, q: _q, qi: _qi, ...publicKey } = key
      const keys = jose.createLocalJWKSet({ keys: [publicKey] })
      return {
        server,
        issuer,
        discoveryUrl: `${issuer}/.well-known/openid-configuration`,
        provider,
        key,
        register: (client: Client) => void clients.set(client.clientId, metadata(client)),
        verify: (token: string, audience: string) =>
          Effect.promise(() => jose.jwtVerify(token, keys, { issuer, audience })).pipe(
            Effect.map(({ payload }) => payload)
          )
      }
    }),
    ({ server }) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
