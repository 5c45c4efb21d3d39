import type { Layer } from "effect"
import { administration } from "./contract/administration.js"
import { consent } from "./contract/consent.js"
import { consentControls } from "./contract/consentControls.js"
import { credentials } from "./contract/credentials.js"
import { deletion } from "./contract/deletion.js"
import { handles } from "./contract/handles.js"
import { identityOfGrants } from "./contract/identityOfGrants.js"
import { providerUpdates } from "./contract/providerUpdates.js"
import { renewal } from "./contract/renewal.js"
import type { Extent, Services } from "./contract/section.js"
import { seed } from "./contract/seed.js"
import { sharing } from "./contract/sharing.js"
import { strategies } from "./contract/strategies.js"
import { waiting } from "./contract/waiting.js"

/** The contract suite, which every layer must pass. */
export const suite = <E>(name: string, layer: Layer.Layer<Services, E>, extent: Extent = "sample") => {
  administration(name, layer, extent)
  credentials(name, layer, extent)
  consent(name, layer, extent)
  consentControls(name, layer, extent)
  seed(name, layer, extent)
  waiting(name, layer, extent)
  strategies(name, layer, extent)
  sharing(name, layer, extent)
  renewal(name, layer, extent)
  handles(name, layer, extent)
  providerUpdates(name, layer, extent)
  identityOfGrants(name, layer, extent)
  deletion(name, layer, extent)
}
