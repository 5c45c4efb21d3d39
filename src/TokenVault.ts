/**
 * The token vault, and the key that encrypts it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { commonErrors, KmsKeyArn } from "./internal/model/fields.js"
import { extensibleEnum, text, Timestamp } from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

const TokenVaultId = text({ min: 1, max: 64, pattern: /[a-zA-Z0-9\-_]+/ })

/**
 * The token vault, as replies contain it.
 *
 * @since 0.1.0
 * @category models
 */
export const TokenVault = Schema.Struct({
  tokenVaultId: Schema.String,
  kmsConfiguration: Schema.Struct({
    keyType: extensibleEnum("CustomerManagedKey", "ServiceManagedKey"),
    kmsKeyArn: Schema.optional(Schema.String)
  }),
  lastModifiedDate: Timestamp
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenVault extends Schema.Schema.Type<typeof TokenVault> {}

/**
 * The two operations on the token vault. Default of `tokenVaultId`: `default`.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  getTokenVault: Operation.make({
    name: "GetTokenVault",
    plane: "control",
    path: "/identities/get-token-vault",
    request: Schema.Struct({ tokenVaultId: Schema.optional(TokenVaultId) }),
    reply: TokenVault,
    errors: commonErrors
  }),
  setTokenVaultCMK: Operation.make({
    name: "SetTokenVaultCMK",
    plane: "control",
    path: "/identities/set-token-vault-cmk",
    request: Schema.Struct({
      tokenVaultId: Schema.optional(TokenVaultId),
      kmsConfiguration: Schema.Struct({
        keyType: Schema.Literal("CustomerManagedKey", "ServiceManagedKey"),
        kmsKeyArn: Schema.optional(KmsKeyArn)
      })
    }),
    reply: TokenVault,
    errors: [...commonErrors, "ConcurrentModification"]
  })
}
