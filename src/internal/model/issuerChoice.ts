/** Text form of the issuer of a provider: `simulated`, `federated` or a discovery URL. */
import * as Option from "effect/Option"
import type { IssuerChoice } from "../../IdentityControls.js"
import { isHttpsOrLoopback } from "../lib/loopback.js"
import { parseUrl } from "../lib/url.js"
import { issuersOf } from "./discoveryUrl.js"

/** @internal */
export const expectedText = "simulated, federated, or a URL (https unless on loopback, without ? and #) that ends in " +
  "/.well-known/openid-configuration or /.well-known/oauth-authorization-server, or has one of these between its host " +
  "and its path"

// Tests the issuer and not the text: the host of https:///.well-known/… would be `.well-known`.
const isDiscovery = (text: string) => Option.exists(parseUrl(issuersOf(text)[0]), isHttpsOrLoopback)

/** @internal */
export const fromText = (text: string): Option.Option<IssuerChoice> =>
  text === "simulated" || text === "federated"
    ? Option.some(text)
    : isDiscovery(text)
    ? Option.some({ discoveryUrl: text })
    : Option.none()

/** @internal */
export const toText = (choice: IssuerChoice): string => typeof choice === "string" ? choice : choice.discoveryUrl
