import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import type { IdentityApi } from "../../../IdentityApi.js"
import type { Oauth2CredentialProvider, operations } from "../../../Oauth2Provider.js"
import { callbackUrl, providerArn } from "../state/arns.js"
import * as choices from "../state/assumptions.js"
import * as random from "../state/simulatedValues.js"
import type { Oauth2Provider, OperationName, State } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import { page } from "./paging.js"
import { ensureAvailable, findProvider, jsonKey, secret } from "./providers.js"
import * as tags from "./tags.js"
import { configure } from "./vendorConfigs.js"

const created = (provider: Oauth2Provider) =>
  ({
    clientSecretArn: { secretArn: provider.clientSecret.arn },
    clientSecretJsonKey: jsonKey(provider.clientSecret),
    clientSecretSource: provider.clientSecret.source,
    name: provider.name,
    credentialProviderArn: provider.arn,
    callbackUrl: provider.callbackUrl,
    oauth2ProviderConfigOutput: provider.config,
    status: "READY"
  }) satisfies Partial<Oauth2CredentialProvider>

const describe = (provider: Oauth2Provider) =>
  ({
    ...created(provider),
    credentialProviderVendor: provider.vendor,
    createdTime: provider.createdTime,
    lastUpdatedTime: provider.lastUpdatedTime
  }) satisfies Oauth2CredentialProvider

/** @internal */
export const findOauth2Provider = (operation: OperationName, state: State, name: string) =>
  findProvider(operation, "oauth2", state.oauth2Providers, name)

/** @internal */
export const make = (core: Store): Pick<IdentityApi["Type"], keyof typeof operations> => {
  const configured = (
    operation: OperationName,
    request: Parameters<IdentityApi["Type"]["updateOauth2CredentialProvider"]>[0],
    suffix: string
  ) =>
    Either.gen(function*() {
      const { credentialProviderVendor: vendor, name, oauth2ProviderConfigInput } = request
      const { clientSecret, config, onBehalfOf } = yield* configure(operation, vendor, oauth2ProviderConfigInput)
      const owner = { operation, settings: core.settings, kind: "oauth2", name, suffix } as const
      return { vendor, config, onBehalfOf, clientSecret: yield* secret(owner, clientSecret) }
    })

  return {
    createOauth2CredentialProvider: Effect.fnUntraced(function*(request) {
      const operation = "CreateOauth2CredentialProvider"
      const { name } = request
      const arn = providerArn(core.settings, "oauth2", name)
      const callbackId = yield* choices.callbackId(arn)
      const suffix = yield* random.base62(6)
      return yield* core.decide((state, now) =>
        Either.gen(function*() {
          yield* ensureAvailable(core.settings, operation, "oauth2", state.oauth2Providers, name)
          const provider = {
            ...(yield* configured(operation, request, suffix)),
            name,
            arn,
            callbackUrl: callbackUrl(core.settings, callbackId),
            createdTime: now,
            lastUpdatedTime: now
          }
          return result(created(provider), {
            ...state,
            oauth2Providers: HashMap.set(state.oauth2Providers, name, provider),
            tags: tags.set(state.tags, provider.arn, request.tags)
          })
        })
      )
    }),

    getOauth2CredentialProvider: ({ name }) =>
      core.read((state) => Either.map(findOauth2Provider("GetOauth2CredentialProvider", state, name), describe)),

    updateOauth2CredentialProvider: Effect.fnUntraced(function*(request) {
      const operation = "UpdateOauth2CredentialProvider"
      const suffix = yield* random.base62(6)
      return yield* core.decide((state, now) =>
        Either.gen(function*() {
          const stored = yield* findOauth2Provider(operation, state, request.name)
          const provider = {
            ...stored,
            ...(yield* configured(operation, request, suffix)),
            lastUpdatedTime: now
          }
          return result(describe(provider), {
            ...choices.afterUpdate(state, stored, provider),
            oauth2Providers: HashMap.set(state.oauth2Providers, request.name, provider)
          })
        })
      )
    }),

    deleteOauth2CredentialProvider: ({ name }) =>
      core.decide((state) =>
        Either.map(findOauth2Provider("DeleteOauth2CredentialProvider", state, name), ({ arn }) =>
          result({}, {
            ...choices.withoutTokens(state, name),
            oauth2Providers: HashMap.remove(state.oauth2Providers, name),
            ...tags.forget(state, arn)
          }))
      ),

    listOauth2CredentialProviders: (request) =>
      core.read((state) =>
        Either.map(
          page("ListOauth2CredentialProviders", request, 20, state.oauth2Providers),
          ({ items, nextToken }) => ({
            credentialProviders: items.map((provider) => ({
              name: provider.name,
              credentialProviderVendor: provider.vendor,
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
