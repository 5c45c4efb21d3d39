import { Config, Context, Effect, Layer, Redacted } from "effect"
import * as jose from "jose"
import * as AuthorizationServer from "./AuthorizationServer.js"

/** Authorization server of the providers. */
export class Authorization extends Context.Tag("scratchpad/Authorization")<Authorization, {
  readonly discoveryUrl: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
  readonly scopes: ReadonlyArray<string>
  /** Registers the redirect URIs of the client. */
  readonly allow: (redirectUris: ReadonlyArray<string>) => Effect.Effect<void>
  /** Verifies a token as a resource does: returns a description, or fails with the reason. */
  readonly verify: (token: string) => Effect.Effect<string, string>
}>() {}

const clientId = "demo"

/** Your own authorization server. Register the callback URLs of the providers there. */
export const layerLive = Layer.effect(
  Authorization,
  Effect.map(
    Config.all({
      discoveryUrl: Config.string("DEMO_DISCOVERY_URL"),
      clientId: Config.string("DEMO_CLIENT_ID"),
      clientSecret: Config.redacted(Config.string("DEMO_CLIENT_SECRET")),
      scopes: Config.array(Config.string(), "DEMO_SCOPES").pipe(Config.withDefault(["read"]))
    }),
    (settings) => ({
      ...settings,
      allow: () => Effect.void,
      verify: (token) => Effect.succeed(`a bearer token of ${token.length} characters, unverified`)
    })
  )
)

/** An authorization server on this machine. The resource reads its keys. */
export const layerEmbedded = Layer.scoped(
  Authorization,
  Effect.gen(function*() {
    const server = yield* AuthorizationServer.make()
    const clientSecret = "a-secret-of-the-demo"
    const scopes = ["read"]
    const keys = jose.createRemoteJWKSet(new URL(`${server.issuer}/jwks`))
    const allow = (redirectUris: ReadonlyArray<string>) =>
      Effect.sync(() => server.register({ clientId, clientSecret, redirectUris }))
    yield* allow([])
    return {
      discoveryUrl: server.discoveryUrl,
      clientId,
      clientSecret: Redacted.make(clientSecret),
      scopes,
      allow,
      verify: (token) =>
        Effect.tryPromise({
          try: () => jose.jwtVerify(token, keys, { issuer: server.issuer, audience: AuthorizationServer.api }),
          catch: (error) => error instanceof jose.errors.JOSEError ? error.code : "no token"
        }).pipe(
          Effect.filterOrFail(
            ({ payload }) => scopes.every((scope) => String(payload["scope"]).split(" ").includes(scope)),
            () => "the scope is not sufficient"
          ),
          Effect.map(({ payload }) => `a token of ${payload.sub}, for ${payload.aud}, to ${payload["scope"]}`)
        )
    }
  })
)
