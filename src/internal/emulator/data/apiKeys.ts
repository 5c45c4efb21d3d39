import * as Either from "effect/Either"
import type { Method } from "../../../IdentityApi.js"
import { findProvider, resolveSecret } from "../control/providers.js"
import * as assumptions from "../state/assumptions.js"
import type { Store } from "../state/store.js"
import { authorize } from "./workloadTokens.js"

const operation = "GetResourceApiKey"

/** @internal */
export const make =
  (store: Store): Method<"getResourceApiKey"> => ({ resourceCredentialProviderName: name, workloadIdentityToken }) =>
    store.read((state, now) =>
      Either.gen(function*() {
        yield* authorize(operation, state, now, workloadIdentityToken)
        const provider = yield* findProvider(operation, "apikey", state.apiKeyProviders, name)
        const apiKey = yield* resolveSecret(operation, state, provider.apiKey)
        return apiKey === undefined ? yield* Either.left(assumptions.retrievalFailed(operation)) : { apiKey }
      })
    )
