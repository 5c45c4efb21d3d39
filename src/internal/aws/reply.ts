/**
 * Checks that a successful HTTP response is a reply of the service. The SDK accepts any body where it expects no
 * members, so a login page of a proxy would pass for the reply of a delete.
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as AST from "effect/SchemaAST"
import { TransportFailure, UndecodableReply } from "../../IdentityError.js"
import type { Operation } from "../../Operation.js"

/** An HTTP response whose body has been read, with header names in lower case. */
export interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Reason for rejecting a response. It is thrown through the middleware of the SDK and never quotes the response. */
export class ReplyRefused extends Data.TaggedError("ReplyRefused")<{
  readonly kind: "NotAws" | "NotJson" | "Foreign" | "TooLarge" | "Truncated"
  readonly status: number
  readonly requestId: string | undefined
}> {}

/** Limit of the size of a body: 8 MiB. A page of a list has at most 100 entries, which is much less. */
export const maxBody = 8 * 1024 * 1024

// The header names that the SDK uses.
const requestIdOf = (headers: Received["headers"]): string | undefined =>
  [headers["x-amzn-requestid"], headers["x-amzn-request-id"], headers["x-amz-request-id"]].find((id) => id)

const isJson = (contentType: string | undefined) =>
  /^application\/(?:[\w.+-]+\+)?(?:x-amz-)?json(?:-[\d.]+)?\s*(?:;|$)/i.test(contentType?.trim() ?? "")

const utf8 = new TextDecoder("utf-8", { fatal: true })

const parse = (body: Uint8Array) => Either.try((): unknown => JSON.parse(utf8.decode(body)))

// The header counts the bytes of the encoded body.
const isTruncated = ({ body, headers }: Received) => {
  const declared = headers["content-length"]
  return declared !== undefined && /^\d+$/.test(declared) && headers["content-encoding"] === undefined &&
    Number(declared) !== body.length
}

/**
 * Tests if a response with a status below 300 is a reply of this operation; returns the reason if it is not.
 *
 * A reply has a request id of AWS or a JSON content type, and its body is empty or a JSON object. Without a request id, a
 * body that has members has at least one that the operation knows: `{"error":"login"}` of a proxy is not a reply.
 */
export const refusal = (
  operation: Pick<Operation.Any, "reply">
): (received: Received | "TooLarge", status: number) => ReplyRefused | undefined => {
  const members = AST.getPropertySignatures(AST.encodedAST(operation.reply.ast)).map(({ name }) => name)

  const kindOf = (received: Received): ReplyRefused["kind"] | undefined => {
    if (isTruncated(received)) return "Truncated"
    const { body, headers } = received
    const isIdentified = requestIdOf(headers) !== undefined
    if (!isIdentified && !isJson(headers["content-type"])) return "NotAws"
    if (body.length === 0) return undefined
    const parsed = parse(body)
    if (Either.isLeft(parsed) || !Predicate.isReadonlyRecord(parsed.right)) return "NotJson"
    const found = Object.keys(parsed.right)
    return isIdentified || found.length === 0 || found.some((name) => members.includes(name)) ? undefined : "Foreign"
  }

  return (received, status) => {
    const kind = received === "TooLarge" ? received : kindOf(received)
    return kind === undefined ? undefined : new ReplyRefused({
      kind,
      status,
      requestId: received === "TooLarge" ? undefined : requestIdOf(received.headers)
    })
  }
}

const remedy = "Check the region, the endpoint, and any proxy or captive portal in between"

const texts: { readonly [kind in Exclude<ReplyRefused["kind"], "Truncated">]: string } = {
  NotAws: `is not from AWS: it has neither an AWS request id nor a JSON content type. ${remedy}`,
  NotJson: "is not a JSON object",
  Foreign: `is not from AWS: it has no AWS request id and no member of this operation. ${remedy}`,
  TooLarge: `is larger than ${maxBody / 1024 / 1024} MiB`
}

/** @internal */
export const toError = (
  operation: string,
  { kind, requestId, status }: ReplyRefused,
  scrub: (text: string) => string
): UndecodableReply | TransportFailure => {
  const fields = { operation, ...(requestId !== undefined && { requestId: scrub(requestId) }) }
  return kind === "Truncated"
    ? new TransportFailure({
      ...fields,
      reason: "Connection",
      message: `the reply of ${operation} (HTTP ${status}) ended before its declared length`
    })
    : new UndecodableReply({ ...fields, message: `the reply of ${operation} (HTTP ${status}) ${texts[kind]}` })
}
