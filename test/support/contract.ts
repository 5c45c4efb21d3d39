import type { Layer } from "effect"
import { administration } from "./contract/administration.js"
import { consent } from "./contract/consent.js"
import { credentials } from "./contract/credentials.js"
import { deletion } from "./contract/deletion.js"
import { handles } from "./contract/handles.js"
import { identityOfGrants } from "./contract/identityOfGrants.js"
import { providerUpdates } from "./contract/providerUpdates.js"
import type { Services } from "./contract/section.js"
import { strategies } from "./contract/strategies.js"

/** What every way of reaching the service must do. */
export const suite = <E>(name: string, layer: Layer.Layer<Services, E>) => {
  administration(name, layer)
  credentials(name, layer)
  consent(name, layer)
  strategies(name, layer)
  handles(name, layer)
  providerUpdates(name, layer)
  identityOfGrants(name, layer)
  deletion(name, layer)
}
