/**
 * Validates a request against the limits of the model. Errors have the messages of AWS: they name the member and the rule, and
 * never the value, which may be a secret.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { type InvalidField, ValidationError } from "../../IdentityError.js"
import type { Operation } from "../../Operation.js"

/** @internal */
export const fieldError = (operation: string, ...fieldList: ReadonlyArray<InvalidField>): ValidationError =>
  fieldsError(operation, fieldList)

/** Limit of the fields that an error lists. */
const maxFields = 100

/** Limit of the length of a name in an error: the request determines the names of map members. */
const maxNameLength = 1024

const truncateName = ({ message, name }: InvalidField): InvalidField => ({
  name: name.length > maxNameLength ? `${name.slice(0, maxNameLength)}…` : name,
  message
})

/** @internal */
export const fieldsError = (operation: string, fields: ReadonlyArray<InvalidField>): ValidationError => {
  const count = fields.length
  const fieldList = fields.slice(0, maxFields).map(truncateName)
  const details = fieldList.map(({ message, name }) => `Value at '${name}' failed to satisfy constraint: ${message}`)
  return new ValidationError({
    operation,
    reason: "FieldValidationFailed",
    fieldList,
    message: `${count} validation error${count === 1 ? "" : "s"} detected: ${details.join("; ")}${
      count > maxFields ? "; and more" : ""
    }`
  })
}

type CheckedOperation<A, I> = Pick<Operation<A, I, never, never, never>, "name" | "request">

// A schema copies members one by one, and would silently lose this one.
const findProtoKeys = (value: unknown, path: string): ReadonlyArray<InvalidField> => {
  if (Array.isArray(value)) return value.flatMap((item, index) => findProtoKeys(item, `${path}[${index}]`))
  if (!Predicate.isReadonlyRecord(value)) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const name = path === "" ? key : `${path}.${key}`
    return key === "__proto__" ? [{ name, message: "Member must not have this name" }] : findProtoKeys(member, name)
  })
}

// Most requests have no such member, and no path is needed to see that.
const hasProtoKey = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.some(hasProtoKey)
  if (!Predicate.isReadonlyRecord(value)) return false
  for (const key in value) {
    if (Object.hasOwn(value, key) && (key === "__proto__" || hasProtoKey(value[key]))) return true
  }
  return false
}

const rejectProtoKeys = <A>(operation: string, request: A): Either.Either<A, ValidationError> => {
  const fields = hasProtoKey(request) ? findProtoKeys(request, "") : []
  return fields.length === 0 ? Either.right(request) : Either.left(fieldsError(operation, fields))
}

const toValidationError = (operation: string) => (error: ParseResult.ParseError) =>
  fieldsError(operation, invalidFields(error.issue))

// Valid requests and their operation: a request that the server has decoded is not validated again.
const validatedRequests = new WeakMap<object, string>()

// The validation of an absent member costs nothing, that of an undefined one as much as any.
const withoutUndefined = (request: unknown): unknown => {
  if (!Predicate.isReadonlyRecord(request)) return request
  const present: Record<string, unknown> = {}
  for (const key of Object.keys(request)) if (request[key] !== undefined) present[key] = request[key]
  return present
}

/** Validates a request and encodes it. */
export const encode = <A, I>(
  { name, request }: CheckedOperation<A, I>
): (request: A) => Either.Either<I, ValidationError> => {
  const encode = Schema.encodeUnknownEither(request, { errors: "all" })
  const toError = toValidationError(name)
  return (request) => {
    const rejected = rejectProtoKeys(name, request)
    return Either.isLeft(rejected)
      ? Either.left(rejected.left)
      : Either.mapLeft(encode(withoutUndefined(request)), toError)
  }
}

/** Bytes up to which all errors of a request are collected; in a larger one only the first, which limits the time. */
const maxSizeForAllErrors = 64 * 1024

/** Decodes and validates a request from `input`, which has `size` bytes. */
export const decode = <A, I>(
  { name, request }: CheckedOperation<A, I>
): (input: unknown, size: number) => Either.Either<A, ValidationError> => {
  const decode = Schema.decodeUnknownEither(request)
  return (input, size) =>
    Either.mapBoth(decode(input, { errors: size > maxSizeForAllErrors ? "first" : "all" }), {
      onLeft: toValidationError(name),
      onRight: (request) => {
        if (Predicate.isObject(request)) validatedRequests.set(request, name)
        return request
      }
    })
}

