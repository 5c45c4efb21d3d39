/**
 * Tags on workload identities, providers, the token vault, the directory and consent portals, and resource policies.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { taggingErrors, TagKey, Tags } from "./internal/model/fields.js"
import { EmptyReply, list, text } from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

// The published pattern allows no digit in a segment, which excludes every OAuth2 provider. Only its beginning is checked.
const TaggedArn = text({
  min: 20,
  max: 1011,
  pattern: /arn:(?:[^:]+)?:bedrock-agentcore:[a-z0-9-]+:[0-9]{12}:([a-z-]+\/[^/]+)(?:\/[a-z0-9-]+\/[^/]+)*/
})

// The model allows an empty list. A query string cannot express it: AWS would report a missing member.
const TagKeys = list(TagKey, { min: 1, max: 200 })

const PolicyArn = text({ min: 20, max: 1011 })

const Policy = text({ min: 1, max: 20480 })

/**
 * The three operations on tags, and the three on resource policies. AWS documents policies for Runtime and Gateway only, and
 * its documents contradict each other on policies of identity resources.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  tagResource: Operation.make({
    name: "TagResource",
    plane: "control",
    path: "/tags/{resourceArn}",
    status: 204,
    request: Schema.Struct({ resourceArn: TaggedArn, tags: Tags }),
    reply: EmptyReply,
    errors: [...taggingErrors, "ServiceQuotaExceeded"]
  }),
  untagResource: Operation.make({
    name: "UntagResource",
    plane: "control",
    method: "DELETE",
    path: "/tags/{resourceArn}",
    query: ["tagKeys"],
    status: 204,
    request: Schema.Struct({ resourceArn: TaggedArn, tagKeys: TagKeys }),
    reply: EmptyReply,
    errors: taggingErrors
  }),
  listTagsForResource: Operation.make({
    name: "ListTagsForResource",
    plane: "control",
    method: "GET",
    path: "/tags/{resourceArn}",
    request: Schema.Struct({ resourceArn: TaggedArn }),
    reply: Schema.Struct({ tags: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })) }),
    errors: taggingErrors
  }),
  putResourcePolicy: Operation.make({
    name: "PutResourcePolicy",
    plane: "control",
    method: "PUT",
    path: "/resourcepolicy/{resourceArn}",
    status: 201,
    request: Schema.Struct({ resourceArn: PolicyArn, policy: Policy }),
    reply: Schema.Struct({ policy: Schema.String }),
    errors: taggingErrors
  }),
  getResourcePolicy: Operation.make({
    name: "GetResourcePolicy",
    plane: "control",
    method: "GET",
    path: "/resourcepolicy/{resourceArn}",
    request: Schema.Struct({ resourceArn: PolicyArn }),
    reply: Schema.Struct({ policy: Schema.optional(Schema.String) }),
    errors: taggingErrors
  }),
  deleteResourcePolicy: Operation.make({
    name: "DeleteResourcePolicy",
    plane: "control",
    method: "DELETE",
    path: "/resourcepolicy/{resourceArn}",
    status: 204,
    request: Schema.Struct({ resourceArn: PolicyArn }),
    reply: EmptyReply,
    errors: taggingErrors
  })
}
