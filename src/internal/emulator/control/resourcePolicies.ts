/** Tags and policies, which every resource can have. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import type { IdentityApi } from "../../../IdentityApi.js"
import { ResourceNotFound, ServiceQuotaExceeded } from "../../../IdentityError.js"
import type * as ResourceTag from "../../../ResourceTag.js"
import { directoryArn, vaultArn } from "../state/arns.js"
import type { OperationName, State } from "../state/state.js"
import { result, type Store } from "../state/store.js"
import * as Table from "../state/table.js"

const maxTags = 50

const tagsOf = (state: State, arn: string): { readonly [key: string]: string } =>
  Option.getOrElse(Table.get(state.tags, arn), () => ({}))

/** @internal */
export const make = (
  store: Store
): Pick<IdentityApi["Type"], keyof typeof ResourceTag.operations> => {
  const builtIn = [directoryArn(store.settings), vaultArn(store.settings)]

  const exists = (state: State, arn: string) => {
    // The name of a resource is the end of its ARN.
    const name = arn.slice(arn.lastIndexOf("/") + 1)
    const has = <A extends { readonly arn: string }>(resources: Table.Table<A>) =>
      Option.exists(Table.get(resources, name), (resource) => resource.arn === arn)
    return builtIn.includes(arn) ||
      has(state.workloads) ||
      has(state.oauth2Providers) ||
      has(state.apiKeyProviders) ||
      has(state.paymentProviders) ||
      Option.exists(Table.get(state.portals, name), ({ consentPortalArn }) => consentPortalArn === arn)
  }

  const existing = (operation: OperationName, state: State, arn: string): Either.Either<string, ResourceNotFound> =>
    exists(state, arn)
      ? Either.right(arn)
      : Either.left(new ResourceNotFound({ operation, message: `Resource '${arn}' not found` }))

  return {
    tagResource: ({ resourceArn, tags }) =>
      store.decide((state) =>
        Either.flatMap(existing("TagResource", state, resourceArn), (arn) => {
          const merged = { ...tagsOf(state, arn), ...tags }
          return Record.size(merged) > maxTags
            ? Either.left(
              new ServiceQuotaExceeded({
                operation: "TagResource",
                message: `A resource has at most ${maxTags} tags; remove some first`
              })
            )
            : Either.right(result({}, { ...state, tags: Table.set(state.tags, arn, merged) }))
        })
      ),

    untagResource: ({ resourceArn, tagKeys }) =>
      store.decide((state) =>
        Either.map(existing("UntagResource", state, resourceArn), (arn) => {
          const remaining = Record.filter(tagsOf(state, arn), (_, key) => !tagKeys.includes(key))
          return result({}, { ...state, tags: Table.set(state.tags, arn, remaining) })
        })
      ),

    listTagsForResource: ({ resourceArn }) =>
      store.read((state) =>
        Either.map(existing("ListTagsForResource", state, resourceArn), (arn) => ({ tags: tagsOf(state, arn) }))
      ),

    putResourcePolicy: ({ policy, resourceArn }) =>
      store.decide((state) =>
        Either.map(
          existing("PutResourcePolicy", state, resourceArn),
          (arn) => result({ policy }, { ...state, policies: Table.set(state.policies, arn, policy) })
        )
      ),

    getResourcePolicy: ({ resourceArn }) =>
      store.read((state) =>
        Either.map(existing("GetResourcePolicy", state, resourceArn), (arn) => ({
          policy: Option.getOrUndefined(Table.get(state.policies, arn))
        }))
      ),

    deleteResourcePolicy: ({ resourceArn }) =>
      store.decide((state) =>
        Either.map(
          existing("DeleteResourcePolicy", state, resourceArn),
          (arn) => result({}, { ...state, policies: Table.remove(state.policies, arn) })
        )
      )
  }
}
