import { Config, Effect, Option, Redacted } from "effect"
import { IdentityService } from "effect-agentcore-identity"

/** The authorization server to use on AWS; the embedded service invents one. */
const server = Config.all({
  discoveryUrl: Config.string("DEMO_DISCOVERY_URL").pipe(
    Config.withDefault("https://issuer.example/.well-known/openid-configuration")
  ),
  clientId: Config.string("DEMO_CLIENT_ID").pipe(Config.withDefault("demo")),
  clientSecret: Config.redacted("DEMO_CLIENT_SECRET").pipe(Config.withDefault(Redacted.make("demo"))),
  scopes: Config.array(Config.string(), "DEMO_SCOPES").pipe(Config.withDefault(["read"]))
})

/** A workload identity and three providers, which go when the scope closes. */
export const create = (options: { readonly callbackUrl: string }) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { clientId, clientSecret, discoveryUrl, scopes } = yield* server
    const { name: workloadName } = yield* Effect.acquireRelease(
      identity.createWorkloadIdentity({ allowedResourceOauth2ReturnUrls: [options.callbackUrl] }),
      ({ name }) => Effect.ignoreLogged(identity.deleteWorkloadIdentity({ name }))
    )
    const oauth2 = (kind: string) =>
      Effect.acquireRelease(
        identity.createOauth2CredentialProvider({
          name: `${workloadName}-${kind}`,
          credentialProviderVendor: "CustomOauth2",
          oauth2ProviderConfigInput: {
            customOauth2ProviderConfig: { clientId, clientSecret, oauthDiscovery: { discoveryUrl } }
          }
        }),
        ({ name }) => Effect.ignoreLogged(identity.deleteOauth2CredentialProvider({ name }))
      )
    const machine = yield* oauth2("machine")
    const user = yield* oauth2("user")
    const apiKey = yield* Effect.acquireRelease(
      identity.createApiKeyCredentialProvider({
        name: `${workloadName}-weather`,
        apiKey: Redacted.make("a-key-for-the-weather")
      }),
      ({ name }) => Effect.ignoreLogged(identity.deleteApiKeyCredentialProvider({ name }))
    )
    return {
      workloadName,
      machine: { providerName: machine.name, scopes },
      user: { providerName: user.name, scopes, redirectUri: Option.fromNullable(user.callbackUrl) },
      apiKey: apiKey.name
    }
  })
