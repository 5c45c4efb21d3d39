/**
 * Operations of the data plane: workload access tokens, OAuth 2.0 tokens, API keys and payment tokens.
 *
 * @since 0.1.0
 */
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  commonErrors,
  Jwt,
  ProviderName,
  ReturnUrl,
  UserId,
  WorkloadName,
  WorkloadToken
} from "./internal/model/fields.js"
import {
  EmptyReply,
  extensibleEnum,
  list,
  map,
  oneOf,
  secret,
  text,
  UnknownSecretMember
} from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

/**
 * OAuth 2.0 flow of a token request: for a user who consents (`USER_FEDERATION`), for the workload itself (`M2M`), or in
 * exchange for the JWT of the user who called the agent (`ON_BEHALF_OF_TOKEN_EXCHANGE`).
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2Flow = Schema.Literal("USER_FEDERATION", "M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE")

/**
 * @since 0.1.0
 * @category models
 */
export type Oauth2Flow = typeof Oauth2Flow.Type

/**
 * The user who consented: either the user id or the JWT that the workload access token was requested with.
 *
 * @since 0.1.0
 * @category models
 */
export const UserIdentifier = oneOf({ userToken: Jwt, userId: UserId })

/**
 * @since 0.1.0
 * @category models
 */
export type UserIdentifier = typeof UserIdentifier.Type

/**
 * Identifies a user by an id that the application has authenticated. Prefix it with the identity provider
 * (`cognito+user123`), so that ids of two providers do not collide.
 *
 * @example
 * ```ts
 * import { Credential } from "effect-agentcore-identity"
 *
 * export const userIdentifier = Credential.userId("cognito+ada")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const userId = (id: string): UserIdentifier => ({ userId: id })

/**
 * Identifies a user by the JWT that the workload access token was requested with. The service rejects another JWT of the
 * same user.
 *
 * @example
 * ```ts
 * import type { Redacted } from "effect"
 * import { Credential } from "effect-agentcore-identity"
 *
 * export const identify = (jwt: Redacted.Redacted) => Credential.userToken(jwt)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const userToken = (jwt: Redacted.Redacted): UserIdentifier => ({ userToken: jwt })

// The pattern of the model has an unescaped range, which JavaScript and Smithy read in the same way.
const SessionUri = secret({ min: 1, max: 1024, pattern: /urn:ietf:params:oauth:request_uri:[a-zA-Z0-9-._~]+/ })

const Host = text({ min: 1, max: 256, pattern: /[a-zA-Z0-9\-.]+/ })

const RequestPath = text({ min: 1, max: 2048, pattern: /\/[a-zA-Z0-9/_\-.~%?=&]+/ })

// The model allows tab, line feed and carriage return besides printable ASCII.
// oxlint-disable-next-line no-control-regex
const requestBody = { min: 1, max: 16384, pattern: /[\u0009\u000A\u000D\u0020-\u007E]+/ }

/**
 * Request of a payment token: for Coinbase or for Stripe.
 *
 * @since 0.1.0
 * @category models
 */
