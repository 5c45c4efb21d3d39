/** OAuth2 credential providers. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { IdentityApi, Request } from "../../../IdentityApi.js"
import type { operations } from "../../../Oauth2Provider.js"
import { callbackUrl } from "../state/arns.js"
import * as assumptions from "../state/assumptions.js"
import type { Oauth2Provider, OperationName, Resource, State } from "../state/state.js"
import type { Store } from "../state/store.js"
import * as providers from "./providers.js"
import { configure } from "./vendorConfigs.js"

/** @internal */
export const findOauth2Provider = (operation: OperationName, state: State, name: string) =>
  providers.findProvider(operation, "oauth2", state.oauth2Providers, name)

/** @internal */
export const make = (store: Store): Pick<IdentityApi["Type"], keyof typeof operations> => {
  const { create, delete: remove, get, list, update } = providers.make(store, {
    kind: "oauth2",
    maxResults: 20,
    read: (state) => state.oauth2Providers,
    write: (state, oauth2Providers, before, after) => ({
      ...(before === undefined ? state : assumptions.afterUpdate(state, before, after)),
      oauth2Providers
    }),
    fixed: (arn) => Effect.map(assumptions.callbackId(arn), (id) => ({ callbackUrl: callbackUrl(store.settings, id) })),
    configure: (
      owner,
      { credentialProviderVendor: vendor, oauth2ProviderConfigInput }: Request<"updateOauth2CredentialProvider">,
      base: Resource & Pick<Oauth2Provider, "callbackUrl">
    ) =>
      Either.gen(function*() {
        const { clientSecret, ...configured } = yield* configure(owner.operation, vendor, oauth2ProviderConfigInput)
        return { ...base, ...configured, vendor, clientSecret: yield* providers.secret(owner, clientSecret) }
      }),
    view: ({ callbackUrl, clientSecret, config }) => ({
      clientSecretArn: { secretArn: clientSecret.arn },
      clientSecretJsonKey: providers.jsonKey(clientSecret),
      clientSecretSource: clientSecret.source,
      callbackUrl,
      oauth2ProviderConfigOutput: config,
      status: "READY" as const
    }),
    vendor: ({ vendor }) => ({ credentialProviderVendor: vendor })
  })
  return {
    createOauth2CredentialProvider: create("CreateOauth2CredentialProvider"),
    getOauth2CredentialProvider: get("GetOauth2CredentialProvider"),
    updateOauth2CredentialProvider: update("UpdateOauth2CredentialProvider"),
    deleteOauth2CredentialProvider: remove("DeleteOauth2CredentialProvider"),
    listOauth2CredentialProviders: list("ListOauth2CredentialProviders")
  }
}
