/** The embedded authorization server with test support: token exchange, faults, a request log and a user. */
import { Effect, Redacted, type Scope } from "effect"
import * as jose from "jose"
import { setTimeout as delay } from "node:timers/promises"
import type { Provider } from "oidc-provider"
import * as AuthorizationServer from "../../scratchpad/agent/AuthorizationServer.js"

export interface TokenRequest {
  readonly grantType: string
  readonly parameters: URLSearchParams
  readonly authorization: string | undefined
  readonly status: number
}

type Fault = "lost request" | "lost answer" | { readonly millis: number } | {
  readonly status: number
  readonly body: string
}

type Context = Parameters<Parameters<Provider["registerGrantType"]>[1]>[0]

const exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
const bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

const given = (ctx: Context, name: string): string | undefined => {
  const value: unknown = ctx.oidc.params?.[name]
  return typeof value === "string" ? value : undefined
}

/** Grants of RFC 8693 and RFC 7523 for JWTs that this server has signed. */
const exchanges = (provider: Provider, key: jose.JWK, isTrusting: boolean) => {
  const answer = async (ctx: Context, subjectToken: string | undefined, issuedType?: string) => {
    const jwks = await fetch(`${provider.issuer}/jwks`).then((response) => response.json())
    const keys = jose.createLocalJWKSet(jwks)
    const verified = async (token: string) =>
      isTrusting ? { payload: jose.decodeJwt(token) } : jose.jwtVerify(token, keys, { issuer: provider.issuer })
    try {
      const { payload } = await verified(subjectToken ?? "")
      const actorToken = given(ctx, "actor_token")
      const actor = actorToken === undefined ? undefined : (await verified(actorToken)).payload
      const token = await new jose.SignJWT({
        scope: given(ctx, "scope") ?? "",
        client_id: ctx.oidc.client?.clientId,
        subject_token_type: given(ctx, "subject_token_type"),
        requested_token_use: given(ctx, "requested_token_use"),
        ...(actor !== undefined && { act: { sub: actor.sub } })
      })
        .setProtectedHeader({ alg: "RS256", kid: "one" })
        .setIssuer(provider.issuer)
        .setSubject(payload.sub ?? "")
        .setAudience(given(ctx, "audience") ?? given(ctx, "resource") ?? AuthorizationServer.api)
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(await jose.importJWK(key, "RS256"))
      ctx.body = {
        access_token: token,
        token_type: "Bearer",
        expires_in: 3600,
        ...(issuedType !== undefined && { issued_token_type: issuedType })
      }
    } catch {
      ctx.status = 400
      // A server that echoes its request.
      ctx.body = { error: "invalid_grant", error_description: `not ours, or over: ${subjectToken}` }
    }
  }
  const common = ["audience", "resource", "scope"]
  provider.registerGrantType(
    exchange,
    async (ctx, next) => {
      await answer(ctx, given(ctx, "subject_token"), "urn:ietf:params:oauth:token-type:access_token")
      await next()
    },
    ["subject_token", "subject_token_type", "actor_token", "actor_token_type", ...common]
  )
  provider.registerGrantType(
    bearer,
    async (ctx, next) => {
      await answer(ctx, given(ctx, "assertion"))
      await next()
    },
    ["assertion", "requested_token_use", ...common]
  )
}

/** A headless browser that follows redirects until it leaves this origin. */
const walk = async (issuer: string, url: string, user: string, decision: "allow" | "deny") => {
  const cookies = new Map<string, string>()
  const go = async (to: string, init: RequestInit = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const response = await fetch(to, { redirect: "manual", ...init, headers: { cookie, ...init.headers } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return response
  }
  let at = url
  for (let steps = 0; steps < 10; steps++) {
    const response = await go(at)
    const next = response.headers.get("location")
    if (next === null) {
      const page = await response.text()
      const action = /action="([^"]+)"/.exec(page)?.[1]
      if (action === undefined) throw new Error(`nothing to answer at ${at}: ${response.status} ${page}`)
      const answered = await go(new URL(action, at).href, {
        method: "POST",
        body: new URLSearchParams({ user, decision })
      })
      at = new URL(answered.headers.get("location") ?? "", at).href
    } else {
      at = new URL(next, at).href
    }
    if (!at.startsWith(issuer)) return at
  }
  throw new Error("the browser goes round in circles")
}

