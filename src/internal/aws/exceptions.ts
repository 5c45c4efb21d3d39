/**
 * Converts exceptions of the SDK to errors of this library. They are recognised by shape, since the two clients have no common
 * class, and copied member by member, since an SDK error contains the whole response.
 */
import * as Predicate from "effect/Predicate"
import {
  type InvalidField,
  TransportFailure,
  UndecodableReply,
  UnknownServiceError,
  ValidationError,
  type WireError
} from "../../IdentityError.js"
import type { ModelledTag } from "../../Operation.js"
import { exceptions, type Modelled, repeatable } from "../model/exceptions.js"
import * as credentialFailures from "./credentialFailures.js"
import type { Stage } from "./exchange.js"
import { ReplyRefused, toError } from "./reply.js"

type Scrub = (text: string) => string

const member = (of: unknown, name: string): unknown => Predicate.hasProperty(of, name) ? of[name] : undefined

const text = (of: unknown, name: string) => {
  const value = member(of, name)
  return typeof value === "string" ? value : undefined
}

/** @internal */
export const metadata = (of: unknown): { readonly status: number | undefined; readonly requestId?: string } => {
  const $metadata = member(of, "$metadata")
  const status = member($metadata, "httpStatusCode")
  const requestId = text($metadata, "requestId")
  return { status: typeof status === "number" ? status : undefined, ...(requestId !== undefined && { requestId }) }
}

// In live use the service returned `null` for both.
const details = (thrown: unknown, scrub: Scrub) => {
  const reason = text(thrown, "reason")
  const fieldList = member(thrown, "fieldList")
  return {
    ...(reason !== undefined && { reason: scrub(reason) }),
    ...(Array.isArray(fieldList) && {
      fieldList: fieldList.filter(Predicate.isRecord).map((field): InvalidField => ({
        name: scrub(text(field, "name") ?? ""),
        message: scrub(text(field, "message") ?? "")
      }))
    })
  }
}

const timeouts = new Set(["ETIMEDOUT", "ESOCKETTIMEDOUT"])

const noCredentials = new Set(["CredentialsProviderError", "TokenProviderError", "ProviderError"])

// Names and codes that messages may contain: of a class, of Node or of its fetch. Other text may be a secret.
const isClassName = (name: string) => name.length <= 64 && /^(?:[A-Z]{1,5}[a-z]+)+$/.test(name)
const isCode = (code: string) => code.length <= 64 && /^[A-Z]+(?:_[A-Z0-9]+)*$/.test(code)

// The error of a call that failed before its request was signed. The original error may contain credentials that are not known
// here, so the message contains only its name, and the reason if the SDK has a fixed text for it.
const notSent = (operation: string, thrown: unknown, stage: Stage, scrub: Scrub) => {
  const name = text(thrown, "name")
  const reason = credentialFailures.reasonOf(text(thrown, "message") ?? "")
  const details = [
    ...(name !== undefined && isClassName(name) ? [scrub(name)] : []),
    ...(reason === undefined || stage === "Unsent" ? [] : [reason])
  ].join(": ")
  const called = details === "" ? "" : ` (${details})`
  return new TransportFailure({
    operation,
    reason: "Credentials",
    message: stage === "Unsent"
      ? `nothing was sent: the request could not be prepared or signed${called}. Check the endpoint, the `
        + "clock and the settings of the SDK client"
      : credentialFailures.missing(called)
  })
}

// OpenSSL reports only that it could not parse the response.
const notTls = "the endpoint does not use TLS. If it is a local server, use http:// instead of https://"

/** @internal */
export const fromThrown = <Tag extends ModelledTag>(
  operation: { readonly name: string; readonly errors: ReadonlyArray<Tag> },
  scrub: Scrub,
  stage: Stage,
  retryAfter: number | undefined
) =>
(thrown: unknown): Modelled<Tag> | ValidationError | WireError => {
  if (thrown instanceof ReplyRefused) return toError(operation.name, thrown, scrub)
  // Before anything else: a provider of credentials may fail with an error of another service.
  if (stage === "Unidentified" || stage === "Unsent") {
    return notSent(operation.name, thrown, stage, scrub)
  }
  const { requestId, status } = metadata(thrown)
  const fields = { operation: operation.name, ...(requestId !== undefined && { requestId: scrub(requestId) }) }
  const later = { ...fields, ...(retryAfter !== undefined && { retryAfter }) }
  const name = text(thrown, "name") ?? "Unknown"
  const code = text(thrown, "code")
  const scrubbed = scrub(text(thrown, "message") ?? "")

  if (Predicate.hasProperty(thrown, "$fault")) {
    const answer = status === undefined ? "an error without a status and" : `HTTP ${status}`
    const message = scrubbed === "" || scrubbed === "UnknownError" ? `${answer} without a message` : scrubbed
    const tag = operation.errors.find((tag) => exceptions[tag].exception === name)
    if (tag === undefined) {
      return new UnknownServiceError({ ...later, message, code: scrub(name), ...(status !== undefined && { status }) })
    }
    return tag === "ValidationError"
      ? new ValidationError({ ...fields, message, ...details(thrown, scrub) })
      : new exceptions[tag].make({ ...(repeatable.has(tag) ? later : fields), message })
  }

  // A response that the SDK could not decode. The message of the SDK quotes the body, which may contain a token.
  if (status !== undefined && code === undefined) {
    return status >= 200 && status < 300
      ? new UndecodableReply({
        ...fields,
        message: `the reply of ${operation.name} (HTTP ${status}) could not be read`
      })
      : new UnknownServiceError({ ...later, code: "Unknown", status, message: `HTTP ${status} without a JSON body` })
  }

  // Without `$metadata` no attempt was made: the credential provider failed.
  const isUntried = stage === "Unobserved" && code === undefined && !Predicate.hasProperty(thrown, "$metadata")
  if (noCredentials.has(name) || isUntried) return notSent(operation.name, thrown, stage, scrub)

  // The message of a network error is kept. Another message, such as that of a credential provider that fails between
  // two attempts, may contain a secret. The SDK appends lines about the raw response, which are dropped.
  const isNetwork = name === "TimeoutError" || (code !== undefined && isCode(code))
  const [line = ""] = isNetwork ? scrubbed.split("\n") : []
  const reported = /wrong version number|packet length too long/i.test(line) ? notTls : line
  // The SDK also names a reset connection `TimeoutError`, so the code decides first.
  const reason = (code === undefined ? name === "TimeoutError" : timeouts.has(code)) ? "Timeout" : "Connection"
  const label = [code ?? "", name].find((one) => isCode(one) || isClassName(one)) ?? "Unknown"
  return new TransportFailure({
    ...fields,
    reason,
    message: `no answer from the service (${scrub(label)})${reported === "" ? "" : `: ${reported}`}`
  })
}
