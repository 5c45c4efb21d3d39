import type { Oauth2Provider } from "../emulator/state/state.js"
import { type Preset, presets } from "../presets/table.js"

/**
 * What is known of a vendor; nothing of a custom one.
 *
 * @internal
 */
export const presetOf = (vendor: Oauth2Provider["vendor"]): Preset | undefined =>
  vendor === "CustomOauth2" ? undefined : presets[vendor]
