/** Tags and policies, which every resource can have. */
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

const maxTags = 50

const tagsOf = (state: State, arn: string): { readonly [key: string]: string } =>
  Option.getOrElse(HashMap.get(state.tags, arn), () => ({}))

/** @internal */
export const make = (
  store: Store
): Pick<IdentityApi["Type"], keyof typeof ResourceTag.operations> => {
  const builtIn = [directoryArn(store.settings), vaultArn(store.settings)]

  const exists = (state: State, arn: string) => {
    const hasArn = (resource: { readonly arn: string }) => resource.arn === arn
    return builtIn.includes(arn) ||
      HashMap.some(state.workloads, hasArn) ||
      HashMap.some(state.oauth2Providers, hasArn) ||
      HashMap.some(state.apiKeyProviders, hasArn) ||
      HashMap.some(state.paymentProviders, hasArn) ||
      HashMap.some(state.portals, (portal) => portal.consentPortalArn === arn)
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
            : Either.right(result({}, { ...state, tags: HashMap.set(state.tags, arn, merged) }))
        })
      ),

    untagResource: ({ resourceArn, tagKeys }) =>
      store.decide((state) =>
        Either.map(existing("UntagResource", state, resourceArn), (arn) => {
          const remaining = Record.filter(tagsOf(state, arn), (_, key) => !tagKeys.includes(key))
          return result({}, { ...state, tags: HashMap.set(state.tags, arn, remaining) })
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
          (arn) => result({ policy }, { ...state, policies: HashMap.set(state.policies, arn, policy) })
        )
      ),

    getResourcePolicy: ({ resourceArn }) =>
      store.read((state) =>
        Either.map(existing("GetResourcePolicy", state, resourceArn), (arn) => ({
          policy: Option.getOrUndefined(HashMap.get(state.policies, arn))
        }))
      ),

    deleteResourcePolicy: ({ resourceArn }) =>
      store.decide((state) =>
        Either.map(
          existing("DeleteResourcePolicy", state, resourceArn),
          (arn) => result({}, { ...state, policies: HashMap.remove(state.policies, arn) })
        )
      )
  }
}
