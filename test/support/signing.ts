/** Signs requests with a key, as the AWS SDK does. */
import { Sha256 } from "@aws-crypto/sha256-js"
import { SignatureV4 } from "@smithy/signature-v4"
import { DateTime, Effect } from "effect"
import type * as Raw from "./raw.js"
import { origin } from "./server.js"

export const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG" }

export interface Signing {
  readonly key?: typeof key & { readonly sessionToken?: string }
  readonly at?: string
  readonly path?: string
  readonly method?: string
  readonly query?: Record<string, Array<string>>
  readonly change?: (raw: Raw.Raw) => Raw.Raw
}

/** A request with a signature of the AWS SDK for the server of this test. */
export const sign = (body: string, signing: Signing = {}) =>
  Effect.gen(function*() {
    const {
      at = "1970-01-01T00:00:00Z",
      change = (raw: Raw.Raw) => raw,
      method = "POST",
      path = "/identities/CreateWorkloadIdentity"
    } = signing
    const url = new URL(yield* origin)
    const signer = new SignatureV4({
      service: "bedrock-agentcore",
      region: "eu-west-1",
      sha256: Sha256,
      credentials: signing.key ?? key
    })
    const query = signing.query ?? {}
    const { headers } = yield* Effect.promise(() =>
      signer.sign({
        method,
        protocol: "http:",
        hostname: url.hostname,
        path,
        query,
        body,
        headers: { host: url.host, "x-odd": " a   b " }
      }, { signingDate: DateTime.toDate(DateTime.unsafeMake(at)) })
    )
    const search = Object.entries(query).flatMap(([name, values]) =>
      values.map((value) => `${name}=${encodeURIComponent(value)}`)
    )
    const { host: _, ...sent } = headers
    const raw = { method, path: [path, ...search.length > 0 ? [search.join("&")] : []].join("?"), headers: sent }
    return change(body === "" ? raw : { ...raw, body })
  })
