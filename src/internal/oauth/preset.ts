import type { Oauth2Provider } from "../emulator/state/state.js"
import { type Preset, presets } from "../presets/table.js"

/** The preset of a vendor. `undefined` for a custom provider. */
export const presetOf = (vendor: Oauth2Provider["vendor"]): Preset | undefined =>
  vendor === "CustomOauth2" ? undefined : presets[vendor]
