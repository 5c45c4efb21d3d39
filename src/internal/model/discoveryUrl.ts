/** Discovery URLs of authorization servers: OpenID Connect Discovery 1.0, section 4, and RFC 8414, section 3.1. */
import { trimTrailing } from "../lib/text.js"

/**
 * A well-known name with or without a path behind it. Why not AWS's own pattern: `engine/choices.ts`.
 *
 * @internal
 */
export const pattern: RegExp = /[^\s?#]+\/\.well-known\/(openid-configuration|oauth-authorization-server)(\/[^\s?#]*)?/

const excluded = /[\s?#]/

// Without the excluded characters the first well-known name matches or fails at once, so this takes linear time.
const split = /^(.+?)\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(\/.*)?$/

const parts = (url: string) => excluded.test(url) ? null : split.exec(url)

/**
 * The same as `pattern`, in linear time.
 *
 * @internal
 */
export const isDiscoveryUrl = (url: string): boolean => parts(url) !== null

const isOrigin = (url: string) => /^[^/]+:\/\/[^/]+$/.test(url)

const withoutSlash = (url: string) => url.endsWith("/") ? url.slice(0, -1) : url

/**
 * The issuers whose metadata is at this URL: the well-known name is appended to the issuer, or inserted between its host
 * and its path. An issuer with a slash at its end has the same URL as one without. Empty if the URL is not a discovery
 * URL, or has a path on both sides of the well-known name, which no specification describes.
 *
 * @internal
 */
export const issuersOf = (discoveryUrl: string): ReadonlyArray<string> => {
  const [, before = "", behind = ""] = parts(discoveryUrl) ?? []
  const base = withoutSlash(before)
  const path = withoutSlash(behind)
  if (base === "" || (path !== "" && !isOrigin(base))) return []
  return [base + path, `${base}${path}/`]
}

/**
 * Where an issuer publishes its metadata by OpenID Connect Discovery 1.0.
 *
 * @internal
 */
export const openIdUrl = (issuer: string): string => `${trimTrailing(issuer, "/")}/.well-known/openid-configuration`

/**
 * Where an issuer publishes its metadata by RFC 8414.
 *
 * @internal
 */
export const oauthUrl = (issuer: string): string => {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${trimTrailing(pathname, "/")}`
}
