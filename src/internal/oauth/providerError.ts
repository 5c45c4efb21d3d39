/** The errors of requests to providers, without secrets. */
import type { ProviderFailure } from "../../IdentityControls.js"
import { ProviderError } from "../emulator/state/issuer.js"
import { minSecretLength, redacted, redactText } from "../lib/redactText.js"
import type { RequestError } from "./requestError.js"

/** @internal */
export type Step = ProviderFailure["step"]

const maxLength = 300

/** Decoding takes time, and a server may return 1 MiB. */
const maxInput = 16_384

/** The greatest length of a character of a secret with its escapes. */
const maxEscape = 16

const named: { readonly [name: string]: string } = { amp: "&", apos: "'", gt: ">", lt: "<", quot: "\"" }

const character = (code: number) => code <= 0x10FFFF ? String.fromCodePoint(code) : ""

/** Decodes the escapes of JSON and HTML. */
const unescaped = (text: string): string =>
  text
    .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
    .replace(/\\(.)/g, "$1")
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
    .replace(/&#(\d{1,7});/g, (_, digits: string) => character(Number(digits)))
    .replace(/&(\w+);/g, (all, name: string) => named[name] ?? all)

/** Decodes the escapes of a URL or a form. */
const decoded = (text: string): string =>
  text.replaceAll("+", " ").replace(/%([0-9a-f]{2})/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))

/**
 * Sanitizes a text of a provider: at most 300 characters, without control characters and without the secrets it was sent.
 */
export const sanitize = (text: unknown, secrets: ReadonlyArray<string>): string | undefined => {
  if (typeof text !== "string" || text === "") return undefined
  const masked = redactText(() => secrets)(text.slice(0, maxInput))
  const known = secrets.filter((secret) => secret.length >= minSecretLength)
  // Where the text is cut, the beginning of a secret may be left.
  const margin = Math.max(0, ...known.map(({ length }) => maxEscape * length))
  if (text.length > maxInput && masked.length - margin <= maxLength) return redacted
  // A text that is escaped twice, in different ways, cannot be redacted in part.
  const bare = unescaped(masked)
  const plainest = decoded(bare)
  if (known.some((secret) => bare.includes(secret) || plainest.includes(secret))) return redacted
  const plain = masked.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim()
  return plain.length > maxLength ? `${plain.slice(0, maxLength)}…` : plain
}

/** @internal */
export const requestFailed = (step: Step) => ({ description, reason, status }: RequestError): ProviderError =>
  new ProviderError({ step, reason, status, description })

/** @internal */
export const malformed = (step: Step, description: string, status?: number): ProviderError =>
  new ProviderError({ step, reason: "Malformed", status, description })

/** @internal */
export const misconfigured = (step: Step, description: string): ProviderError =>
  new ProviderError({ step, reason: "Misconfigured", description })
