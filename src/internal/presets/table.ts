/** Presets of all vendors: the endpoints of their authorization servers, and their deviations from OAuth 2.0. */
import type { CredentialProviderVendor } from "../../Oauth2Provider.js"
import { dedicated } from "./dedicated.js"
import { included } from "./included.js"
import type { Preset } from "./preset.js"
import { tenant } from "./tenant.js"

export type { Evidence, Preset, Quirk, Refresh, TenantEndpoints } from "./preset.js"

/** @internal */
export type PresetVendor = Exclude<CredentialProviderVendor, "CustomOauth2">

/** @internal */
export const presets: { readonly [Vendor in PresetVendor]: Preset } = { ...dedicated, ...included, ...tenant }
