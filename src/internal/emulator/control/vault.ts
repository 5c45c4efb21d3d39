/** The token vault. */
import * as Either from "effect/Either"
import type { IdentityApi } from "../../../IdentityApi.js"
import { ResourceNotFound } from "../../../IdentityError.js"
import type { operations } from "../../../TokenVault.js"
import { fieldError } from "../../model/validation.js"
import type { OperationName, State } from "../state/state.js"
import { result, type Store } from "../state/store.js"

const find = (operation: OperationName, { vault }: State, id = vault.tokenVaultId) =>
  id === vault.tokenVaultId
    ? Either.right(vault)
    : Either.left(new ResourceNotFound({ operation, message: `Token vault '${id}' not found` }))

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => ({
  getTokenVault: ({ tokenVaultId }) => store.read((state) => find("GetTokenVault", state, tokenVaultId)),

  setTokenVaultCMK: ({ kmsConfiguration: { keyType, kmsKeyArn }, tokenVaultId }) =>
    store.decide((state, now) =>
      Either.flatMap(find("SetTokenVaultCMK", state, tokenVaultId), (stored) => {
        if (keyType === "CustomerManagedKey" && kmsKeyArn === undefined) {
          return Either.left(
            fieldError("SetTokenVaultCMK", { name: "kmsConfiguration.kmsKeyArn", message: "Member must not be null" })
          )
        }
        const vault = {
          ...stored,
          kmsConfiguration: keyType === "CustomerManagedKey" ? { keyType, kmsKeyArn } : { keyType },
          lastModifiedDate: now
        }
        return Either.right(result(vault, { ...state, vault }))
      })
    )
})
