/** What there is, as the pages tell it. */
import * as Effect from "effect/Effect"
import { IdentityControls } from "../../../IdentityControls.js"

/** @internal */
export interface Provider {
  readonly kind: "OAuth2" | "API key" | "Payment"
  readonly name: string
  readonly vendor: string | undefined
  /** Who answers for an OAuth2 provider. */
  readonly issuer?: "simulated" | "federated"
  /** Whose documents are asked in its place. */
  readonly discoveryUrl?: string
}

/** @internal */
export interface Inventory {
  readonly workloads: ReadonlyArray<string>
  readonly providers: ReadonlyArray<Provider>
}

/** Vendors who spell themselves otherwise than AWS does. */
const ownSpelling: { readonly [name: string]: string } = { Github: "GitHub", Hubspot: "HubSpot", Linkedin: "LinkedIn" }

/**
 * An OAuth2 vendor's name for people.
 *
 * @internal
 */
export const vendorName = (vendor: string): string => {
  const name = vendor.replace(/Oauth2$/, "")
  return ownSpelling[name] ?? name
}

/** @internal */
export const read: Effect.Effect<Inventory, never, IdentityControls> = Effect.flatMap(
  IdentityControls,
  ({ inventory }) =>
    Effect.map(inventory, (all): Inventory => ({
      workloads: all.workloadIdentities.map(({ name }) => name),
      providers: [
        ...all.oauth2CredentialProviders.map(({ credentialProviderVendor, issuer, issuerChoice, name }): Provider => ({
          kind: "OAuth2",
          name,
          vendor: vendorName(credentialProviderVendor),
          issuer,
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
