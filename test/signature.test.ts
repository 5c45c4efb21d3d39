// @effect-diagnostics globalDateInEffect:off globalDate:off
import { Sha256 } from "@aws-crypto/sha256-js"
import { assert, describe, it } from "@effect/vitest"
import { SignatureV4 } from "@smithy/signature-v4"
import { Array, Effect, Either, Record, Redacted, TestClock } from "effect"
import * as signature from "../src/internal/server/api/signature.js"
import { assertEqual } from "./support/equality.js"
import { type Asked, asking } from "./support/webRequest.js"

const path = "/identities/CreateWorkloadIdentity"

const body = `{"name":"agent-1"}`

const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG" }

const noon = Date.UTC(2026, 10, 22, 12)

interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A signed request, with the headers that were signed. `host` is added afterwards if it is not among them. */
const signed = (
  { applyChecksum = true, at = noon, headers = { host: "localhost" }, keys = key, query = {}, signedPath = path }: {
    readonly applyChecksum?: boolean
    readonly at?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly keys?: typeof key & { readonly sessionToken?: string }
    readonly query?: Record<string, Array<string>>
    readonly signedPath?: string
  } = {}
) =>
  Effect.promise(async (): Promise<Request> => {
    const signer = new SignatureV4({
      service: "bedrock-agentcore",
      region: "eu-west-1",
      sha256: Sha256,
      applyChecksum,
      credentials: keys
    })
    const given = { method: "POST", protocol: "http:", hostname: "localhost", path: signedPath, query, body }
    const request = await signer.sign({ ...given, headers: { ...headers } }, { signingDate: new Date(at) })
    const search = Object.entries(query).flatMap(([name, values]) =>
      values.map((value) => `${name}=${encodeURIComponent(value)}`)
    )
    return {
      method: "POST",
      url: search.length === 0 ? signedPath : `${signedPath}?${search.join("&")}`,
      headers: { host: "localhost", ...request.headers },
      body
    }
  })

/** Whether a request is accepted, or its error response. */
const verdict = (authenticate: ReturnType<typeof signature.make>, { body = "", ...request }: Asked) =>
  authenticate(new TextEncoder().encode(body)).pipe(asking(request), Effect.either)

const strict = signature.make({ required: { ...key, secretAccessKey: Redacted.make(key.secretAccessKey) } })

const accepted = Either.void

const invalid = (message: string) => Either.left({ exception: "InvalidSignatureException", status: 403, message })

const incomplete = (message: string) => Either.left({ exception: "IncompleteSignatureException", status: 400, message })

const mismatch = invalid(
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    + "signing method. Consult the service documentation for details."
)

const atNoon = TestClock.setTime(noon)

const withHeader = (request: Request, name: string, change: (value: string) => string): Request => ({
  ...request,
  headers: { ...request.headers, [name]: change(request.headers[name] ?? "") }
})

const authorization = "authorization"

