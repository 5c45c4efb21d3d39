/** Which errors an operation may be made to fail with: those that its model gives it. */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as IdentityApi from "../../../IdentityApi.js"
import { IdentityControls } from "../../../IdentityControls.js"
import type { ModelledTag, Operation } from "../../../Operation.js"
import { exceptions } from "../../model/exceptions.js"

/** @internal */
export const keys: ReadonlyArray<IdentityApi.OperationKey> = Record.keys(IdentityApi.operations)

/**
 * An operation by the name of its method, or as AWS spells it.
 *
 * @internal
 */
export const keyOf = (name: string): IdentityApi.OperationKey | undefined =>
  keys.find((key) => key === name || IdentityApi.operations[key].name === name)

/** @internal */
export const errorsOf = (key: IdentityApi.OperationKey): ReadonlyArray<ModelledTag> => {
  const operation: Operation.Any = IdentityApi.operations[key]
  return operation.errors
}

/**
 * One of the errors of this operation, by its tag, or as AWS spells it.
 *
 * @internal
 */
export const errorOf = (key: IdentityApi.OperationKey, name: string): ModelledTag | undefined =>
  errorsOf(key).find((tag) => tag === name || exceptions[tag].exception === name)

/**
 * The errors of this operation for people, each as it may be given: by its tag, and as AWS spells it.
 *
 * @internal
 */
export const namesOf = (key: IdentityApi.OperationKey): ReadonlyArray<string> =>
  errorsOf(key).map((tag) => {
    const { exception } = exceptions[tag]
    return exception === tag ? tag : `${tag} (${exception})`
  })

/** @internal */
export const failNext = (
  key: IdentityApi.OperationKey,
  tag: ModelledTag,
  times: number,
  message = "failed on purpose"
): Effect.Effect<void, never, IdentityControls> =>
  Effect.flatMap(
    IdentityControls,
    (controls) =>
      controls.failNext(key, new exceptions[tag].make({ operation: IdentityApi.operations[key].name, message }), times)
  )
