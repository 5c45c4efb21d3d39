import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { IdentityApi } from "../../../IdentityApi.js"
import type { ValidationError } from "../../../IdentityError.js"
import type { operations } from "../../../PaymentProvider.js"
import { fieldError } from "../../model/validation.js"
import { providerArn } from "../state/arns.js"
import * as random from "../state/simulatedValues.js"
import type { OperationName, PaymentProvider } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import { page } from "./paging.js"
import { ensureAvailable, findProvider, jsonKey, secret, type SecretInput } from "./providers.js"
import * as tags from "./tags.js"

const created = (provider: PaymentProvider) => ({
  name: provider.name,
  credentialProviderVendor: provider.account.vendor,
  credentialProviderArn: provider.arn,
  providerConfigurationOutput: provider.config
})

const describe = (provider: PaymentProvider) => ({
  ...created(provider),
  createdTime: provider.createdTime,
  lastUpdatedTime: provider.lastUpdatedTime
})

type Configured = Pick<PaymentProvider, "account" | "config">

/** @internal */
export const make = (core: Store): Pick<IdentityApi["Type"], keyof typeof operations> => {
  const configured = (
    operation: OperationName,
    request: Parameters<IdentityApi["Type"]["updatePaymentCredentialProvider"]>[0],
    suffixes: { readonly first: string; readonly second: string }
  ): Either.Either<Configured, ValidationError> =>
    Either.gen(function*() {
      const { credentialProviderVendor: vendor, name, providerConfigurationInput: input } = request
      const keep = (
        suffix: string,
        path: string,
        member: string,
        given: Omit<SecretInput, "member" | "configMember">
      ) =>
        secret({ operation, settings: core.settings, kind: "payment", name, suffix }, {
          ...given,
          member: `providerConfigurationInput.${path}.${member}`,
          configMember: `providerConfigurationInput.${path}.${member}Config`
        })
      const expected = vendor === "CoinbaseCDP" ? "coinbaseCdpConfiguration" : "stripePrivyConfiguration"
      if (!(expected in input)) {
        return yield* Either.left(fieldError(operation, {
          name: "providerConfigurationInput",
          message: `Member must have exactly one of: [${expected}], which belongs to ${vendor}`
        }))
      }
      if ("coinbaseCdpConfiguration" in input) {
        const given = input.coinbaseCdpConfiguration
        const apiKeySecret = yield* keep(suffixes.first, "coinbaseCdpConfiguration", "apiKeySecret", {
          value: given.apiKeySecret,
          config: given.apiKeySecretConfig,
          source: given.apiKeySecretSource,
          required: true
        })
        const walletSecret = yield* keep(suffixes.second, "coinbaseCdpConfiguration", "walletSecret", {
          value: given.walletSecret,
          config: given.walletSecretConfig,
          source: given.walletSecretSource,
          required: false
        })
        return {
          account: { vendor: "CoinbaseCDP" as const, apiKeyId: given.apiKeyId, apiKeySecret, walletSecret },
          config: {
            coinbaseCdpConfiguration: {
              apiKeyId: given.apiKeyId,
              apiKeySecretArn: { secretArn: apiKeySecret.arn },
              apiKeySecretJsonKey: jsonKey(apiKeySecret),
              apiKeySecretSource: apiKeySecret.source,
              walletSecretArn: { secretArn: walletSecret.arn },
              walletSecretJsonKey: jsonKey(walletSecret),
              walletSecretSource: walletSecret.source
            }
          }
        }
      }
      const given = input.stripePrivyConfiguration
      const appSecret = yield* keep(suffixes.first, "stripePrivyConfiguration", "appSecret", {
        value: given.appSecret,
        config: given.appSecretConfig,
        source: given.appSecretSource,
        required: true
      })
      const privateKey = yield* keep(suffixes.second, "stripePrivyConfiguration", "authorizationPrivateKey", {
        value: given.authorizationPrivateKey,
        config: given.authorizationPrivateKeyConfig,
        source: given.authorizationPrivateKeySource,
        required: false
      })
      return {
        account: {
          vendor: "StripePrivy" as const,
          appId: given.appId,
          appSecret,
          authorizationPrivateKey: privateKey
        },
        config: {
          stripePrivyConfiguration: {
            appId: given.appId,
            appSecretArn: { secretArn: appSecret.arn },
            appSecretJsonKey: jsonKey(appSecret),
            appSecretSource: appSecret.source,
            authorizationPrivateKeyArn: { secretArn: privateKey.arn },
            authorizationPrivateKeyJsonKey: jsonKey(privateKey),
            authorizationPrivateKeySource: privateKey.source,
            authorizationId: given.authorizationId
          }
        }
      }
    })

  const suffixes = Effect.all({ first: random.base62(6), second: random.base62(6) })

  return {
    createPaymentCredentialProvider: Effect.fnUntraced(function*(request) {
      const operation = "CreatePaymentCredentialProvider"
      const { name } = request
      const ends = yield* suffixes
      return yield* core.decide((state, now) =>
        Either.gen(function*() {
          yield* ensureAvailable(core.settings, operation, "payment", state.paymentProviders, name)
          const arn = providerArn(core.settings, "payment", name)
          const configuration = yield* configured(operation, request, ends)
          const provider = { ...configuration, name, arn, createdTime: now, lastUpdatedTime: now }
          return result(created(provider), {
            ...state,
            paymentProviders: HashMap.set(state.paymentProviders, name, provider),
            tags: tags.set(state.tags, arn, request.tags)
          })
        })
      )
    }),

    getPaymentCredentialProvider: ({ name }) =>
      core.read((state) =>
        Either.map(
          findProvider("GetPaymentCredentialProvider", "payment", state.paymentProviders, name),
          (provider) => ({
            ...describe(provider),
            tags: Option.getOrUndefined(HashMap.get(state.tags, provider.arn))
          })
        )
      ),

    updatePaymentCredentialProvider: Effect.fnUntraced(function*(request) {
      const operation = "UpdatePaymentCredentialProvider"
      const ends = yield* suffixes
      return yield* core.decide((state, now) =>
        Either.gen(function*() {
          const stored = yield* findProvider(operation, "payment", state.paymentProviders, request.name)
          const provider = { ...stored, ...(yield* configured(operation, request, ends)), lastUpdatedTime: now }
          return result(describe(provider), {
            ...state,
            paymentProviders: HashMap.set(state.paymentProviders, request.name, provider)
          })
        })
      )
    }),

    deletePaymentCredentialProvider: ({ name }) =>
      core.decide((state) =>
        Either.map(
          findProvider("DeletePaymentCredentialProvider", "payment", state.paymentProviders, name),
          ({ arn }) =>
            result({}, {
              ...state,
              paymentProviders: HashMap.remove(state.paymentProviders, name),
              ...tags.forget(state, arn)
            })
        )
      ),

    listPaymentCredentialProviders: (request) =>
      core.read((state) =>
        Either.map(
          page("ListPaymentCredentialProviders", request, 20, state.paymentProviders),
          ({ items, nextToken }) => ({
            credentialProviders: items.map((provider) => ({
              name: provider.name,
              credentialProviderVendor: provider.account.vendor,
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
