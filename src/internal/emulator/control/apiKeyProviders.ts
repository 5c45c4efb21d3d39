/** API key credential providers. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { operations } from "../../../ApiKeyProvider.js"
import type { IdentityApi, Request } from "../../../IdentityApi.js"
import type { Resource } from "../state/state.js"
import type { Store } from "../state/store.js"
import * as providers from "./providers.js"

const apiKeyOf = (request: Request<"updateApiKeyCredentialProvider">): providers.SecretInput => ({
  member: "apiKey",
  configMember: "apiKeySecretConfig",
  value: request.apiKey,
  config: request.apiKeySecretConfig,
  source: request.apiKeySecretSource,
  required: true
})

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => {
  const { create, delete: remove, get, list, update } = providers.make(store, {
    kind: "apikey",
    maxResults: 100,
    read: (state) => state.apiKeyProviders,
    write: (state, apiKeyProviders) => ({ ...state, apiKeyProviders }),
    fixed: () => Effect.succeed({}),
    configure: (owner, request: Request<"updateApiKeyCredentialProvider">, base: Resource) =>
      Either.map(providers.secret(owner, apiKeyOf(request)), (apiKey) => ({ ...base, apiKey })),
    view: ({ apiKey }) => ({
      apiKeySecretArn: { secretArn: apiKey.arn },
      apiKeySecretJsonKey: providers.jsonKey(apiKey),
      apiKeySecretSource: apiKey.source
    }),
    vendor: () => ({})
  })
  return {
    createApiKeyCredentialProvider: create("CreateApiKeyCredentialProvider"),
    getApiKeyCredentialProvider: get("GetApiKeyCredentialProvider"),
    updateApiKeyCredentialProvider: update("UpdateApiKeyCredentialProvider"),
    deleteApiKeyCredentialProvider: remove("DeleteApiKeyCredentialProvider"),
    listApiKeyCredentialProviders: list("ListApiKeyCredentialProviders")
  }
}