describe("a signature with a required key", () => {
  const good: Readonly<Record<string, Parameters<typeof signed>[0]>> = {
    "as the SDK makes it": {},
    "without the digest of its body among its headers": { applyChecksum: false },
    "with temporary credentials": { keys: { ...key, sessionToken: "session-token" } },
    "with a query that repeats a name": { query: { tagKeys: ["b c", "a+&", "✓"], next: ["1"] } },
    "with spaces in a header": { headers: { host: "localhost", "x-odd": " a   b " } },
    "of exactly five minutes ago": { at: noon - 300_000 },
    "of exactly five minutes ahead": { at: noon + 300_000 }
  }
  for (const [title, options] of Object.entries(good)) {
    it.effect(`is accepted ${title}`, () =>
      Effect.gen(function*() {
        yield* atNoon
        assertEqual(yield* verdict(strict, yield* signed(options)), accepted)
      }))
  }

  it.effect("is rejected if Host is not among its signed headers, even if it is valid", () =>
    Effect.gen(function*() {
      yield* atNoon
      const request = yield* signed({ headers: {} })
      assert.notMatch(request.headers[authorization] ?? "", /SignedHeaders=[^,]*host/)
      assertEqual(
        yield* verdict(strict, request),
        invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")
      )
    }))

  it.effect("is rejected, even if it is valid, if its scope has another day than its date", () =>
    Effect.gen(function*() {
      yield* atNoon
      for (const day of ["20261121", "20261123", "19700101"]) {
        const request = withHeader(yield* signed(), authorization, (value) => value.replace("20261122", day))
        assertEqual(
          yield* verdict(strict, request),
          invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date"),
          day
        )
      }
    }))

  it.effect("is rejected one second beyond five minutes, in either direction", () =>
    Effect.gen(function*() {
      yield* atNoon
      assertEqual(
        yield* verdict(strict, yield* signed({ at: noon - 301_000 })),
        invalid("Signature expired: 20261122T115459Z is now earlier than 20261122T115500Z (20261122T120000Z - 5 min.)")
      )
      assertEqual(
        yield* verdict(strict, yield* signed({ at: noon + 301_000 })),
        invalid(
          "Signature not yet current: 20261122T120501Z is still later than 20261122T120500Z (20261122T120000Z + 5 min.)"
        )
      )
    }))

  it.effect("is rejected without a date, or with one that is not in ISO 8601 basic format", () =>
    Effect.gen(function*() {
      yield* atNoon
      const request = yield* signed()
      const { "x-amz-date": date = "", ...headers } = request.headers
      assert.strictEqual(date, "20261122T120000Z")
      const wrong = ["2026-11-22T12:00:00Z", "20261322T120000Z", `${date} `, `0${date}`, "20261122T120000", ""]
      for (const changed of [headers, ...wrong.map((date) => ({ ...headers, "x-amz-date": date }))]) {
        assertEqual(
          yield* verdict(strict, { ...request, headers: changed }),
          incomplete("Authorization header requires existence of an 'X-Amz-Date' header in ISO-8601 basic format."),
          JSON.stringify(changed)
        )
      }
    }))

  it.effect("is rejected with another key or another secret", () =>
    Effect.gen(function*() {
      yield* atNoon
      assertEqual(
        yield* verdict(strict, yield* signed({ keys: { ...key, accessKeyId: "AKIDOTHER" } })),
        Either.left({
          exception: "UnrecognizedClientException",
          status: 403,
          message: "The security token included in the request is invalid."
        })
      )
      assertEqual(yield* verdict(strict, yield* signed({ keys: { ...key, secretAccessKey: "guess" } })), mismatch)
    }))

  it.effect("is rejected if any part of the request or one digit of the signature was changed", () =>
    Effect.gen(function*() {
      yield* atNoon
      const request = yield* signed({ headers: { host: "localhost", "x-odd": "a" }, query: { a: ["1", "2"] } })
      const { "x-odd": _, ...withoutOdd } = request.headers
      const digit = (at: number) =>
        withHeader(request, authorization, (value) => {
          const index = value.indexOf("Signature=") + "Signature=".length + at
          return `${value.slice(0, index)}${value[index] === "0" ? "1" : "0"}${value.slice(index + 1)}`
        })
      const changes: Readonly<Record<string, Asked>> = {
        method: { ...request, method: "PUT" },
        path: { ...request, url: request.url.replace(path, `${path}s`) },
        "a value of the query": { ...request, url: request.url.replace("a=1", "a=3") },
        "a value less in the query": { ...request, url: request.url.replace("a=1&", "") },
        "no query": { ...request, url: path },
        "a name more in the query": { ...request, url: `${request.url}&b=1` },
        body: { ...request, body: body.replace("1", "2") },
        "no body": { ...request, body: "" },
        host: withHeader(request, "host", () => "evil.example"),
        header: withHeader(request, "x-odd", () => "b"),
        "a header less": { ...request, headers: withoutOdd },
        date: withHeader(request, "x-amz-date", () => "20261122T120001Z"),
        region: withHeader(request, authorization, (value) => value.replace("eu-west-1", "eu-west-2")),
        "the digest of the body": withHeader(request, "x-amz-content-sha256", () => "UNSIGNED-PAYLOAD"),
        "the first digit": digit(0),
        "a digit in the middle": digit(31),
        "the last digit": digit(63)
      }
      assertEqual(yield* verdict(strict, request), accepted)
      for (const [part, changed] of Object.entries(changes)) {
        assertEqual(yield* verdict(strict, changed), mismatch, part)
      }
    }))

  it.effect("is rejected if the signed digest is not the digest of the body", () =>
    Effect.gen(function*() {
      yield* atNoon
      const request = yield* signed()
      assert.match(request.headers["x-amz-content-sha256"] ?? "", /^[0-9a-f]{64}$/)
      const { "x-amz-content-sha256": _, ...headers } = request.headers
      // Without the header, the signature still covers the digest of the body.
      assertEqual(yield* verdict(strict, { ...request, headers, body: "{}" }), mismatch)
    }))

  it.effect("is rejected without a defect if the path is not text", () =>
    Effect.gen(function*() {
      yield* atNoon
      assertEqual(yield* verdict(strict, { ...(yield* signed()), url: "/\ud800" }), mismatch)
    }))

  it.effect("is checked for its form before its key", () =>
    Effect.gen(function*() {
      yield* atNoon
      const { headers: { authorization: _, ...headers }, ...request } = yield* signed()
      const result = yield* verdict(strict, { ...request, headers })
      assertEqual(
        result,
        Either.left({
          exception: "MissingAuthenticationTokenException",
          status: 403,
          message: "Missing Authentication Token"
        })
      )
    }))
})