/** Validates a request, and returns the members that the operation knows. */
export const validate = <A, I>(
  { name, request }: CheckedOperation<A, I>
): (request: A) => Either.Either<A, ValidationError> => {
  const validate = Schema.validateEither(request, { errors: "all" })
  return (request) =>
    Predicate.isObject(request) && validatedRequests.get(request) === name
      ? Either.right(request)
      : Either.flatMap(
        rejectProtoKeys(name, request),
        (request) => Either.mapLeft(validate(request), toValidationError(name))
      )
}

/** @internal */
export const invalidFields = (issue: ParseResult.ParseIssue): ReadonlyArray<InvalidField> => collectFields(issue, "")

const notNull = "Member must not be null"

const collectFields = (issue: ParseResult.ParseIssue, path: string): ReadonlyArray<InvalidField> => {
  const here = (message: string) => [{ name: path === "" ? "request" : path, message }]
  switch (issue._tag) {
    case "Pointer":
      return collectFields(issue.issue, joinPath(path, issue.path))
    case "Refinement":
    case "Transformation":
      return collectFields(issue.issue, path)
    case "Composite": {
      if (AST.isUnion(issue.ast)) return collectUnionFields(issue, issue.ast, path)
      return Arr.ensure(issue.issues).flatMap((inner) => collectFields(inner, path))
    }
    case "Missing":
      return here(notNull)
    case "Unexpected":
      return here("Member is not known")
    case "Forbidden":
      return here("Member could not be checked")
    case "Type":
      // A limit of this library sets the message; without one, the type is wrong.
      return here(issue.actual === undefined ? notNull : issue.message ?? expectation(issue.ast))
  }
}

const collectUnionFields = (
  issue: ParseResult.Composite,
  union: AST.Union,
  path: string
): ReadonlyArray<InvalidField> => {
  // An optional member is a union with `undefined`: report the error of the other alternative.
  const issues = Arr.ensure(issue.issues).filter((inner) =>
    !(inner._tag === "Type" && AST.isUndefinedKeyword(inner.ast))
  )
  const [only] = issues
  if (issues.length === 1 && only !== undefined) return collectFields(only, path)
  // Report the errors of the alternative whose member the request contains.
  const given = typeof issue.actual === "object" && issue.actual !== null ? Object.keys(issue.actual) : []
  const chosen = union.types.filter(AST.isTypeLiteral).flatMap(requiredKeys).filter((key) => given.includes(key))
  const fits = issues.filter((inner) =>
    inner._tag === "Composite" && AST.isTypeLiteral(inner.ast) && requiredKeys(inner.ast).includes(chosen[0] ?? "")
  )
  return chosen.length === 1 && fits.length > 0
    ? fits.flatMap((inner) => collectFields(inner, path))
    : [{ name: path === "" ? "request" : path, message: expectation(union) }]
}

const requiredKeys = (struct: AST.TypeLiteral) =>
  struct.propertySignatures.filter((member) => !member.isOptional).map((member) => String(member.name))

const expectation = (ast: AST.AST): string => {
  const type = AST.typeAST(ast)
  switch (type._tag) {
    case "StringKeyword":
      return "Member must be a string"
    case "NumberKeyword":
      return "Member must be a number"
    case "BooleanKeyword":
      return "Member must be a boolean"
    case "TupleType":
      return "Member must be a list"
    case "TypeLiteral":
      return "Member must be a structure"
    case "Literal":
      return `Member must satisfy enum value set: [${String(type.literal)}]`
    case "Refinement":
      return expectation(type.from)
    case "Declaration":
      return `Member must be ${Option.getOrElse(AST.getTitleAnnotation(type), () => "Redacted")}`
    case "Union": {
      const types = type.types.filter((one) => !AST.isUndefinedKeyword(one))
      const [first] = types
      if (types.length === 1 && first !== undefined) return expectation(first)
      if (types.every(AST.isLiteral)) {
        return `Member must satisfy enum value set: [${types.map((one) => String(one.literal)).join(", ")}]`
      }
      const keys = types.filter(AST.isTypeLiteral).flatMap(requiredKeys)
      return `Member must have exactly one of: [${keys.join(", ")}]`
    }
    default:
      return "Member has the wrong type"
  }
}

const joinPath = (path: string, more: ParseResult.Path) =>
  Arr.ensure(more).reduce<string>(
    (path, key) => typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`,
    path
  )
