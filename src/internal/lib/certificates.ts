/** Trusted certificate authorities of servers. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { X509Certificate } from "node:crypto"
import * as tls from "node:tls"

/** The root certificates of Node, including NODE_EXTRA_CA_CERTS from Node 22.15. */
const roots = (): ReadonlyArray<string> => {
  const get: unknown = Predicate.hasProperty(tls, "getCACertificates") ? tls.getCACertificates : undefined
  const found: unknown = Predicate.isFunction(get) ? get("default") : undefined
  return Array.isArray(found) ? found.filter(Predicate.isString) : tls.rootCertificates
}

/** The value of Node's `ca` option, which replaces the root certificates and so must contain them. */
export const trusted = (authorities: ReadonlyArray<string>): Array<string> => [...roots(), ...authorities]

const canRead = (certificate: string): boolean => {
  try {
    return new X509Certificate(certificate).raw.length > 0
  } catch {
    return false
  }
}

/** Reads the certificates in a PEM text (RFC 7468). The left side is an error message that never quotes the text. */
export const fromPem = (pem: string): Either.Either<ReadonlyArray<string>, string> => {
  if (!pem.includes("-----BEGIN ")) {
    return Either.left("is not PEM text: convert it, so that it begins with -----BEGIN CERTIFICATE-----")
  }
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY/.test(pem)) {
    return Either.left("contains a private key: remove it and keep only the certificates of the authority")
  }
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0) {
    return Either.left(
      "contains no certificate: add the certificate of the authority, which begins with -----BEGIN CERTIFICATE-----"
    )
  }
  const unreadable = certificates.findIndex((certificate) => !canRead(certificate))
  return unreadable < 0
    ? Either.right(certificates)
    : Either.left(`contains a certificate that cannot be read, number ${unreadable + 1}: export it again`)
}

/**
 * Creates a TLS context that also trusts these authorities, which are PEM texts. `undefined` without any. The error message
 * starts with the index of the invalid text.
 */
export const secureContext = (
  authorities: ReadonlyArray<string>
): Either.Either<tls.SecureContext | undefined, string> =>
  Either.gen(function*() {
    const found: Array<string> = []
    for (const [index, pem] of authorities.entries()) {
      found.push(...yield* Either.mapLeft(fromPem(pem), (problem) => `[${index}] ${problem}`))
    }
    return found.length === 0 ? undefined : tls.createSecureContext({ ca: trusted(found) })
  })
