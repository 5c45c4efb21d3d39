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
import type { Exemptions, Extent, Services } from "./contract/section.js"
import { seed } from "./contract/seed.js"
import { sharing } from "./contract/sharing.js"
import { strategies } from "./contract/strategies.js"
import { waiting } from "./contract/waiting.js"

/** The contract suite, which every layer must pass. */
export const suite = <E>(
  name: string,
  layer: Layer.Layer<Services, E>,
  extent: Extent = "sample",
  exemptions: Exemptions = {}
) => {
  administration(name, layer, extent, exemptions)
  credentials(name, layer, extent, exemptions)
  consent(name, layer, extent, exemptions)
  consentControls(name, layer, extent, exemptions)
  seed(name, layer, extent, exemptions)
  waiting(name, layer, extent, exemptions)
  strategies(name, layer, extent, exemptions)
  sharing(name, layer, extent, exemptions)
  renewal(name, layer, extent, exemptions)
  handles(name, layer, extent, exemptions)
  providerUpdates(name, layer, extent, exemptions)
  identityOfGrants(name, layer, extent, exemptions)
  deletion(name, layer, extent, exemptions)
}
