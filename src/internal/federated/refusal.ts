/** What is kept of an answer that was none. */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"
import type { ProviderFailure } from "../../IdentityControls.js"
import { Refused } from "../engine/issuer.js"
import type { Unanswered } from "./ask.js"

/** @internal */
export type Step = ProviderFailure["step"]

const longest = 300

// A secret that is shorter is found in too many innocent places.
const shortest = 4

/**
 * Text that others wrote, fit to be shown: short, without control characters, and without what they were sent.
 *
 * @internal
 */
export const shown = (text: unknown, secrets: ReadonlyArray<string>): string | undefined => {
  if (typeof text !== "string" || text === "") return undefined
  // The longer first, of which a shorter may be a part.
  const masked = Arr.sortWith(
    secrets.filter((secret) => secret.length >= shortest),
    ({ length }) => -length,
    Order.number
  )
    .reduce((masked, secret) => masked.replaceAll(secret, "<redacted>"), text)
  const plain = masked.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim()
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain
}

/** @internal */
export const unanswered = (step: Step) => ({ description, reason, status }: Unanswered): Refused =>
  new Refused({ step, reason, status, description })

/** @internal */
export const malformed = (step: Step, description: string, status?: number): Refused =>
  new Refused({ step, reason: "Malformed", status, description })

/** @internal */
export const misconfigured = (step: Step, description: string): Refused =>
  new Refused({ step, reason: "Misconfigured", description })
