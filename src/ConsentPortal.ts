/**
 * Consent portals: pages that AWS hosts to collect the consent of a Gateway's users.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { commonErrors, page, Tags } from "./internal/model/fields.js"
import { repeats } from "./internal/model/repeats.js"
import { EmptyReply, extensibleEnum, list, text, Timestamp } from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

const Identifier = text({ pattern: /[a-zA-Z0-9\-_]{1,50}-[A-Za-z0-9]{10}/ })

const RoleArn = text({ pattern: /arn:aws(-[a-z-]+)?:iam::[0-9]{12}:role\/[a-zA-Z0-9+=,.@\-_/]+/ })

const Description = text({ min: 0, max: 512 })

const IdpConfig = Schema.Struct({
  credentialProviderArn: text({
    pattern:
      /arn:(aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b|aws-iso-e|aws-iso-f|aws-eusc):bedrock-agentcore:[a-z0-9-]{1,32}:[0-9]{12}:token-vault\/[a-zA-Z0-9_-]{1,64}\/oauth2credentialprovider\/[a-zA-Z0-9_-]{1,128}/
  }),
  scopes: list(text({ min: 1, max: 255, pattern: /[\x21\x23-\x5B\x5D-\x7E]+/ }), { min: 1 }),
  audience: Schema.optional(Schema.String)
})

const Source = Schema.Struct({
  identifier: text({
    pattern:
      /([0-9a-z][-]?){1,100}-[0-9a-z]{10}$|^arn:aws(-[a-z-]+)?:bedrock-agentcore:[a-z0-9-]{1,20}:[0-9]{12}:gateway\/([0-9a-z][-]?){1,48}-[a-z0-9]{10}/
  }),
  type: Schema.Literal("agentcore-gateway")
})

const summary = {
  sources: Schema.Array(Schema.Struct({ identifier: Schema.String, type: extensibleEnum("agentcore-gateway") })),
  consentPortalArn: Schema.String,
  consentPortalId: Schema.String,
  createdAt: Timestamp,
  description: Schema.optional(Schema.String),
  name: Schema.String,
  portalUrl: Schema.optional(Schema.String),
  status: extensibleEnum("CREATING", "ACTIVE", "UPDATING", "UPDATE_FAILED", "DELETING", "FAILED"),
  updatedAt: Timestamp
}

/**
 * A consent portal, as replies contain it.
 *
 * @since 0.1.0
 * @category models
 */
export const ConsentPortal = Schema.Struct({
  ...summary,
  executionRoleArn: Schema.String,
  idpConfig: Schema.Struct({
    credentialProviderArn: Schema.String,
    scopes: Schema.Array(Schema.String),
    audience: Schema.optional(Schema.String)
  }),
  statusReason: Schema.optional(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ConsentPortal extends Schema.Schema.Type<typeof ConsentPortal> {}

/**
 * The five operations on consent portals. Creation and update are accepted (202) and finish later; `status` reports the
 * progress.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  createConsentPortal: Operation.make({
    name: "CreateConsentPortal",
    plane: "control",
    path: "/identities/CreateConsentPortal",
    status: 202,
    request: Schema.Struct({
      executionRoleArn: RoleArn,
      idpConfig: IdpConfig,
      name: text({ min: 1, max: 50, pattern: /[a-zA-Z0-9_-]{1,50}/ }),
      sources: list(Source, { min: 1, max: 1 }),
      description: Schema.optional(Description),
      tags: Schema.optional(Tags)
    }),
    reply: ConsentPortal,
    errors: [...commonErrors, "Conflict", "ServiceQuotaExceeded"],
    repeat: repeats.createConsentPortal
  }),
  getConsentPortal: Operation.make({
    name: "GetConsentPortal",
    plane: "control",
    path: "/identities/GetConsentPortal",
    request: Schema.Struct({ consentPortalIdentifier: Identifier }),
    reply: ConsentPortal,
    errors: commonErrors
  }),
  updateConsentPortal: Operation.make({
    name: "UpdateConsentPortal",
    plane: "control",
    path: "/identities/UpdateConsentPortal",
    status: 202,
    request: Schema.Struct({
      consentPortalIdentifier: Identifier,
      executionRoleArn: Schema.optional(RoleArn),
      idpConfig: Schema.optional(IdpConfig),
      description: Schema.optional(Description)
    }),
    reply: ConsentPortal,
    errors: [...commonErrors, "Conflict"]
  }),
  deleteConsentPortal: Operation.make({
    name: "DeleteConsentPortal",
    plane: "control",
    path: "/identities/DeleteConsentPortal",
    status: 204,
    request: Schema.Struct({ consentPortalIdentifier: Identifier }),
    reply: EmptyReply,
    errors: [...commonErrors, "Conflict"]
  }),
  listConsentPortals: Operation.make({
    name: "ListConsentPortals",
    plane: "control",
    path: "/identities/ListConsentPortals",
    request: page(100),
    reply: Schema.Struct({
      consentPortals: Schema.Array(Schema.Struct(summary)),
      nextToken: Schema.optional(Schema.String)
    }),
    errors: ["ValidationError", "Unauthorized", "AccessDenied", "Throttled", "InternalServerError"]
  })
}
