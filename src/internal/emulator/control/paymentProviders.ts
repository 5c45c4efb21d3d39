/** Payment credential providers. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { IdentityApi, Request } from "../../../IdentityApi.js"
import type { ValidationError } from "../../../IdentityError.js"
import type { operations } from "../../../PaymentProvider.js"
import { fieldError } from "../../model/validation.js"
import type { PaymentProvider, Resource } from "../state/state.js"
import type { Store } from "../state/store.js"
import * as Table from "../state/table.js"
import * as providers from "./providers.js"

type Configured = Pick<PaymentProvider, "account" | "config">

const configure = (
  owner: providers.SecretOwner,
  { credentialProviderVendor: vendor, providerConfigurationInput: input }: Request<"updatePaymentCredentialProvider">
): Either.Either<Configured, ValidationError> =>
  Either.gen(function*() {
    const expected = vendor === "CoinbaseCDP" ? "coinbaseCdpConfiguration" : "stripePrivyConfiguration"
    const secret = (member: string, index: 0 | 1, given: Pick<providers.SecretInput, "value" | "config" | "source">) =>
      providers.secret(owner, {
        ...given,
        member: `providerConfigurationInput.${expected}.${member}`,
        configMember: `providerConfigurationInput.${expected}.${member}Config`,
        required: index === 0
      }, index)
    if (!(expected in input)) {
      return yield* Either.left(fieldError(owner.operation, {
        name: "providerConfigurationInput",
        message: `Member must have exactly one of: [${expected}], which belongs to ${vendor}`
      }))
    }
    if ("coinbaseCdpConfiguration" in input) {
      const given = input.coinbaseCdpConfiguration
      const { apiKeyId } = given
      const apiKeySecret = yield* secret("apiKeySecret", 0, {
        value: given.apiKeySecret,
        config: given.apiKeySecretConfig,
        source: given.apiKeySecretSource
      })
      const walletSecret = yield* secret("walletSecret", 1, {
        value: given.walletSecret,
        config: given.walletSecretConfig,
        source: given.walletSecretSource
      })
      return {
        account: { vendor: "CoinbaseCDP" as const, apiKeyId, apiKeySecret, walletSecret },
        config: {
          coinbaseCdpConfiguration: {
            apiKeyId,
            apiKeySecretArn: { secretArn: apiKeySecret.arn },
            apiKeySecretJsonKey: providers.jsonKey(apiKeySecret),
            apiKeySecretSource: apiKeySecret.source,
            walletSecretArn: { secretArn: walletSecret.arn },
            walletSecretJsonKey: providers.jsonKey(walletSecret),
            walletSecretSource: walletSecret.source
          }
        }
      }
    }
    const given = input.stripePrivyConfiguration
    const { appId, authorizationId } = given
    const appSecret = yield* secret("appSecret", 0, {
      value: given.appSecret,
      config: given.appSecretConfig,
      source: given.appSecretSource
    })
    const authorizationPrivateKey = yield* secret("authorizationPrivateKey", 1, {
      value: given.authorizationPrivateKey,
      config: given.authorizationPrivateKeyConfig,
      source: given.authorizationPrivateKeySource
    })
    return {
      account: { vendor: "StripePrivy" as const, appId, appSecret, authorizationPrivateKey },
      config: {
        stripePrivyConfiguration: {
          appId,
          appSecretArn: { secretArn: appSecret.arn },
          appSecretJsonKey: providers.jsonKey(appSecret),
          appSecretSource: appSecret.source,
          authorizationPrivateKeyArn: { secretArn: authorizationPrivateKey.arn },
          authorizationPrivateKeyJsonKey: providers.jsonKey(authorizationPrivateKey),
          authorizationPrivateKeySource: authorizationPrivateKey.source,
          authorizationId
        }
      }
    }
  })

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => {
  const { create, delete: remove, describe, list, update } = providers.make(store, {
    kind: "payment",
    maxResults: 20,
    read: (state) => state.paymentProviders,
    write: (state, paymentProviders) => ({ ...state, paymentProviders }),
    fixed: () => Effect.succeed({}),
    configure: (owner, request: Request<"updatePaymentCredentialProvider">, base: Resource) =>
      Either.map(configure(owner, request), (configured) => ({ ...base, ...configured })),
    view: ({ account, config }) => ({
      credentialProviderVendor: account.vendor,
      providerConfigurationOutput: config
    }),
    vendor: ({ account }) => ({ credentialProviderVendor: account.vendor })
  })
  return {
    createPaymentCredentialProvider: create("CreatePaymentCredentialProvider"),
    getPaymentCredentialProvider: ({ name }) =>
      store.read((state) =>
        Either.map(
          providers.findProvider("GetPaymentCredentialProvider", "payment", state.paymentProviders, name),
          (provider) => ({ ...describe(provider), tags: Option.getOrUndefined(Table.get(state.tags, provider.arn)) })
        )
      ),
    updatePaymentCredentialProvider: update("UpdatePaymentCredentialProvider"),
    deletePaymentCredentialProvider: remove("DeletePaymentCredentialProvider"),
    listPaymentCredentialProviders: list("ListPaymentCredentialProviders")
  }
}
