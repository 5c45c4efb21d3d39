/**
 * Payment credential providers: Coinbase CDP and Stripe Privy.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import {
  commonErrors,
  page,
  ProviderName,
  SecretArn,
  SecretReference,
  SecretSource,
  secretWriteErrors,
  Tags
} from "./internal/model/fields.js"
import { repeats } from "./internal/model/repeats.js"
import { EmptyReply, extensibleEnum, oneOf, secret, text, Timestamp, UnknownMember } from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

/**
 * The payment vendors.
 *
 * @since 0.1.0
 * @category models
 */
export const PaymentVendor = Schema.Literal("CoinbaseCDP", "StripePrivy")

/**
 * @since 0.1.0
 * @category models
 */
export type PaymentVendor = typeof PaymentVendor.Type

const Id = text({ min: 1, max: 512, pattern: /[a-zA-Z0-9\-_]+/ })

const Key = secret({ min: 0, max: 2048, pattern: /[a-zA-Z0-9+/=\-_\s]*/ })

/**
 * The credentials of an application at a payment vendor: exactly one of the two members, which belongs to the vendor.
 *
 * @since 0.1.0
 * @category models
 */
export const PaymentProviderConfigurationInput = oneOf({
  coinbaseCdpConfiguration: Schema.Struct({
    apiKeyId: Id,
    apiKeySecret: Schema.optional(Key),
    apiKeySecretSource: Schema.optional(SecretSource),
    apiKeySecretConfig: Schema.optional(SecretReference),
    walletSecret: Schema.optional(Key),
    walletSecretSource: Schema.optional(SecretSource),
    walletSecretConfig: Schema.optional(SecretReference)
  }),
  stripePrivyConfiguration: Schema.Struct({
    appId: Id,
    appSecret: Schema.optional(Key),
    appSecretSource: Schema.optional(SecretSource),
    appSecretConfig: Schema.optional(SecretReference),
    authorizationPrivateKey: Schema.optional(
      secret({ min: 0, max: 2048, pattern: /(wallet-auth:)?[a-zA-Z0-9+/=\-_\s]*/ })
    ),
    authorizationPrivateKeySource: Schema.optional(SecretSource),
    authorizationPrivateKeyConfig: Schema.optional(SecretReference),
    authorizationId: Id
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export type PaymentProviderConfigurationInput = typeof PaymentProviderConfigurationInput.Type

const Source = Schema.optional(extensibleEnum("MANAGED", "EXTERNAL"))

/**
 * The configuration of a payment provider, as replies contain it: with the locations of the secrets, without the secrets.
 *
 * @since 0.1.0
 * @category models
 */
export const PaymentProviderConfigurationOutput = Schema.Union(
  Schema.Struct({
    coinbaseCdpConfiguration: Schema.Struct({
      apiKeyId: Schema.String,
      apiKeySecretArn: SecretArn,
      apiKeySecretJsonKey: Schema.optional(Schema.String),
      apiKeySecretSource: Source,
      walletSecretArn: SecretArn,
      walletSecretJsonKey: Schema.optional(Schema.String),
      walletSecretSource: Source
    })
  }),
  Schema.Struct({
    stripePrivyConfiguration: Schema.Struct({
      appId: Schema.String,
      appSecretArn: SecretArn,
      appSecretJsonKey: Schema.optional(Schema.String),
      appSecretSource: Source,
      authorizationPrivateKeyArn: SecretArn,
      authorizationPrivateKeyJsonKey: Schema.optional(Schema.String),
      authorizationPrivateKeySource: Source,
      authorizationId: Schema.String
    })
  }),
  UnknownMember
)

/**
 * @since 0.1.0
 * @category models
 */
export type PaymentProviderConfigurationOutput = typeof PaymentProviderConfigurationOutput.Type

const write = {
  name: ProviderName,
  credentialProviderVendor: PaymentVendor,
  providerConfigurationInput: PaymentProviderConfigurationInput
}

const created = {
  name: Schema.String,
  credentialProviderVendor: extensibleEnum("CoinbaseCDP", "StripePrivy"),
  credentialProviderArn: Schema.String,
  providerConfigurationOutput: PaymentProviderConfigurationOutput
}

const times = { createdTime: Timestamp, lastUpdatedTime: Timestamp }

/**
 * A payment provider, as replies contain it. Unlike other providers it is read with its tags.
 *
 * @since 0.1.0
 * @category models
 */
export const PaymentCredentialProvider = Schema.Struct({
  ...created,
  ...times,
  tags: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface PaymentCredentialProvider extends Schema.Schema.Type<typeof PaymentCredentialProvider> {}

/**
 * The five operations on payment providers.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  createPaymentCredentialProvider: Operation.make({
    name: "CreatePaymentCredentialProvider",
    plane: "control",
    path: "/identities/CreatePaymentCredentialProvider",
    status: 201,
    request: Schema.Struct({ ...write, tags: Schema.optional(Tags) }),
    reply: Schema.Struct(created),
    errors: [...commonErrors, ...secretWriteErrors, "ResourceLimitExceeded"],
    repeat: repeats.createPaymentCredentialProvider
  }),
  getPaymentCredentialProvider: Operation.make({
    name: "GetPaymentCredentialProvider",
    plane: "control",
    path: "/identities/GetPaymentCredentialProvider",
    request: Schema.Struct({ name: ProviderName }),
    reply: PaymentCredentialProvider,
    errors: [...commonErrors, "DecryptionFailure"]
  }),
  updatePaymentCredentialProvider: Operation.make({
    name: "UpdatePaymentCredentialProvider",
    plane: "control",
    path: "/identities/UpdatePaymentCredentialProvider",
    request: Schema.Struct(write),
    reply: Schema.Struct({ ...created, ...times }),
    errors: [...commonErrors, ...secretWriteErrors],
    // The model does not mark this update as idempotent, unlike that of an API key provider.
    repeat: repeats.updatePaymentCredentialProvider
  }),
  deletePaymentCredentialProvider: Operation.make({
    name: "DeletePaymentCredentialProvider",
    plane: "control",
    path: "/identities/DeletePaymentCredentialProvider",
    status: 204,
    request: Schema.Struct({ name: ProviderName }),
    reply: EmptyReply,
    errors: commonErrors
  }),
  listPaymentCredentialProviders: Operation.make({
    name: "ListPaymentCredentialProviders",
    plane: "control",
    path: "/identities/ListPaymentCredentialProviders",
    request: page(20),
    reply: Schema.Struct({
      credentialProviders: Schema.Array(Schema.Struct({
        name: Schema.String,
        credentialProviderVendor: extensibleEnum("CoinbaseCDP", "StripePrivy"),
        credentialProviderArn: Schema.String,
        ...times
      })),
      nextToken: Schema.optional(Schema.String)
    }),
    errors: commonErrors
  })
}
