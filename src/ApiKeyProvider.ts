/**
 * API key credential providers.
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
import { EmptyReply, extensibleEnum, secret, Timestamp } from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

const write = {
  name: ProviderName,
  apiKey: Schema.optional(secret({ min: 0, max: 65536 })),
  apiKeySecretConfig: Schema.optional(SecretReference),
  apiKeySecretSource: Schema.optional(SecretSource)
}

const created = {
  apiKeySecretArn: SecretArn,
  apiKeySecretJsonKey: Schema.optional(Schema.String),
  apiKeySecretSource: Schema.optional(extensibleEnum("MANAGED", "EXTERNAL")),
  name: Schema.String,
  credentialProviderArn: Schema.String
}

const times = { createdTime: Timestamp, lastUpdatedTime: Timestamp }

/**
 * An API key provider, as replies contain it: with the location of the key, without the key.
 *
 * @since 0.1.0
 * @category models
 */
export const ApiKeyCredentialProvider = Schema.Struct({ ...created, ...times })

/**
 * @since 0.1.0
 * @category models
 */
export interface ApiKeyCredentialProvider extends Schema.Schema.Type<typeof ApiKeyCredentialProvider> {}

/**
 * The five operations on API key providers. Pass the key as `apiKey`, or keep it in a secret of your account: then set
 * `apiKeySecretSource: "EXTERNAL"` and name the secret in `apiKeySecretConfig`.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  createApiKeyCredentialProvider: Operation.make({
    name: "CreateApiKeyCredentialProvider",
    plane: "control",
    path: "/identities/CreateApiKeyCredentialProvider",
    status: 201,
    request: Schema.Struct({ ...write, tags: Schema.optional(Tags) }),
    reply: Schema.Struct(created),
    errors: [...commonErrors, ...secretWriteErrors, "ResourceLimitExceeded"],
    repeat: repeats.createApiKeyCredentialProvider
  }),
  getApiKeyCredentialProvider: Operation.make({
    name: "GetApiKeyCredentialProvider",
    plane: "control",
    path: "/identities/GetApiKeyCredentialProvider",
    request: Schema.Struct({ name: ProviderName }),
    reply: ApiKeyCredentialProvider,
    errors: [...commonErrors, "DecryptionFailure"]
  }),
  updateApiKeyCredentialProvider: Operation.make({
    name: "UpdateApiKeyCredentialProvider",
    plane: "control",
    path: "/identities/UpdateApiKeyCredentialProvider",
    request: Schema.Struct(write),
    reply: ApiKeyCredentialProvider,
    errors: [...commonErrors, ...secretWriteErrors]
  }),
  deleteApiKeyCredentialProvider: Operation.make({
    name: "DeleteApiKeyCredentialProvider",
    plane: "control",
    path: "/identities/DeleteApiKeyCredentialProvider",
    status: 204,
    request: Schema.Struct({ name: ProviderName }),
    reply: EmptyReply,
    errors: commonErrors
  }),
  listApiKeyCredentialProviders: Operation.make({
    name: "ListApiKeyCredentialProviders",
    plane: "control",
    path: "/identities/ListApiKeyCredentialProviders",
    request: page(100),
    reply: Schema.Struct({
      credentialProviders: Schema.Array(
        Schema.Struct({ name: Schema.String, credentialProviderArn: Schema.String, ...times })
      ),
      nextToken: Schema.optional(Schema.String)
    }),
    errors: commonErrors
  })
}
