/**
 * Workload identities: the identity of an agent, and the URLs to which a user's browser may return after consent.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { commonErrors, page, ReturnUrls, Tags, WorkloadName } from "./internal/model/fields.js"
import { repeats } from "./internal/model/repeats.js"
import { EmptyReply, Timestamp } from "./internal/model/smithy.js"
import * as Operation from "./Operation.js"

const reply = {
  name: Schema.String,
  workloadIdentityArn: Schema.String,
  allowedResourceOauth2ReturnUrls: Schema.optional(Schema.Array(Schema.String))
}

/**
 * A workload identity, as replies contain it.
 *
 * @since 0.1.0
 * @category models
 */
export const WorkloadIdentity = Schema.Struct({ ...reply, createdTime: Timestamp, lastUpdatedTime: Timestamp })

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkloadIdentity extends Schema.Schema.Type<typeof WorkloadIdentity> {}

/**
 * The five operations on workload identities.
 *
 * @since 0.1.0
 * @category operations
 */
export const operations = {
  createWorkloadIdentity: Operation.make({
    name: "CreateWorkloadIdentity",
    plane: "control",
    path: "/identities/CreateWorkloadIdentity",
    status: 201,
    request: Schema.Struct({
      name: WorkloadName,
      allowedResourceOauth2ReturnUrls: Schema.optional(ReturnUrls),
      tags: Schema.optional(Tags)
    }),
    reply: Schema.Struct(reply),
    errors: commonErrors,
    repeat: repeats.createWorkloadIdentity
  }),
  getWorkloadIdentity: Operation.make({
    name: "GetWorkloadIdentity",
    plane: "control",
    path: "/identities/GetWorkloadIdentity",
    request: Schema.Struct({ name: WorkloadName }),
    reply: WorkloadIdentity,
    errors: commonErrors
  }),
  updateWorkloadIdentity: Operation.make({
    name: "UpdateWorkloadIdentity",
    plane: "control",
    path: "/identities/UpdateWorkloadIdentity",
    request: Schema.Struct({ name: WorkloadName, allowedResourceOauth2ReturnUrls: Schema.optional(ReturnUrls) }),
    reply: WorkloadIdentity,
    errors: commonErrors
  }),
  deleteWorkloadIdentity: Operation.make({
    name: "DeleteWorkloadIdentity",
    plane: "control",
    path: "/identities/DeleteWorkloadIdentity",
    status: 204,
    request: Schema.Struct({ name: WorkloadName }),
    reply: EmptyReply,
    errors: commonErrors
  }),
  listWorkloadIdentities: Operation.make({
    name: "ListWorkloadIdentities",
    plane: "control",
    path: "/identities/ListWorkloadIdentities",
    request: page(20),
    reply: Schema.Struct({
      workloadIdentities: Schema.Array(Schema.Struct({ name: Schema.String, workloadIdentityArn: Schema.String })),
      nextToken: Schema.optional(Schema.String)
    }),
    errors: commonErrors
  })
}
