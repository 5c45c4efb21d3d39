/**
 * OAuth2 credential providers: the sources of machine and user tokens.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { commonErrors, page, ProviderName, SecretArn, secretWriteErrors, Tags } from "./internal/model/fields.js"
import { repeats } from "./internal/model/repeats.js"
import { EmptyReply, extensibleEnum, Timestamp } from "./internal/model/smithy.js"
import { Oauth2ProviderConfigInput, Oauth2ProviderConfigOutput } from "./Oauth2ProviderConfig.js"
import * as Operation from "./Operation.js"

const vendors = [
  "GoogleOauth2",
  "GithubOauth2",
  "SlackOauth2",
  "SalesforceOauth2",
  "MicrosoftOauth2",
  "CustomOauth2",
  "AtlassianOauth2",
  "LinkedinOauth2",
  "XOauth2",
  "OktaOauth2",
  "OneLoginOauth2",
  "PingOneOauth2",
  "FacebookOauth2",
  "YandexOauth2",
  "RedditOauth2",
  "ZoomOauth2",
  "TwitchOauth2",
  "SpotifyOauth2",
  "DropboxOauth2",
  "NotionOauth2",
  "HubspotOauth2",
  "CyberArkOauth2",
  "FusionAuthOauth2",
  "Auth0Oauth2",
  "CognitoOauth2"
] as const

/**
 * The vendors, with the names that AWS gives them.
 *
 * @since 0.1.0
 * @category models
 */
export const CredentialProviderVendor = Schema.Literal(...vendors)

/**
 * @since 0.1.0
 * @category models
 */
export type CredentialProviderVendor = typeof CredentialProviderVendor.Type

const Vendor = extensibleEnum(...vendors)

/** The member of `Oauth2ProviderConfigInput` of each vendor that does not share `includedOauth2ProviderConfig`. */
interface DedicatedMember {
  readonly GoogleOauth2: "googleOauth2ProviderConfig"
  readonly GithubOauth2: "githubOauth2ProviderConfig"
  readonly SlackOauth2: "slackOauth2ProviderConfig"
  readonly SalesforceOauth2: "salesforceOauth2ProviderConfig"
  readonly MicrosoftOauth2: "microsoftOauth2ProviderConfig"
  readonly CustomOauth2: "customOauth2ProviderConfig"
  readonly AtlassianOauth2: "atlassianOauth2ProviderConfig"
  readonly LinkedinOauth2: "linkedinOauth2ProviderConfig"
}

type MemberOf<Vendor> = Vendor extends keyof DedicatedMember ? DedicatedMember[Vendor] : "includedOauth2ProviderConfig"

/**
 * A vendor with its configuration. A vendor that is known only at run time accepts the configuration of every vendor that
 * it may be.
 *
 * @since 0.1.0
 * @category models
 */
export interface VendorConfig<Vendor extends CredentialProviderVendor> {
  readonly credentialProviderVendor: Vendor
  readonly oauth2ProviderConfigInput: {
    readonly [Member in MemberOf<Vendor>]: Extract<Oauth2ProviderConfigInput, { readonly [K in Member]: unknown }>
  }[MemberOf<Vendor>]
}

const write = {
  name: ProviderName,
  credentialProviderVendor: CredentialProviderVendor,
  oauth2ProviderConfigInput: Oauth2ProviderConfigInput
}

const created = {
  clientSecretArn: SecretArn,
  clientSecretJsonKey: Schema.optional(Schema.String),
  clientSecretSource: Schema.optional(extensibleEnum("MANAGED", "EXTERNAL")),
  name: Schema.String,
  credentialProviderArn: Schema.String,
  callbackUrl: Schema.optional(Schema.String),
  oauth2ProviderConfigOutput: Schema.optional(Oauth2ProviderConfigOutput),
  status: Schema.optional(extensibleEnum(
    "CREATING",
    "CREATE_FAILED",
    "UPDATING",
    "UPDATE_FAILED",
    "READY",
    "DELETING",
    "DELETE_FAILED"
  ))
}

const times = { createdTime: Timestamp, lastUpdatedTime: Timestamp }

/**
 * An OAuth2 provider, as replies contain it. Register `callbackUrl` as redirect URI at the vendor; it is not the return URL
 * of the application.
 *
 * @since 0.1.0
 * @category models
 */
export const Oauth2CredentialProvider = Schema.Struct({
  ...created,
  ...times,
  credentialProviderVendor: Vendor,
  oauth2ProviderConfigOutput: Oauth2ProviderConfigOutput,
  failureReason: Schema.optional(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Oauth2CredentialProvider extends Schema.Schema.Type<typeof Oauth2CredentialProvider> {}

/**
 * The five operations on OAuth2 providers. An update replaces the whole configuration, secret included.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  createOauth2CredentialProvider: Operation.make({
    name: "CreateOauth2CredentialProvider",
    plane: "control",
    path: "/identities/CreateOauth2CredentialProvider",
    status: 201,
    request: Schema.Struct({ ...write, tags: Schema.optional(Tags) }),
    reply: Schema.Struct(created),
    errors: [...commonErrors, ...secretWriteErrors, "ResourceLimitExceeded"],
    repeat: repeats.createOauth2CredentialProvider
  }),
  getOauth2CredentialProvider: Operation.make({
    name: "GetOauth2CredentialProvider",
    plane: "control",
    path: "/identities/GetOauth2CredentialProvider",
    request: Schema.Struct({ name: ProviderName }),
    reply: Oauth2CredentialProvider,
    errors: [...commonErrors, "DecryptionFailure"]
  }),
  updateOauth2CredentialProvider: Operation.make({
    name: "UpdateOauth2CredentialProvider",
    plane: "control",
    path: "/identities/UpdateOauth2CredentialProvider",
    request: Schema.Struct(write),
    reply: Schema.Struct({
      ...created,
      ...times,
      credentialProviderVendor: Vendor,
      oauth2ProviderConfigOutput: Oauth2ProviderConfigOutput
    }),
    errors: [...commonErrors, ...secretWriteErrors],
    // The model does not mark this update as idempotent, unlike that of an API key provider.
    repeat: repeats.updateOauth2CredentialProvider
  }),
  deleteOauth2CredentialProvider: Operation.make({
    name: "DeleteOauth2CredentialProvider",
    plane: "control",
    path: "/identities/DeleteOauth2CredentialProvider",
    status: 204,
    request: Schema.Struct({ name: ProviderName }),
    reply: EmptyReply,
    errors: [...commonErrors, "Conflict"]
  }),
  listOauth2CredentialProviders: Operation.make({
    name: "ListOauth2CredentialProviders",
    plane: "control",
    path: "/identities/ListOauth2CredentialProviders",
    request: page(20),
    reply: Schema.Struct({
      credentialProviders: Schema.Array(Schema.Struct({
        name: Schema.String,
        credentialProviderVendor: Vendor,
        credentialProviderArn: Schema.String,
        ...times
      })),
      nextToken: Schema.optional(Schema.String)
    }),
    errors: commonErrors
  })
}
