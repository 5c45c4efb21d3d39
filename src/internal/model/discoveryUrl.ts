/** Discovery URLs of authorization servers: OpenID Connect Discovery 1.0, section 4, and RFC 8414, section 3.1. */
import { trimTrailing } from "../lib/text.js"

/**
 * Pattern of a discovery URL: a well-known name, with or without a path after it. `emulator/state/assumptions.ts` says why it
 * is not the pattern of AWS.
 */
export const pattern: RegExp = /[^\s?#]+\/\.well-known\/(openid-configuration|oauth-authorization-server)(\/[^\s?#]*)?/

const excluded = /[\s?#]/

// Without the excluded characters the first well-known name matches or fails at once, so this takes linear time.
const split = /^(.+?)\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(\/.*)?$/

const parts = (url: string) => excluded.test(url) ? null : split.exec(url)

/** Tests `pattern` in linear time. */
export const isDiscoveryUrl = (url: string): boolean => parts(url) !== null

const isOrigin = (url: string) => /^[^/]+:\/\/[^/]+$/.test(url)

const withoutSlash = (url: string) => url.endsWith("/") ? url.slice(0, -1) : url

/**
 * Returns the issuers whose metadata is at this URL. The well-known name is appended to the issuer, or inserted between its
 * host and its path. Issuers with and without a slash at the end have the same URL. The result is empty for another URL, and
 * for one with a path on both sides of the well-known name, which no specification describes.
 */
export const issuersOf = (discoveryUrl: string): ReadonlyArray<string> => {
  const [, before = "", behind = ""] = parts(discoveryUrl) ?? []
  const base = withoutSlash(before)
  const path = withoutSlash(behind)
  if (base === "" || (path !== "" && !isOrigin(base))) return []
  return [base + path, `${base}${path}/`]
}

/** Returns the URL of the metadata of an issuer by OpenID Connect Discovery 1.0. */
export const openIdUrl = (issuer: string): string => `${trimTrailing(issuer, "/")}/.well-known/openid-configuration`

/** Returns the URL of the metadata of an issuer by RFC 8414. */
export const oauthUrl = (issuer: string): string => {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${trimTrailing(pathname, "/")}`
}
