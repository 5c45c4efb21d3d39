/** Who answers for a provider, in one word or URL. */
import * as Option from "effect/Option"
import type { IssuerChoice } from "../IdentityControls.js"
import { isLoopback } from "./engine/endpoints.js"

const discovery = /\/\.well-known\/(openid-configuration|oauth-authorization-server)$/

/** @internal */
export const expected =
  "simulated, federated, or a URL (https unless on loopback) that ends in /.well-known/openid-configuration or " +
  "/.well-known/oauth-authorization-server"

const isDiscovery = (text: string) => {
  if (!URL.canParse(text) || !discovery.test(text)) return false
  const { hostname, protocol } = new URL(text)
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname))
}

/** @internal */
export const fromText = (text: string): Option.Option<IssuerChoice> =>
  text === "simulated" || text === "federated"
    ? Option.some(text)
    : isDiscovery(text)
    ? Option.some({ discoveryUrl: text })
    : Option.none()

/** @internal */
export const toText = (choice: IssuerChoice): string => typeof choice === "string" ? choice : choice.discoveryUrl
