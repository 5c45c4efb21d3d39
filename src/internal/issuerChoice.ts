/** Who answers for a provider, in one word or URL. */
import * as Option from "effect/Option"
import type { IssuerChoice } from "../IdentityControls.js"

const discovery = /^https?:\/\/.+\/\.well-known\/(openid-configuration|oauth-authorization-server)$/

/** @internal */
export const expected =
  "simulated, federated, or a URL that ends in /.well-known/openid-configuration or /.well-known/oauth-authorization-server"

/** @internal */
export const fromText = (text: string): Option.Option<IssuerChoice> =>
  text === "simulated" || text === "federated"
    ? Option.some(text)
    : URL.canParse(text) && discovery.test(text)
    ? Option.some({ discoveryUrl: text })
    : Option.none()

/** @internal */
export const toText = (choice: IssuerChoice): string => typeof choice === "string" ? choice : choice.discoveryUrl
