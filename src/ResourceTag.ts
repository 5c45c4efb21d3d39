/**
 * Tags on workload identities, providers, the token vault, the directory and consent portals.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { taggingErrors, TagKey, Tags } from "./internal/members.js"
import { list, Nothing, text } from "./internal/shape.js"
import * as Operation from "./Operation.js"

// The published pattern knows no digit in a segment, and so no OAuth2 provider: of it only the beginning is held to.
const ResourceArn = text({
  min: 20,
  max: 1011,
  pattern: /arn:(?:[^:]+)?:bedrock-agentcore:[a-z0-9-]+:[0-9]{12}:([a-z-]+\/[^/]+)(?:\/[a-z0-9-]+\/[^/]+)*/
})

// The model allows no items at all. A query cannot say so: AWS would find the required member missing.
const TagKeys = list(TagKey, { min: 1, max: 200 })

/**
 * The three operations on tags. Whether AWS allows them on identity resources is said in two ways by its documents.
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
    request: Schema.Struct({ resourceArn: ResourceArn, tags: Tags }),
    reply: Nothing,
    errors: [...taggingErrors, "ServiceQuotaExceeded"]
  }),
  untagResource: Operation.make({
    name: "UntagResource",
    plane: "control",
    method: "DELETE",
    path: "/tags/{resourceArn}",
    query: ["tagKeys"],
    status: 204,
    request: Schema.Struct({ resourceArn: ResourceArn, tagKeys: TagKeys }),
    reply: Nothing,
    errors: taggingErrors
  }),
  listTagsForResource: Operation.make({
    name: "ListTagsForResource",
    plane: "control",
    method: "GET",
    path: "/tags/{resourceArn}",
    request: Schema.Struct({ resourceArn: ResourceArn }),
    reply: Schema.Struct({ tags: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })) }),
    errors: taggingErrors
  })
}
