import { Effect, Redacted } from "effect"
import { IdentityService } from "effect-agentcore-identity"
import { Authorization } from "./Authorization.js"

/** Creates a workload identity and three providers, and deletes them when the scope closes. */
export const create = (options: { readonly callbackUrl: string }) =>
  Effect.gen(function*() {
    const identity = yield* IdentityService.IdentityService
    const { allow, clientId, clientSecret, discoveryUrl, scopes } = yield* Authorization
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
    yield* allow(user.callbackUrl === undefined ? [] : [user.callbackUrl])
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
      user: { providerName: user.name, scopes },
      apiKey: apiKey.name
    }
  })
