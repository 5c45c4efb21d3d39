/** Verifies AWS Signature Version 4. */
import { Sha256 } from "@aws-crypto/sha256-js"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
// oxlint-disable-next-line no-restricted-imports -- Only the signing algorithm, not a client.
import { SignatureV4 } from "@smithy/signature-v4"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import { pathOf, queryOf } from "../../lib/requestTarget.js"
import { timingSafeEqual } from "../../lib/secureToken.js"
import { parseQuery } from "../../lib/url.js"
import type { Authenticate, Fault } from "./wire.js"

/** The service name in the signatures of the data and the control API. */
const service = "bedrock-agentcore"

const maxAge = Duration.minutes(5)

const missing: Fault = {
  exception: "MissingAuthenticationTokenException",
  status: 403,
  message: "Missing Authentication Token"
}

// AWS documents 400 in its list of common errors. Some of its gateways answer 403.
const incomplete = (message: string): Fault => ({ exception: "IncompleteSignatureException", status: 400, message })

const invalidSignature = (message: string): Fault => ({ exception: "InvalidSignatureException", status: 403, message })

const unknownKey: Fault = {
  exception: "UnrecognizedClientException",
  status: 403,
  message: "The security token included in the request is invalid."
}

const mismatch = invalidSignature(
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    + "signing method. Consult the service documentation for details."
)

interface Authorization {
  readonly accessKeyId: string
  readonly day: string
  readonly region: string
  readonly signedHeaders: ReadonlyArray<string>
  readonly signature: string
}

const authorizationParameters = (rest: string) =>
  new Map(
    rest.split(",").map((part): readonly [string, string] => {
      const [name = "", ...value] = part.trim().split("=")
      return [name, value.join("=")]
    })
  )

const patterns = {
  Credential: /^([^/\s]+)\/(\d{8})\/([^/\s]+)\/([^/\s]+)\/aws4_request$/,
  SignedHeaders: /^[a-z0-9_.-]+(?:;[a-z0-9_.-]+)*$/,
  Signature: /^[0-9a-f]{64}$/
}

const parse = (header: string | undefined): Either.Either<Authorization, Fault> => {
  if (header === undefined || header === "") return Either.left(missing)
  const [algorithm, ...rest] = header.split(" ")
  if (algorithm !== "AWS4-HMAC-SHA256") return Either.left(incomplete("Unsupported AWS 'algorithm' in Authorization"))
  const given = authorizationParameters(rest.join(" "))
  for (const name of Record.keys(patterns)) {
    const value = given.get(name)
    if (value === undefined) {
      return Either.left(incomplete(`Authorization header requires '${name}' parameter.`))
    }
    if (!patterns[name].test(value)) {
      return Either.left(incomplete(`Authorization header has a malformed '${name}' parameter.`))
    }
  }
  const { Credential = "", Signature = "", SignedHeaders = "" } = Object.fromEntries(given)
  const [, accessKeyId = "", day = "", region = "", scope] = patterns.Credential.exec(Credential) ?? []
  return scope === service
    ? Either.right({ accessKeyId, day, region, signature: Signature, signedHeaders: SignedHeaders.split(";") })
    : Either.left(invalidSignature(`Credential should be scoped to correct service: '${service}'.`))
}

const parseDate = (text: string | undefined) =>
  Option.flatMap(
    Option.fromNullable(text?.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/)),
    ([, year, month, day, hour, minute, second]) =>
      DateTime.make(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  )

const basic = (time: DateTime.Utc) => DateTime.formatIso(time).replace(/[-:]|\.\d+/g, "")

const checkDate = (time: DateTime.Utc, day: string) =>
  Effect.flatMap(DateTime.now, (now): Effect.Effect<void, Fault> => {
    const [at, until] = [basic(time), basic(now)]
    if (!at.startsWith(day)) {
      return Effect.fail(
        invalidSignature(`Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date`)
      )
    }
    const distance = DateTime.distance(time, now)
    if (distance > Duration.toMillis(maxAge)) {
      const earliest = basic(DateTime.subtractDuration(now, maxAge))
      return Effect.fail(
        invalidSignature(`Signature expired: ${at} is now earlier than ${earliest} (${until} - 5 min.)`)
      )
    }
    const latest = basic(DateTime.addDuration(now, maxAge))
    return distance < -Duration.toMillis(maxAge)
      ? Effect.fail(
        invalidSignature(`Signature not yet current: ${at} is still later than ${latest} (${until} + 5 min.)`)
      )
      : Effect.void
  })

const sha256 = (body: Uint8Array) => {
  const hash = new Sha256()
  hash.update(body)
  return Encoding.encodeHex(hash.digestSync())
}

const query = (url: string) => {
  const values = new Map<string, Array<string>>()
  for (const [name, value] of parseQuery(queryOf(url))) {
    const others = values.get(name)
    if (others === undefined) values.set(name, [value])
    else others.push(value)
  }
  return Object.fromEntries(values)
}

/** The credentials with which requests must be signed. */
interface Key {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
}

const sign = (
  request: HttpServerRequest.HttpServerRequest,
  body: Uint8Array,
  { region, signedHeaders }: Authorization,
  key: Key,
  time: DateTime.Utc
) => {
  const signer = new SignatureV4({
    service,
    region,
    sha256: Sha256,
    applyChecksum: false,
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: Redacted.value(key.secretAccessKey) }
  })
  const signed = new Set(signedHeaders)
  return signer.sign({
    method: request.method,
    protocol: "http:",
    hostname: "",
    path: pathOf(request.url),
    query: query(request.url),
    headers: Object.fromEntries(signedHeaders.map((name) => [name, request.headers[name] ?? ""])),
    body
  }, { signingDate: DateTime.toDate(time), signableHeaders: signed })
}

const verify = (key: Key, body: Uint8Array, request: HttpServerRequest.HttpServerRequest, given: Authorization) =>
  Effect.gen(function*() {
    if (!given.signedHeaders.includes("host")) {
      return yield* Effect.fail(invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization."))
    }
    const time = yield* Effect.mapError(
      parseDate(request.headers["x-amz-date"]),
      () => incomplete("Authorization header requires existence of an 'X-Amz-Date' header in ISO-8601 basic format.")
    )
    yield* checkDate(time, given.day)
    if (given.accessKeyId !== key.accessKeyId) return yield* Effect.fail(unknownKey)
    const hash = request.headers["x-amz-content-sha256"]
    if (hash !== undefined && hash !== sha256(body)) return yield* Effect.fail(mismatch)
    // An error of the signer may quote the request and the secret key.
    const expected = yield* Effect.tryPromise({
      try: () => sign(request, body, given, key, time),
      catch: () => mismatch
    })
    const signature = Either.map(parse(expected.headers["authorization"]), ({ signature }) => signature)
    if (!timingSafeEqual(Either.getOrElse(signature, () => ""), given.signature)) return yield* Effect.fail(mismatch)
  })

/**
 * Checks the signature of a request. Without `required`, any well-formed signature is accepted. A page of another site
 * cannot send one: a browser sends a CORS preflight before a request with an `Authorization` header.
 */
export const make = (options: { readonly required?: Key | undefined } = {}): Authenticate => (body) =>
  Effect.flatMap(
    HttpServerRequest.HttpServerRequest,
    (request) =>
      Effect.flatMap(parse(request.headers["authorization"]), (given) =>
        options.required === undefined ? Effect.void : verify(options.required, body, request, given))
  )
