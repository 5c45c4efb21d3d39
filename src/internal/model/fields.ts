/** Members that several operations share, with the limits of the model. */
import * as Schema from "effect/Schema"
import type { ModelledTag } from "../../Operation.js"
import { integer, list, map, secret, text } from "./smithy.js"

const errorTags = <const Tags extends ReadonlyArray<ModelledTag>>(...tags: Tags) => tags

/** @internal */
export const commonErrors = errorTags(
  "ValidationError",
  "Unauthorized",
  "AccessDenied",
  "ResourceNotFound",
  "Throttled",
  "InternalServerError"
)

/** @internal */
export const taggingErrors = errorTags(
  "ValidationError",
  "AccessDenied",
  "ResourceNotFound",
  "Throttled",
  "InternalServerError"
)

/** @internal */
export const secretWriteErrors = errorTags(
  "Conflict",
  "ServiceQuotaExceeded",
  "EncryptionFailure",
  "DecryptionFailure"
)

/** @internal */
export const WorkloadName = text({ min: 3, max: 255, pattern: /[A-Za-z0-9_.-]+/ })

/** @internal */
export const ProviderName = text({ min: 1, max: 128, pattern: /[a-zA-Z0-9\-_]+/ })

/** @internal */
export const ReturnUrl = text({ min: 1, max: 2048, pattern: /\w+:(\/?\/?)[^\s]+/ })

/** @internal */
export const ReturnUrls = list(ReturnUrl)

// The dots in the pattern of the model are not escaped, so they match any character, and JavaScript needs cubic time for it.
// This function decides the same in one pass: two separators, neither adjacent nor at an end, and no other character outside
// the class.
const looksLikeJwt = (s: string) => {
  const outside: Array<number> = []
  for (const { 0: separator, index } of s.matchAll(/[^A-Za-z0-9\-_=]/g)) {
    if (outside.length === 2 || /[\n\r\u2028\u2029]/.test(separator)) return false
    outside.push(index)
  }
  const [first, second] = outside
  if (first === undefined) return s.length >= 5
  const last = second ?? first
  if (first === 0 || last === s.length - 1) return false
  return second === undefined ? first >= 3 || s.length - first >= 4 : second - first >= 2
}

/** @internal */
export const Jwt = secret({
  min: 1,
  max: 131072,
  pattern: /[A-Za-z0-9-_=]+.[A-Za-z0-9-_=]+.[A-Za-z0-9-_=]+/,
  matches: looksLikeJwt
})

/** @internal */
export const WorkloadToken = secret({ min: 1, max: 131072 })

/** @internal */
export const UserId = text({ min: 1, max: 128 })

const tagKey = { min: 1, max: 128, pattern: /[a-zA-Z0-9\s._:/=+@-]*/ }

/** @internal */
export const TagKey = text(tagKey)

/** @internal */
export const Tags = map(
  tagKey,
  text({ min: 0, max: 256, pattern: /[a-zA-Z0-9\s._:/=+@-]*/ }),
  { max: 50 }
)

/** @internal */
export const SecretSource = Schema.Literal("MANAGED", "EXTERNAL")

/** @internal */
export const SecretReference = Schema.Struct({
  secretId: text({ min: 1, max: 2048 }),
  jsonKey: text({ min: 1, max: 128 })
})

/** @internal */
export const KmsKeyArn = text({
  min: 1,
  max: 2048,
  pattern: /arn:aws(|-cn|-us-gov):kms:[a-zA-Z0-9-]*:[0-9]{12}:key\/[a-zA-Z0-9-]{36}/
})

/** @internal */
export const page = (maxResults: number) =>
  Schema.Struct({
    nextToken: Schema.optional(Schema.String),
    maxResults: Schema.optional(integer(1, maxResults))
  })

/** Reference to a secret in a reply, which never contains the secret itself. */
export const SecretArn = Schema.Struct({ secretArn: Schema.String })
