/** The workload identities and providers, for the pages. */
import * as Effect from "effect/Effect"
import { IdentityControls } from "../../../IdentityControls.js"

/** @internal */
export interface Provider {
  readonly kind: "OAuth2" | "API key" | "Payment"
  readonly name: string
  readonly vendor: string | undefined
  /** Only for OAuth2 providers. */
  readonly issuer?: "simulated" | "federated"
  /** The discovery URL of the authorization server that replaces the provider's own. */
  readonly discoveryUrl?: string
  /** The URL to register at the authorization server. Only for OAuth2 providers. */
  readonly callbackUrl?: string
}

/** @internal */
export interface Inventory {
  readonly workloads: ReadonlyArray<string>
  readonly providers: ReadonlyArray<Provider>
}

/** Names that AWS spells differently from the vendor. */
const vendorSpelling: { readonly [name: string]: string } = {
  Github: "GitHub",
  Hubspot: "HubSpot",
  Linkedin: "LinkedIn"
}

/** The display name of an OAuth2 vendor. */
export const vendorName = (vendor: string): string => {
  const name = vendor.replace(/Oauth2$/, "")
  return vendorSpelling[name] ?? name
}

/** @internal */
export const read: Effect.Effect<Inventory, never, IdentityControls> = Effect.flatMap(
  IdentityControls,
  ({ inventory }) =>
    Effect.map(inventory, (all): Inventory => ({
      workloads: all.workloadIdentities.map(({ name }) => name),
      providers: [
        ...all.oauth2CredentialProviders.map((
          { callbackUrl, credentialProviderVendor, issuer, issuerChoice, name }
        ): Provider => ({
          kind: "OAuth2",
          name,
          vendor: vendorName(credentialProviderVendor),
          issuer,
          callbackUrl,
          ...(typeof issuerChoice === "object" && { discoveryUrl: issuerChoice.discoveryUrl })
        })),
        ...all.apiKeyCredentialProviders.map(({ name }): Provider => ({ kind: "API key", name, vendor: undefined })),
        ...all.paymentCredentialProviders.map(({ credentialProviderVendor, name }): Provider => ({
          kind: "Payment",
          name,
          vendor: credentialProviderVendor
        }))
      ]
    }))
)
