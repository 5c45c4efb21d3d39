/** The certificate authorities that are trusted for authorization servers. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { X509Certificate } from "node:crypto"
import * as tls from "node:tls"

/** Those of Node, with NODE_EXTRA_CA_CERTS where Node tells them: not before 22.15. */
const roots = (): ReadonlyArray<string> => {
  const get: unknown = Predicate.hasProperty(tls, "getCACertificates") ? tls.getCACertificates : undefined
  const found: unknown = Predicate.isFunction(get) ? get("default") : undefined
  return Array.isArray(found) ? found.filter(Predicate.isString) : tls.rootCertificates
}

/**
 * Node's `ca` option with these authorities: it replaces the roots, so they are in it too.
 *
 * @internal
 */
export const trusted = (authorities: ReadonlyArray<string>): Array<string> => [...roots(), ...authorities]

const canRead = (certificate: string): boolean => {
  try {
    return new X509Certificate(certificate).raw.length > 0
  } catch {
    return false
  }
}

/**
 * The certificates in a PEM text (RFC 7468), or what is wrong with it and what to do. Never quotes the text.
 *
 * @internal
 */
export const fromPem = (pem: string): Either.Either<ReadonlyArray<string>, string> => {
  if (!pem.includes("-----BEGIN ")) {
    return Either.left("is not PEM text: convert it, so that it begins with -----BEGIN CERTIFICATE-----")
  }
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY/.test(pem)) {
    return Either.left("contains a private key: remove it, only the certificates of the authority are needed")
  }
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0) {
    return Either.left("contains no certificate: add the authority's, which begins with -----BEGIN CERTIFICATE-----")
  }
  const unreadable = certificates.findIndex((certificate) => !canRead(certificate))
  return unreadable < 0
    ? Either.right(certificates)
    : Either.left(`contains a certificate that cannot be read, number ${unreadable + 1}: export it again`)
}

/**
 * A TLS context that trusts these authorities as well, which are PEM texts; `undefined` without any. What is wrong is told
 * after its index.
 *
 * @internal
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
