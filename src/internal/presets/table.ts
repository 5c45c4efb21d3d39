/** What is known of each vendor's authorization server: where it is, and how it differs from others. */
import type { CredentialProviderVendor } from "../../Oauth2Provider.js"
import { included } from "./included.js"
import { own } from "./own.js"
import type { Preset } from "./shape.js"
import { tenant } from "./tenant.js"

export type { Evidence, Preset, Quirk, Refresh, TenantEndpoints } from "./shape.js"

/** @internal */
export type PresetVendor = Exclude<CredentialProviderVendor, "CustomOauth2">

/** @internal */
export const presets: { readonly [Vendor in PresetVendor]: Preset } = { ...own, ...included, ...tenant }