describe("the form of a signature", () => {
  const lenient = signature.make()

  const parameters = {
    Credential: "AKID/20261122/us-east-1/bedrock-agentcore/aws4_request",
    SignedHeaders: "host;x-amz-date",
    Signature: "0f".repeat(32)
  }

  const header = (given: Readonly<Record<string, string>>, separator = ", ") =>
    `AWS4-HMAC-SHA256 ${Object.entries(given).map((pair) => pair.join("=")).join(separator)}`

  const formed = (authorization: string) => verdict(lenient, { headers: { authorization } })

  it.effect("is sufficient if no key is required", () =>
    Effect.gen(function*() {
      for (const separator of [", ", ",", " ,  "]) {
        assertEqual(yield* formed(header(parameters, separator)), accepted, separator)
      }
      const reversed = Object.fromEntries(Array.reverse(Object.entries(parameters)))
      assertEqual(yield* formed(header(reversed)), accepted)
      for (const SignedHeaders of ["host", "a;b;c", "x-a_b.c-1"]) {
        assertEqual(yield* formed(header({ ...parameters, SignedHeaders })), accepted, SignedHeaders)
      }
    }))

  it.effect("is reported as missing if the header is missing or empty", () =>
    Effect.gen(function*() {
      const missing = Either.left({
        exception: "MissingAuthenticationTokenException",
        status: 403,
        message: "Missing Authentication Token"
      })
      assertEqual(yield* verdict(lenient, {}), missing)
      assertEqual(yield* formed(""), missing)
    }))

  it.effect("requires the supported algorithm", () =>
    Effect.gen(function*() {
      const unsupported = incomplete("Unsupported AWS 'algorithm' in Authorization")
      for (const algorithm of ["Bearer", "AWS4-HMAC-SHA1", "aws4-hmac-sha256", ""]) {
        const given = header(parameters).replace("AWS4-HMAC-SHA256", algorithm)
        assertEqual(yield* formed(given), unsupported, algorithm)
      }
    }))

  for (const name of Record.keys(parameters)) {
    it.effect(`requires a ${name}`, () =>
      Effect.gen(function*() {
        const rest = Record.remove(parameters, name)
        const missing = incomplete(`Authorization header requires '${name}' parameter.`)
        assertEqual(yield* formed(header(rest)), missing)
        assertEqual(yield* formed(header({ ...rest, [name.toLowerCase()]: parameters[name] })), missing)
        assertEqual(
          yield* formed(header({ ...parameters, [name]: "" })),
          incomplete(`Authorization header has a malformed '${name}' parameter.`)
        )
      }))
  }

  const malformed: { readonly [name in keyof typeof parameters]: ReadonlyArray<string> } = {
    Credential: [
      "/20261122/us-east-1/bedrock-agentcore/aws4_request",
      "AKID/2026112/us-east-1/bedrock-agentcore/aws4_request",
      "AKID/202611220/us-east-1/bedrock-agentcore/aws4_request",
      "AKID/today/us-east-1/bedrock-agentcore/aws4_request",
      "AKID/20261122//bedrock-agentcore/aws4_request",
      "AKID/20261122/us-east-1//aws4_request",
      "AKID/20261122/us-east-1/bedrock-agentcore/aws5_request",
      "AKID/20261122/us-east-1/bedrock-agentcore/aws4_request/more",
      "x/AKID/20261122/us-east-1/bedrock-agentcore/aws4_request",
      "AKID/20261122/us-east-1/bedrock-agentcore",
      "A KID/20261122/us-east-1/bedrock-agentcore/aws4_request"
    ],
    SignedHeaders: ["Host", "host;", ";host", "host;;x", "ho st", "host;x y"],
    Signature: ["0f".repeat(31), `${"0f".repeat(32)}0`, "0F".repeat(32), "0g".repeat(32), `=${"0f".repeat(32)}`]
  }
  for (const name of Record.keys(malformed)) {
    it.effect(`requires a well-formed ${name}`, () =>
      Effect.gen(function*() {
        const expected = incomplete(`Authorization header has a malformed '${name}' parameter.`)
        for (const value of malformed[name]) {
          assertEqual(yield* formed(header({ ...parameters, [name]: value })), expected, value)
        }
      }))
  }

  it.effect("requires the scope of this service", () =>
    Effect.gen(function*() {
      for (const service of ["s3", "bedrock", "bedrock-agentcore-control"]) {
        const Credential = parameters.Credential.replace("bedrock-agentcore", service)
        assertEqual(
          yield* formed(header({ ...parameters, Credential })),
          invalid("Credential should be scoped to correct service: 'bedrock-agentcore'."),
          service
        )
      }
    }))
})
