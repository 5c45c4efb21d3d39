/** The errors with which an operation can be made to fail: those of its model. */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as IdentityApi from "../../../IdentityApi.js"
import { IdentityControls } from "../../../IdentityControls.js"
import type { ModelledTag, Operation } from "../../../Operation.js"
import { exceptions } from "../../model/exceptions.js"

/** @internal */
export const keys: ReadonlyArray<IdentityApi.OperationKey> = Record.keys(IdentityApi.operations)

/** Finds an operation by the name of its method, or by the name of AWS. */
export const keyOf = (name: string): IdentityApi.OperationKey | undefined =>
  keys.find((key) => key === name || IdentityApi.operations[key].name === name)

/** @internal */
export const errorsOf = (key: IdentityApi.OperationKey): ReadonlyArray<ModelledTag> => {
  const operation: Operation.Any = IdentityApi.operations[key]
  return operation.errors
}

/** Finds an error of an operation by its tag, or by the name of AWS. */
export const errorOf = (key: IdentityApi.OperationKey, name: string): ModelledTag | undefined =>
  errorsOf(key).find((tag) => tag === name || exceptions[tag].exception === name)

/** The names of the errors of an operation, for messages: the tag, and the name of AWS. */
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
  message = "injected failure"
): Effect.Effect<void, never, IdentityControls> =>
  Effect.flatMap(
    IdentityControls,
    (controls) =>
      controls.failNext(key, new exceptions[tag].make({ operation: IdentityApi.operations[key].name, message }), times)
  )
