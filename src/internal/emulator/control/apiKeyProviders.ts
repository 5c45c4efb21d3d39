import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import type { ApiKeyCredentialProvider, operations } from "../../../ApiKeyProvider.js"
import type { IdentityApi } from "../../../IdentityApi.js"
import { providerArn } from "../state/arns.js"
import * as random from "../state/simulatedValues.js"
import type { ApiKeyProvider, OperationName } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import { page } from "./paging.js"
import { ensureAvailable, findProvider, jsonKey, secret } from "./providers.js"
import * as tags from "./tags.js"

const created = (provider: ApiKeyProvider) => ({
  apiKeySecretArn: { secretArn: provider.apiKey.arn },
  apiKeySecretJsonKey: jsonKey(provider.apiKey),
  apiKeySecretSource: provider.apiKey.source,
  name: provider.name,
  credentialProviderArn: provider.arn
})

const describe = (provider: ApiKeyProvider): ApiKeyCredentialProvider => ({
  ...created(provider),
  createdTime: provider.createdTime,
  lastUpdatedTime: provider.lastUpdatedTime
})

/** @internal */
export const make = (core: Store): Pick<IdentityApi["Type"], keyof typeof operations> => {
  const apiKey = (
    operation: OperationName,
    request: Parameters<IdentityApi["Type"]["updateApiKeyCredentialProvider"]>[0],
    suffix: string
  ) =>
    secret({ operation, settings: core.settings, kind: "apikey", name: request.name, suffix }, {
      member: "apiKey",
      configMember: "apiKeySecretConfig",
      value: request.apiKey,
      config: request.apiKeySecretConfig,
      source: request.apiKeySecretSource,
      required: true
    })

  return {
    createApiKeyCredentialProvider: Effect.fnUntraced(function*(request) {
      const operation = "CreateApiKeyCredentialProvider"
      const { name } = request
      const suffix = yield* random.base62(6)
      return yield* core.decide((state, now) =>
        Either.gen(function*() {
          yield* ensureAvailable(core.settings, operation, "apikey", state.apiKeyProviders, name)
          const arn = providerArn(core.settings, "apikey", name)
          const key = yield* apiKey(operation, request, suffix)
          const provider = { name, arn, apiKey: key, createdTime: now, lastUpdatedTime: now }
          return result(created(provider), {
            ...state,
            apiKeyProviders: HashMap.set(state.apiKeyProviders, name, provider),
            tags: tags.set(state.tags, arn, request.tags)
          })
        })
      )
    }),

    getApiKeyCredentialProvider: ({ name }) =>
      core.read((state) =>
        Either.map(findProvider("GetApiKeyCredentialProvider", "apikey", state.apiKeyProviders, name), describe)
      ),

    updateApiKeyCredentialProvider: Effect.fnUntraced(function*(request) {
      const operation = "UpdateApiKeyCredentialProvider"
      const suffix = yield* random.base62(6)
      return yield* core.decide((state, now) =>
        Either.gen(function*() {
          const stored = yield* findProvider(operation, "apikey", state.apiKeyProviders, request.name)
          const provider = { ...stored, apiKey: yield* apiKey(operation, request, suffix), lastUpdatedTime: now }
          return result(describe(provider), {
            ...state,
            apiKeyProviders: HashMap.set(state.apiKeyProviders, request.name, provider)
          })
        })
      )
    }),

    deleteApiKeyCredentialProvider: ({ name }) =>
      core.decide((state) =>
        Either.map(
          findProvider("DeleteApiKeyCredentialProvider", "apikey", state.apiKeyProviders, name),
          ({ arn }) =>
            result({}, {
              ...state,
              apiKeyProviders: HashMap.remove(state.apiKeyProviders, name),
              ...tags.forget(state, arn)
            })
        )
      ),

    listApiKeyCredentialProviders: (request) =>
      core.read((state) =>
        Either.map(
          page("ListApiKeyCredentialProviders", request, 100, state.apiKeyProviders),
          ({ items, nextToken }) => ({
            credentialProviders: items.map((provider) => ({
              name: provider.name,
              credentialProviderArn: provider.arn,
              createdTime: provider.createdTime,
              lastUpdatedTime: provider.lastUpdatedTime
            })),
            nextToken
          })
        )
      )
  }
}
