/** What is kept of an answer that was none. */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"
import type { ProviderFailure } from "../../IdentityControls.js"
import { ProviderError } from "../emulator/state/issuer.js"
import type { RequestError } from "./httpClient.js"
import { form } from "./parameters.js"

/** @internal */
export type Step = ProviderFailure["step"]

const longest = 300

/** Unescaping takes time, and a server may answer with 1 MiB. */
const mostRead = 16_384

// A secret that is shorter is found in too many innocent places.
const shortest = 4

/** A server that repeats what it was sent may do so as it came. */
const spellings = (secret: string): ReadonlyArray<string> => [
  secret,
  form(secret),
  form(secret).replaceAll("+", "%20"),
  JSON.stringify(secret).slice(1, -1)
]

const named: { readonly [name: string]: string } = { amp: "&", apos: "'", gt: ">", lt: "<", quot: "\"" }

const character = (code: number) => code <= 0x10FFFF ? String.fromCodePoint(code) : ""

/** Without the escapes of JSON and HTML. */
const unescaped = (text: string): string =>
  text
    .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
    .replace(/\\(.)/g, "$1")
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
    .replace(/&#(\d{1,7});/g, (_, digits: string) => character(Number(digits)))
    .replace(/&(\w+);/g, (all, name: string) => named[name] ?? all)

/** Without those of a URL or a form. */
const decoded = (text: string): string =>
  text.replaceAll("+", " ").replace(/%([0-9a-f]{2})/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))

/**
 * Text that others wrote, fit to be shown: short, without control characters, and without what they were sent.
 *
 * @internal
 */
export const shown = (text: unknown, secrets: ReadonlyArray<string>): string | undefined => {
  if (typeof text !== "string" || text === "") return undefined
  // The longer first, of which a shorter may be a part.
  const long = secrets.filter((secret) => secret.length >= shortest)
  const forms = Arr.sortWith(long.flatMap(spellings), ({ length }) => -length, Order.number)
  const masked = forms.reduce((masked, form) => masked.replaceAll(form, "<redacted>"), text.slice(0, mostRead))
  // Where the text is cut, the beginning of a secret may be left.
  if (text.length > mostRead && masked.length - (forms[0]?.length ?? 0) <= longest) return "<redacted>"
  // Written in yet another way, it cannot be cut out.
  const bare = unescaped(masked)
  const plainest = decoded(bare)
  if (long.some((secret) => bare.includes(secret) || plainest.includes(secret))) return "<redacted>"
  const plain = masked.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim()
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain
}

/** @internal */
export const unanswered = (step: Step) => ({ description, reason, status }: RequestError): ProviderError =>
  new ProviderError({ step, reason, status, description })

/** @internal */
export const malformed = (step: Step, description: string, status?: number): ProviderError =>
  new ProviderError({ step, reason: "Malformed", status, description })

/** @internal */
export const misconfigured = (step: Step, description: string): ProviderError =>
  new ProviderError({ step, reason: "Misconfigured", description })
