/** Workload identities. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { IdentityApi } from "../../../IdentityApi.js"
import type { operations, WorkloadIdentity } from "../../../WorkloadIdentity.js"
import { workloadArn } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import * as quotas from "../state/quotas.js"
import type { OperationName, State, Workload } from "../state/state.js"
import { find, result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"
import { page } from "./paging.js"
import * as tags from "./tags.js"

const describe = (workload: Workload): WorkloadIdentity => ({
  name: workload.name,
  workloadIdentityArn: workload.arn,
  allowedResourceOauth2ReturnUrls: workload.returnUrls,
  createdTime: workload.createdTime,
  lastUpdatedTime: workload.lastUpdatedTime
})

/** @internal */
export const findWorkload = (operation: OperationName, state: State, name: string) =>
  find(operation, "Workload identity", state.workloads, name)

/** Removes the identity with its tokens, sessions and grants. They stay removed if the name is used again. */
const remove = (state: State, { arn, name }: Workload): State => ({
  ...state,
  workloads: Table.remove(state.workloads, name),
  ...tags.forget(state, arn),
  workloadTokens: Table.removeAll(state.workloadTokens, "workload", name),
  sessions: Table.removeAll(state.sessions, "workload", name),
  grants: Table.removeAll(state.grants, "name", name),
  machineTokens: Table.removeAll(state.machineTokens, "workload", name)
})

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => ({
  createWorkloadIdentity: (request) =>
    store.decide((state, now) => {
      const { name } = request
      if (Table.has(state.workloads, name)) {
        return Either.left(assumptions.workloadExists("CreateWorkloadIdentity", name))
      }
      const message = quotas.exceededMessage(store.settings.quotas, "workloadIdentities", state.workloads)
      if (Option.isSome(message)) {
        return Either.left(assumptions.tooManyWorkloads("CreateWorkloadIdentity", message.value))
      }
      const arn = workloadArn(store.settings, name)
      const returnUrls = request.allowedResourceOauth2ReturnUrls
      const workload = { name, arn, returnUrls, linked: false, createdTime: now, lastUpdatedTime: now }
      return Either.right(result(
        { name, workloadIdentityArn: arn, allowedResourceOauth2ReturnUrls: returnUrls },
        {
          ...state,
          workloads: Table.set(state.workloads, name, workload),
          tags: tags.set(state.tags, arn, request.tags)
        }
      ))
    }),

  getWorkloadIdentity: ({ name }) =>
    store.read((state) => Either.map(findWorkload("GetWorkloadIdentity", state, name), describe)),

  updateWorkloadIdentity: (request) =>
    store.decide((state, now) =>
      Either.map(findWorkload("UpdateWorkloadIdentity", state, request.name), (stored) => {
        const workload = {
          ...stored,
          returnUrls: assumptions.updatedReturnUrls(stored.returnUrls, request.allowedResourceOauth2ReturnUrls),
          lastUpdatedTime: now
        }
        return result(describe(workload), {
          ...state,
          workloads: Table.set(state.workloads, request.name, workload)
        })
      })
    ),

  deleteWorkloadIdentity: ({ name }) =>
    store.decide((state) =>
      Either.map(
        findWorkload("DeleteWorkloadIdentity", state, name),
        (workload) => result({}, remove(state, workload))
      )
    ),

  listWorkloadIdentities: (request) =>
    store.read((state) =>
      Either.map(page("ListWorkloadIdentities", request, 20, state.workloads), ({ items, nextToken }) => ({
        workloadIdentities: items.map(({ arn, name }) => ({ name, workloadIdentityArn: arn })),
        nextToken
      }))
    )
})
