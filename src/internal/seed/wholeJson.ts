/** Finds the parts of a seed that a schema would lose, and those of secrets that JSON cannot express. */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"

/** Lists and structures within each other. The JSON of a request has the same limit. */
const maxDepth = 32

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const isScalar = (value: unknown): boolean =>
  value === null || Predicate.isString(value) || Predicate.isBoolean(value) || Number.isFinite(value)

type Path = ReadonlyArray<string | number>

/** The problems of one member of a seed. */
const problemsOf = (root: string, member: unknown): ReadonlyArray<Schema.FilterIssue> => {
  const found: Array<Schema.FilterIssue> = []
  // Each object is read once: objects that contain each other may have any number of paths.
  const read = new Set<object>()
  const containing = new Set<object>()
  const isSecret = root === "secrets"

  const visitMembers = (value: object, path: Path) => {
    if (Array.isArray(value)) return value.forEach((item, index) => visit(item, [...path, index]))
    for (const [key, item] of Object.entries(value)) {
      if (key === "__proto__") found.push({ path: [...path, key], message: "Member must not have this name" })
      else visit(item, [...path, key])
    }
  }

  const visit = (value: unknown, path: Path): void => {
    const report = (message: string) => {
      found.push({ path, message })
    }
    const isStructure = typeof value === "object" && value !== null
    if (!isStructure || !Array.isArray(value) && !isPlain(value)) {
      // The schema checks the first two levels of the secrets, but it accepts any object.
      if (isSecret && (isStructure || path.length > 2 && !isScalar(value))) {
        report("Member must be JSON: a string, a finite number, a boolean, null, a list or a plain structure")
      }
    } else if (containing.has(value)) {
      report("Member must not contain itself")
    } else if (path.length > maxDepth) {
      report(`Member must not be nested deeper than ${maxDepth} levels`)
    } else if (!read.has(value)) {
      read.add(value)
      containing.add(value)
      visitMembers(value, path)
      containing.delete(value)
    }
  }

  visit(member, [root])
  return found
}

/**
 * The problems of a seed, without values. A schema copies members one by one, and would silently lose one with the name
 * `__proto__`. The secrets are stored as JSON, so they may contain nothing else.
 */
export const problems = (seed: object): ReadonlyArray<Schema.FilterIssue> =>
  Object.entries(seed).flatMap(([member, value]) =>
    member === "__proto__"
      ? [{ path: [member], message: "Member must not have this name" }]
      : problemsOf(member, value)
  )
