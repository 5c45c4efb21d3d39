/** Workload identities. */
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { IdentityApi } from "../../../IdentityApi.js"
import type { operations, WorkloadIdentity } from "../../../WorkloadIdentity.js"
import { workloadArn } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import * as quotas from "../state/quotas.js"
import type { OperationName, State, Workload } from "../state/state.js"
import { find, result, type Store } from "../state/store.js"
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
const remove = (state: State, { arn, name }: Workload): State => {
  const others = ({ workloadName }: { readonly workloadName: string }) => workloadName !== name
  return {
    ...state,
    workloads: HashMap.remove(state.workloads, name),
    ...tags.forget(state, arn),
    workloadTokens: HashMap.filter(state.workloadTokens, others),
    sessions: HashMap.filter(state.sessions, others),
    grants: HashMap.filter(state.grants, (_, key) => others(key)),
    machineTokens: HashMap.filter(state.machineTokens, others)
  }
}

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => ({
  createWorkloadIdentity: (request) =>
    store.decide((state, now) => {
      const { name } = request
      if (HashMap.has(state.workloads, name)) {
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
          workloads: HashMap.set(state.workloads, name, workload),
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
          workloads: HashMap.set(state.workloads, request.name, workload)
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
