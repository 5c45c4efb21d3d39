/** The failures of requests to authorization servers, with descriptions that contain no text of a server. */
import * as Predicate from "effect/Predicate"
import type { ProviderFailure } from "../../IdentityControls.js"

/** The failure of a request without a response. */
export interface RequestError extends Pick<ProviderFailure, "reason" | "status" | "description"> {}

/** The address policy does not allow an address of the host. */
export class Forbidden extends Error {}

const unreachable = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"]

const errorCodeOf = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : ""

const enableHttp1 = "enable HTTP/1.1 at the server, or in front of it; HTTP/2 alone is not supported"

/** Failures of the TLS handshake that do not concern the certificate, by the text of OpenSSL. */
const handshakes: ReadonlyArray<readonly [text: string, description: string]> = [
  ["no application protocol", `the server does not offer HTTP/1.1: ${enableHttp1}`],
  ["wrong version number", "the server does not use TLS at this port: use its https port"]
]

/** Responses that the HTTP parser rejects. */
const describeParserError = (code: string): string =>
  code === "HPE_INVALID_CONSTANT" || code === "HPE_INVALID_VERSION"
    ? `the response is not HTTP/1.1 (${code}): ${enableHttp1}`
    : code === "HPE_HEADER_OVERFLOW"
    ? `the headers of the response are larger than 16 KiB (${code})`
    : `the response violates HTTP/1.1 (${code})`

/** The failure that an error of Node describes. */
export const failed = (error: unknown): RequestError => {
  if (error instanceof Forbidden) return { reason: "Forbidden", description: error.message }
  const code = errorCodeOf(error)
  if (code.startsWith("HPE_")) return { reason: "Lost", description: describeParserError(code) }
  const handshake = code === "EPROTO" && error instanceof Error
    ? handshakes.find(([text]) => error.message.includes(text))
    : undefined
  if (handshake !== undefined) return { reason: "Unreachable", description: handshake[1] }
  if (/CERT|SELF_SIGNED|^ERR_TLS|UNABLE_TO_|^ERR_SSL|^EPROTO$|HOSTNAME/.test(code)) {
    return { reason: "Certificate", description: code }
  }
  return { reason: unreachable.includes(code) ? "Unreachable" : "Lost", description: code }
}
