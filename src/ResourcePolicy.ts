/**
 * Resource policies: JSON documents that say who may do what with a resource.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { taggingErrors } from "./internal/members.js"
import { Nothing, text } from "./internal/shape.js"
import * as Operation from "./Operation.js"

const ResourceArn = text({ min: 20, max: 1011 })

const Policy = text({ min: 1, max: 20480 })

/**
 * The three operations on resource policies, which AWS documents for Runtime and Gateway only.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  putResourcePolicy: Operation.make({
    name: "PutResourcePolicy",
    plane: "control",
    method: "PUT",
    path: "/resourcepolicy/{resourceArn}",
    status: 201,
    request: Schema.Struct({ resourceArn: ResourceArn, policy: Policy }),
    reply: Schema.Struct({ policy: Schema.String }),
    errors: taggingErrors
  }),
  getResourcePolicy: Operation.make({
    name: "GetResourcePolicy",
    plane: "control",
    method: "GET",
    path: "/resourcepolicy/{resourceArn}",
    request: Schema.Struct({ resourceArn: ResourceArn }),
    reply: Schema.Struct({ policy: Schema.optional(Schema.String) }),
    errors: taggingErrors
  }),
  deleteResourcePolicy: Operation.make({
    name: "DeleteResourcePolicy",
    plane: "control",
    method: "DELETE",
    path: "/resourcepolicy/{resourceArn}",
    status: 204,
    request: Schema.Struct({ resourceArn: ResourceArn }),
    reply: Nothing,
    errors: taggingErrors
  })
}
