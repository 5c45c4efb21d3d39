/**
 * What the SDK throws, as our errors. Recognised by shape, since the two clients have no class in common, and copied
 * member by member, since an SDK error drags along the whole response.
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
import { faults, type Modelled } from "../faults.js"

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

// The service has been seen to answer `null` for both.
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

/** @internal */
export const fromThrown = <Tag extends ModelledTag>(
  operation: { readonly name: string; readonly errors: ReadonlyArray<Tag> },
  scrub: Scrub
) =>
(thrown: unknown): Modelled<Tag> | ValidationError | WireError => {
  const { requestId, status } = metadata(thrown)
  const fields = { operation: operation.name, ...(requestId !== undefined && { requestId: scrub(requestId) }) }
  const name = text(thrown, "name") ?? "Unknown"
  const code = text(thrown, "code")
  const said = scrub(text(thrown, "message") ?? "")

  if (Predicate.hasProperty(thrown, "$fault")) {
    const message = said === "" || said === "UnknownError" ? `HTTP ${status} without a message` : said
    const tag = operation.errors.find((tag) => faults[tag].exception === name)
    if (tag === undefined) {
      return new UnknownServiceError({ ...fields, message, code: scrub(name), ...(status !== undefined && { status }) })
    }
    return tag === "ValidationError"
      ? new ValidationError({ ...fields, message, ...details(thrown, scrub) })
      : new faults[tag].make({ ...fields, message })
  }

  // An answer that the SDK could not read. Its own message quotes the body, in which there may be a token.
  if (status !== undefined && code === undefined) {
    return status >= 200 && status < 300
      ? new UndecodableReply({
        ...fields,
        message: `the reply of ${operation.name} (HTTP ${status}) could not be read`
      })
      : new UnknownServiceError({ ...fields, code: "Unknown", status, message: `HTTP ${status} without a JSON body` })
  }

  // Without `$metadata` it did not come as far as an attempt: what fails there is the provider of credentials.
  if (noCredentials.has(name) || (code === undefined && !Predicate.hasProperty(thrown, "$metadata"))) {
    return new TransportFailure({
      ...fields,
      reason: "Credentials",
      message: `nothing was sent, most often for want of AWS credentials: ${said}. Pass \`credentials\`, or set `
        + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached"
    })
  }

  // The SDK appends lines of advice on where to find the raw response, which is not kept.
  const [reported = ""] = said.split("\n")
  // The SDK names a reset connection `TimeoutError` as well, so the code is asked first.
  const reason = (code === undefined ? name === "TimeoutError" : timeouts.has(code)) ? "Timeout" : "Connection"
  return new TransportFailure({
    ...fields,
    reason,
    message: `no answer from the service (${code === undefined ? name : scrub(code)}): ${reported}`
  })
}
