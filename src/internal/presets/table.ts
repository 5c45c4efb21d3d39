/** What is known of each vendor's authorization server: where it is, and how it differs from others. */
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
