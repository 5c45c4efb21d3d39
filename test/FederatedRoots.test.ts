import { assert, it } from "@effect/vitest"
import { Either } from "effect"
import type * as tls from "node:tls"
import { rootCertificates } from "node:tls"
import { beforeEach, vi } from "vitest"
import { fromPem, secureContext, trusted } from "../src/internal/lib/certificates.js"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { assertEqual } from "./support/equality.js"

// Node has this function since 22.15 only.
const node = vi.hoisted(() => ({
  getCACertificates: undefined as unknown,
  contexts: [] as Array<unknown>
}))

vi.mock("node:tls", async (importOriginal) => {
  const { getCACertificates: _, ...original } = await importOriginal<typeof tls & { getCACertificates?: unknown }>()
  return {
    ...original,
    get getCACertificates() {
      return node.getCACertificates
    },
    createSecureContext: (options: tls.SecureContextOptions) => {
      node.contexts.push(options.ca)
      return original.createSecureContext(options)
    }
  }
})

beforeEach(() => {
  node.getCACertificates = undefined
  node.contexts.length = 0
})

it("the trusted roots are Node's default roots, followed by the given authorities", () => {
  const asked: Array<unknown> = []
  node.getCACertificates = (kind: unknown) => {
    asked.push(kind)
    return ["a", 7, "b"]
  }
  assertEqual(trusted(["c"]), ["a", "b", "c"])
  assertEqual(asked, ["default"])
})

it("the trusted roots are the bundled roots if Node does not expose its defaults", () => {
  for (const none of [undefined, "canary", () => undefined, () => "canary"]) {
    node.getCACertificates = none
    assertEqual(trusted(["c"]), [...rootCertificates, "c"])
  }
})

it("a context trusts the certificates of every PEM text, in order, and is undefined without any", () => {
  const { authority, otherAuthority } = privateAuthority
  node.getCACertificates = () => []
  assertEqual(secureContext([]), Either.right(undefined))
  assertEqual(node.contexts, [])
  secureContext([`${otherAuthority}\n${authority}`, authority])
  assertEqual<unknown>(node.contexts, [[otherAuthority.trim(), authority.trim(), authority.trim()]])
})

it("a PEM text yields all its certificates, or the first problem with its remedy", () => {
  const { authority, key } = privateAuthority
  const rightOf = (pem: string) => {
    const found = fromPem(pem)
    return found._tag === "Right" ? found.right.length : found.left
  }
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
  assert.strictEqual(rightOf(authority), 1)
  assert.strictEqual(rightOf(`${authority}${authority}`), 2)
  const notPem = "is not PEM text: convert it, so that it begins with -----BEGIN CERTIFICATE-----"
  const privateKey = "contains a private key: remove it and keep only the certificates of the authority"
  for (const pem of ["", "canary", "BEGIN CERTIFICATE", "-----BEGIN"]) assert.strictEqual(rightOf(pem), notPem)
  for (const kind of ["", "RSA ", "EC ", "ENCRYPTED ", "X25519 "]) {
    assert.strictEqual(rightOf(`${authority}\n-----BEGIN ${kind}PRIVATE KEY-----`), privateKey)
  }
  assert.strictEqual(rightOf(key), privateKey)
  assert.strictEqual(
    rightOf("-----BEGIN PUBLIC KEY-----"),
    "contains no certificate: add the certificate of the authority, which begins with -----BEGIN CERTIFICATE-----"
  )
  for (const [pem, number] of [[broken, 1], [`${authority}\n${broken}\n${broken}`, 2]] as const) {
    assert.strictEqual(
      rightOf(pem),
      `contains a certificate that cannot be read, number ${number}: export it again`
    )
  }
})
