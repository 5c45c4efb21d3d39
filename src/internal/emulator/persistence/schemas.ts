/** Schemas of the stored records. */
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CredentialProviderVendor } from "../../../Oauth2Provider.js"
import { Oauth2ProviderConfigOutput, OnBehalfOfTokenExchangeConfig } from "../../../Oauth2ProviderConfig.js"
import { PaymentProviderConfigurationOutput } from "../../../PaymentProvider.js"
import { canonical } from "../state/target.js"

/** Writes `undefined` as `null`. */
const nullable = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.transform(Schema.NullOr(schema), Schema.UndefinedOr(Schema.typeSchema(schema)), {
    strict: true,
    decode: (value) => value ?? undefined,
    encode: (value) => value ?? null
  })

const Time = Schema.DateTimeUtcFromNumber

/** @internal */
export const RedactedString = Schema.Redacted(Schema.String)

const resource = { name: Schema.String, arn: Schema.String, createdTime: Time, lastUpdatedTime: Time }

/** @internal */
export const Workload = Schema.Struct({
  ...resource,
  returnUrls: nullable(Schema.Array(Schema.String)),
  linked: Schema.Boolean
})

const Secret = Schema.Union(
  Schema.Struct({ source: Schema.Literal("MANAGED"), arn: Schema.String, value: nullable(RedactedString) }),
  Schema.Struct({
    source: Schema.Literal("EXTERNAL"),
    arn: Schema.String,
    secretId: Schema.String,
    jsonKey: Schema.String
  })
)

/** @internal */
export const Oauth2Provider = Schema.Struct({
  ...resource,
  vendor: CredentialProviderVendor,
  callbackUrl: Schema.String,
  clientSecret: Secret,
  config: Oauth2ProviderConfigOutput,
  onBehalfOf: nullable(OnBehalfOfTokenExchangeConfig)
})

/** @internal */
export const ApiKeyProvider = Schema.Struct({ ...resource, apiKey: Secret })

/** @internal */
export const PaymentProvider = Schema.Struct({
  ...resource,
  account: Schema.Union(
    Schema.Struct({
      vendor: Schema.Literal("CoinbaseCDP"),
      apiKeyId: Schema.String,
      apiKeySecret: Secret,
      walletSecret: Secret
    }),
    Schema.Struct({
      vendor: Schema.Literal("StripePrivy"),
      appId: Schema.String,
      appSecret: Secret,
      authorizationPrivateKey: Secret
    })
  ),
  config: PaymentProviderConfigurationOutput
})

const User = Schema.Union(
  Schema.Struct({ kind: Schema.Literal("userId"), userId: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("jwt"), issuer: Schema.String, subject: Schema.String, token: RedactedString })
)

/** @internal */
export const WorkloadToken = Schema.Struct({ workloadName: Schema.String, user: nullable(User), expiresAt: Time })

// Records that were written before the values were sorted have them in another order.
const Canonical = Schema.transform(Schema.Array(Schema.String), Schema.Array(Schema.String), {
  strict: true,
  decode: canonical,
  encode: identity
})

const Target = Schema.Struct({ scopes: Canonical, resources: Canonical, audiences: Canonical })

/** A member that this status does not have: written as `null`, and ignored when read. */
const absent = Schema.requiredToOptional(Schema.Unknown, Schema.Never, {
  decode: () => Option.none(),
  encode: () => null
})

const opened = {
  uri: Schema.String,
  ordinal: Schema.Finite,
  workloadName: Schema.String,
  user: User,
  providerName: Schema.String,
  target: Target,
  returnUrl: Schema.String,
  customState: nullable(RedactedString),
  customParameters: nullable(Schema.Record({ key: Schema.String, value: RedactedString })),
  createdAt: Time,
  expiresAt: Time
}

// Every record has all three members, whatever its status.
/** @internal */
export const SessionRecord = Schema.Union(
  Schema.Struct({
    ...opened,
    status: Schema.Literal("pending"),
    // Only sessions whose consent page was opened have it.
    isShown: Schema.optional(Schema.Literal(true)),
    authorization: absent,
    granted: absent
  }),
  Schema.Struct({
    ...opened,
    status: Schema.Literal("failed"),
    authorization: absent,
    granted: absent
  }),
  Schema.Struct({
    ...opened,
    status: Schema.Literal("approved", "completing"),
    // Records that were written before the redirect URI was stored do not have it.
    authorization: nullable(
      Schema.Struct({ code: RedactedString, codeVerifier: RedactedString, redirectUri: Schema.optional(Schema.String) })
    ),
    granted: absent
  }),
  Schema.Struct({
    ...opened,
    status: Schema.Literal("completed"),
    authorization: absent,
    granted: Schema.Struct({ accessToken: RedactedString, expiresAt: Time })
  })
)

/** The key of a grant. */
export const GrantOwner = Schema.parseJson(
  Schema.Struct({ workloadName: Schema.String, user: Schema.String, providerName: Schema.String })
)

/** @internal */
export const Grant = Schema.Struct({
  target: Target,
  accessToken: RedactedString,
  expiresAt: Time,
  refreshAt: Schema.propertySignature(Time).pipe(Schema.fromKey("freshUntil")),
  refresh: nullable(Schema.Struct({ token: RedactedString, expiresAt: nullable(Time) }))
})