export interface Vendor extends AuthorizationServer.AuthorizationServer {
  /** Requests that the token endpoint received. */
  readonly requests: (grantType?: string) => ReadonlyArray<TokenRequest>
  /** Adds a fault for the next request to `path`, by default the token endpoint. */
  readonly failNext: (fault: Fault, path?: string) => void
  /** The URL that the user's browser is redirected to. */
  readonly walk: (url: string, user?: string, decision?: "allow" | "deny") => Effect.Effect<URL>
  /** A JWT that this server has signed for a user, or a forged one. */
  readonly userToken: (claims: {
    readonly sub: string
    readonly aud?: string
    /** Replaces `aud`, as in access tokens of Amazon Cognito. */
    readonly clientId?: string
    readonly expiresIn?: number
    readonly isForged?: boolean
  }) => Effect.Effect<Redacted.Redacted>
  /** Revokes all grants. */
  readonly revokeAll: Effect.Effect<void>
}

/** Memoizes the key, because its generation is slow. */
const once = <A>(make: () => Promise<A>) => {
  let made: Promise<A> | undefined
  return () => made ??= make()
}

const own = once(AuthorizationServer.makeKey)

const foreign = once(AuthorizationServer.makeKey)

export interface Options extends AuthorizationServer.Options {
  /** Accepts a JWT of any signer for exchange. */
  readonly isTrusting?: boolean
  /** Deviations from the standard. */
  readonly dialect?: NonNullable<AuthorizationServer.Options["middleware"]>
}

export const make = (
  { dialect = (_, next) => next(), isTrusting = false, ...options }: Options = {}
): Effect.Effect<Vendor, never, Scope.Scope> =>
  Effect.gen(function*() {
    const requests: Array<TokenRequest> = []
    const faults: Array<{ readonly path: string; readonly fault: Fault }> = []
    const grantIds = new Set<string>()
    const server = yield* AuthorizationServer.make({
      key: yield* Effect.promise(own),
      ...options,
      extend: (provider, key) => {
        exchanges(provider, key, isTrusting)
        provider.on("grant.success", ({ oidc }) => {
          const grantId = oidc.entities.RefreshToken?.grantId
          if (grantId !== undefined) grantIds.add(grantId)
        })
      },
      middleware: async (ctx, next) => {
        const index = faults.findIndex(({ path }) => path === ctx.path)
        const [found] = index < 0 ? [] : faults.splice(index, 1)
        const fault = found?.fault
        if (fault === "lost request") {
          ctx.respond = false
          return void ctx.req.socket.destroy()
        }
        if (typeof fault === "object" && "status" in fault) {
          ctx.status = fault.status
          ctx.type = "application/json"
          ctx.body = fault.body
          return
        }
        if (typeof fault === "object") await delay(fault.millis)
        await dialect(ctx, next)
        if (ctx.path === "/token") {
          const body: Record<string, string | ReadonlyArray<string>> = ctx.oidc?.body ?? {}
          const parameters = new URLSearchParams(
            Object.entries(body).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
          )
          requests.push({
            grantType: parameters.get("grant_type") ?? "",
            parameters,
            authorization: ctx.get("authorization") || undefined,
            status: ctx.status
          })
        }
        if (fault === "lost answer") {
          ctx.respond = false
          ctx.req.socket.destroy()
        }
      }
    })
    return {
      ...server,
      register: (client) => server.register({ grantTypes: [exchange, bearer], ...client }),
      requests: (grantType) => requests.filter((request) => grantType === undefined || request.grantType === grantType),
      failNext: (fault, path = "/token") => void faults.push({ path, fault }),
      walk: (url, user = "ada", decision = "allow") =>
        Effect.promise(async () => new URL(await walk(server.issuer, url, user, decision))),
      userToken: ({ aud = "the agent", clientId, expiresIn = 3600, isForged = false, sub }) =>
        Effect.promise(async () => {
          const key = await jose.importJWK(isForged ? await foreign() : server.key, "RS256")
          return Redacted.make(
            await new jose.SignJWT(clientId === undefined ? { aud } : { client_id: clientId, token_use: "access" })
              .setProtectedHeader({ alg: "RS256", kid: "one" })
              .setIssuer(server.issuer)
              .setSubject(sub)
              .setIssuedAt()
              .setExpirationTime(`${expiresIn} seconds`)
              .sign(key)
          )
        }),
      revokeAll: Effect.promise(async () => {
        for (const grantId of grantIds) {
          await server.provider.RefreshToken.revokeByGrantId(grantId)
          await server.provider.AccessToken.revokeByGrantId(grantId)
        }
      })
    }
  })
