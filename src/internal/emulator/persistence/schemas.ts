/** How the entities of the state are written down. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CredentialProviderVendor } from "../../../Oauth2Provider.js"
import { Oauth2ProviderConfigOutput, OnBehalfOfTokenExchangeConfig } from "../../../Oauth2ProviderConfig.js"
import { PaymentProviderConfigurationOutput } from "../../../PaymentProvider.js"

/** What is `undefined` in the state is written down too, as `null`. */
const maybe = <A, I>(schema: Schema.Schema<A, I>) =>
  Schema.transform(Schema.NullOr(schema), Schema.UndefinedOr(Schema.typeSchema(schema)), {
    strict: true,
    decode: (value) => value ?? undefined,
    encode: (value) => value ?? null
  })

const Time = Schema.DateTimeUtcFromNumber

/** @internal */
export const Hidden = Schema.Redacted(Schema.String)

const times = { createdTime: Time, lastUpdatedTime: Time }

const named = { name: Schema.String, arn: Schema.String }

/** @internal */
export const Workload = Schema.Struct({
  ...named,
  ...times,
  returnUrls: maybe(Schema.Array(Schema.String)),
  linked: Schema.Boolean
})

const Secret = Schema.Union(
  Schema.Struct({ source: Schema.Literal("MANAGED"), arn: Schema.String, value: maybe(Hidden) }),
  Schema.Struct({
    source: Schema.Literal("EXTERNAL"),
    arn: Schema.String,
    secretId: Schema.String,
    jsonKey: Schema.String
  })
)

/** @internal */
export const Oauth2Provider = Schema.Struct({
  ...named,
  ...times,
  vendor: CredentialProviderVendor,
  callbackUrl: Schema.String,
  clientSecret: Secret,
  config: Oauth2ProviderConfigOutput,
  onBehalfOf: maybe(OnBehalfOfTokenExchangeConfig)
})

/** @internal */
export const ApiKeyProvider = Schema.Struct({ ...named, ...times, apiKey: Secret })

/** @internal */
export const PaymentProvider = Schema.Struct({
  ...named,
  ...times,
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
  Schema.Struct({ kind: Schema.Literal("jwt"), issuer: Schema.String, subject: Schema.String, token: Hidden })
)

/** @internal */
export const WorkloadToken = Schema.Struct({ workloadName: Schema.String, user: maybe(User), expiresAt: Time })

// Targets are compared by value.
const Target = Schema.Data(Schema.Struct({
  scopes: Schema.HashSet(Schema.String),
  resources: Schema.HashSet(Schema.String),
  audiences: Schema.HashSet(Schema.String)
}))

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
  customState: maybe(Hidden),
  customParameters: maybe(Schema.Record({ key: Schema.String, value: Hidden })),
  createdAt: Time,
  expiresAt: Time
}

// Every record has all three members, whatever its status.
/** @internal */
export const SessionRecord = Schema.Union(
  Schema.Struct({
    ...opened,
    status: Schema.Literal("pending", "failed"),
    authorization: absent,
    granted: absent
  }),
  Schema.Struct({
    ...opened,
    status: Schema.Literal("approved", "completing"),
    // Records that were written before the redirect URI was stored do not have it.
    authorization: maybe(
      Schema.Struct({ code: Hidden, codeVerifier: Hidden, redirectUri: Schema.optional(Schema.String) })
    ),
    granted: absent
  }),
  Schema.Struct({
    ...opened,
    status: Schema.Literal("completed"),
    authorization: absent,
    granted: Schema.Struct({ accessToken: Hidden, expiresAt: Time })
  })
)

/** @internal */
export const GrantKey = Schema.parseJson(
  Schema.Data(Schema.Struct({ workloadName: Schema.String, user: Schema.String, providerName: Schema.String }))
)

/** @internal */
export const Grant = Schema.Struct({
  target: Target,
  accessToken: Hidden,
  expiresAt: Time,
  freshUntil: Time,
  refresh: maybe(Schema.Struct({ token: Hidden, expiresAt: maybe(Time) }))
})
