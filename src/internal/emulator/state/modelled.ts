/** The errors that the model lists for an operation. */
import * as Predicate from "effect/Predicate"
import * as IdentityApi from "../../../IdentityApi.js"
import type { FailureTag } from "../../../IdentityControls.js"
import type { Operation } from "../../../Operation.js"
import { exceptions } from "../../model/exceptions.js"

/** @internal */
export const isModelled = <Key extends IdentityApi.OperationKey>(
  key: Key,
  failure: unknown
): failure is IdentityApi.Failure<Key> => {
  const { errors }: Operation.Any = IdentityApi.operations[key]
  return errors.some((tag) => Predicate.isTagged(failure, tag))
}

/** Makes the error of an operation with this tag, or `undefined` if the model does not list it. */
export const fromTag = <Key extends IdentityApi.OperationKey>(
  key: Key,
  tag: FailureTag<Key>
): IdentityApi.Failure<Key> | undefined => {
  const { errors, name }: Operation.Any = IdentityApi.operations[key]
  const known = errors.find((one) => one === tag)
  if (known === undefined) return undefined
  const failure: unknown = new exceptions[known].make({ operation: name, message: "injected failure" })
  return isModelled(key, failure) ? failure : undefined
}