export const PaymentTokenRequest = oneOf({
  coinbaseCdpTokenRequest: Schema.Struct({
    requestMethod: Schema.Literal("GET", "POST", "PUT", "DELETE", "PATCH"),
    requestHost: Schema.optional(Host),
    requestPath: RequestPath,
    includeWalletAuthToken: Schema.optional(Schema.Boolean),
    requestBody: Schema.optional(text(requestBody))
  }),
  stripePrivyTokenRequest: Schema.Struct({
    requestHost: Schema.optional(Host),
    requestPath: RequestPath,
    requestBody: secret(requestBody),
    includeAuthorizationSignature: Schema.optional(Schema.Boolean)
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export type PaymentTokenRequest = typeof PaymentTokenRequest.Type

const Token = Schema.Redacted(Schema.String)

/**
 * Tokens for a request to a payment vendor. `requestExpiry` is in epoch milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export const PaymentToken = Schema.Union(
  Schema.Struct({
    coinbaseCdpTokenResponse: Schema.Struct({ bearerToken: Token, walletAuthToken: Schema.optional(Token) })
  }),
  Schema.Struct({
    stripePrivyTokenResponse: Schema.Struct({
      authorizationSignature: Schema.optional(Token),
      requestExpiry: Schema.optional(Schema.Finite),
      appId: Schema.String,
      basicAuthToken: Token
    })
  }),
  UnknownSecretMember
)

/**
 * @since 0.1.0
 * @category models
 */
export type PaymentToken = typeof PaymentToken.Type

const workloadTokenReply = Schema.Struct({ workloadAccessToken: Token })

/**
 * The seven operations of the data plane.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  getWorkloadAccessToken: Operation.make({
    name: "GetWorkloadAccessToken",
    plane: "data",
    path: "/identities/GetWorkloadAccessToken",
    request: Schema.Struct({ workloadName: WorkloadName }),
    reply: workloadTokenReply,
    errors: commonErrors
  }),
  getWorkloadAccessTokenForJWT: Operation.make({
    name: "GetWorkloadAccessTokenForJWT",
    plane: "data",
    path: "/identities/GetWorkloadAccessTokenForJWT",
    request: Schema.Struct({ workloadName: WorkloadName, userToken: Jwt }),
    reply: workloadTokenReply,
    errors: commonErrors
  }),
  getWorkloadAccessTokenForUserId: Operation.make({
    name: "GetWorkloadAccessTokenForUserId",
    plane: "data",
    path: "/identities/GetWorkloadAccessTokenForUserId",
    request: Schema.Struct({ workloadName: WorkloadName, userId: UserId }),
    reply: workloadTokenReply,
    errors: commonErrors
  }),
  getResourceOauth2Token: Operation.make({
    name: "GetResourceOauth2Token",
    plane: "data",
    path: "/identities/oauth2/token",
    request: Schema.Struct({
      workloadIdentityToken: WorkloadToken,
      resourceCredentialProviderName: ProviderName,
      scopes: list(text({ min: 1, max: 128 })),
      oauth2Flow: Oauth2Flow,
      sessionUri: Schema.optional(SessionUri),
      resourceOauth2ReturnUrl: Schema.optional(ReturnUrl),
      forceAuthentication: Schema.optional(Schema.Boolean),
      customParameters: Schema.optional(
        map({ min: 1, max: 256, pattern: /[a-zA-Z0-9\-_.]+/ }, secret({ min: 1, max: 2048 }))
      ),
      customState: Schema.optional(secret({ min: 1, max: 4096 })),
      resources: Schema.optional(list(text({ min: 1, max: 2048 }))),
      audiences: Schema.optional(list(text({ min: 1, max: 2048 })))
    }),
    reply: Schema.Struct({
      authorizationUrl: Schema.optional(Token),
      accessToken: Schema.optional(Token),
      sessionUri: Schema.optional(Token),
      sessionStatus: Schema.optional(extensibleEnum("IN_PROGRESS", "FAILED"))
    }),
    errors: commonErrors,
    // The model marks it as read-only, but the first request of this flow opens a session. After a lost reply a repetition
    // would open a second one. Polls have their own schedule.
    repeat: ({ oauth2Flow, sessionUri }) =>
      oauth2Flow !== "USER_FEDERATION" ? "always" : sessionUri === undefined ? "throttled" : "never"
  }),
  getResourceApiKey: Operation.make({
    name: "GetResourceApiKey",
    plane: "data",
    path: "/identities/api-key",
    request: Schema.Struct({ workloadIdentityToken: WorkloadToken, resourceCredentialProviderName: ProviderName }),
    reply: Schema.Struct({ apiKey: Token }),
    errors: commonErrors
  }),
  completeResourceTokenAuth: Operation.make({
    name: "CompleteResourceTokenAuth",
    plane: "data",
    path: "/identities/CompleteResourceTokenAuth",
    request: Schema.Struct({ userIdentifier: UserIdentifier, sessionUri: SessionUri }),
    reply: EmptyReply,
    errors: commonErrors,
    // A session completes once: after a lost reply a repetition would report a failure although the first request succeeded.
    repeat: "throttled"
  }),
  getResourcePaymentToken: Operation.make({
    name: "GetResourcePaymentToken",
    plane: "data",
    path: "/identities/payment/token",
    request: Schema.Struct({
      workloadIdentityToken: WorkloadToken,
      resourceCredentialProviderName: ProviderName,
      paymentTokenRequest: PaymentTokenRequest
    }),
    reply: Schema.Struct({ paymentTokenResponse: PaymentToken }),
    errors: commonErrors
  })
}
