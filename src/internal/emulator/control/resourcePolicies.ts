/** What every resource has, whatever it is: tags, and a policy. */
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import type { IdentityApi } from "../../../IdentityApi.js"
import { ResourceNotFound, ServiceQuotaExceeded } from "../../../IdentityError.js"
import type * as ResourceTag from "../../../ResourceTag.js"
import { directoryArn, vaultArn } from "../state/arns.js"
import type { OperationName, State } from "../state/state.js"
import { result, type Store } from "../state/store.js"

const tagQuota = 50

const tagsOf = (state: State, arn: string): { readonly [key: string]: string } =>
  Option.getOrElse(HashMap.get(state.tags, arn), () => ({}))

/** @internal */
export const make = (
  store: Store
): Pick<IdentityApi["Type"], keyof typeof ResourceTag.operations> => {
  const always = [directoryArn(store.settings), vaultArn(store.settings)]

  const exists = (state: State, arn: string) => {
    const isIt = (one: { readonly arn: string }) => one.arn === arn
    return always.includes(arn) ||
      HashMap.some(state.workloads, isIt) ||
      HashMap.some(state.oauth2Providers, isIt) ||
      HashMap.some(state.apiKeyProviders, isIt) ||
      HashMap.some(state.paymentProviders, isIt) ||
      HashMap.some(state.portals, (portal) => portal.consentPortalArn === arn)
  }

  const found = (operation: OperationName, state: State, arn: string): Either.Either<string, ResourceNotFound> =>
    exists(state, arn)
      ? Either.right(arn)
      : Either.left(new ResourceNotFound({ operation, message: `Resource '${arn}' not found` }))

  return {
    tagResource: ({ resourceArn, tags }) =>
      store.decide((state) =>
        Either.flatMap(found("TagResource", state, resourceArn), (arn) => {
          const merged = { ...tagsOf(state, arn), ...tags }
          return Record.size(merged) > tagQuota
            ? Either.left(
              new ServiceQuotaExceeded({
                operation: "TagResource",
                message: `A resource has at most ${tagQuota} tags`
              })
            )
            : Either.right(result({}, { ...state, tags: HashMap.set(state.tags, arn, merged) }))
        })
      ),

    untagResource: ({ resourceArn, tagKeys }) =>
      store.decide((state) =>
        Either.map(found("UntagResource", state, resourceArn), (arn) => {
          const left = Record.filter(tagsOf(state, arn), (_, key) => !tagKeys.includes(key))
          return result({}, { ...state, tags: HashMap.set(state.tags, arn, left) })
        })
      ),

    listTagsForResource: ({ resourceArn }) =>
      store.read((state) =>
        Either.map(found("ListTagsForResource", state, resourceArn), (arn) => ({ tags: tagsOf(state, arn) }))
      ),

    putResourcePolicy: ({ policy, resourceArn }) =>
      store.decide((state) =>
        Either.map(
          found("PutResourcePolicy", state, resourceArn),
          (arn) => result({ policy }, { ...state, policies: HashMap.set(state.policies, arn, policy) })
        )
      ),

    getResourcePolicy: ({ resourceArn }) =>
      store.read((state) =>
        Either.map(found("GetResourcePolicy", state, resourceArn), (arn) => ({
          policy: Option.getOrUndefined(HashMap.get(state.policies, arn))
        }))
      ),

    deleteResourcePolicy: ({ resourceArn }) =>
      store.decide((state) =>
        Either.map(
          found("DeleteResourcePolicy", state, resourceArn),
          (arn) => result({}, { ...state, policies: HashMap.remove(state.policies, arn) })
        )
      )
  }
}
