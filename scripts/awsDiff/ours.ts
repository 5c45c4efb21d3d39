/** Our table of operations as a description. */
import { Arbitrary, DateTime, FastCheck, Record, Redacted, Schema, SchemaAST } from "effect"
import { operations } from "../../src/IdentityApi.js"
import { exceptions } from "../../src/internal/model/exceptions.js"
import type { Operation } from "../../src/Operation.js"
import { type Description, type Member, type Shape, shape } from "./Description.js"

const table: Record.ReadonlyRecord<string, Operation.Any> = operations

/** The alternatives of a type, without `undefined`, which stands for a member that is left out. */
const alternatives = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(alternatives)
  if (SchemaAST.isRefinement(ast)) return alternatives(ast.from)
  if (SchemaAST.isSuspend(ast)) return alternatives(ast.f())
  return SchemaAST.isUndefinedKeyword(ast) ? [] : [ast]
}

/** `Redacted` and `DateTime` are declarations without a name of their own: a value tells them apart. */
const declared = (ast: SchemaAST.Declaration): Shape => {
  const [value]: ReadonlyArray<unknown> = FastCheck.sample(Arbitrary.make(Schema.make(ast)), { numRuns: 1, seed: 1 })
  const [inner] = ast.typeParameters
  if (Redacted.isRedacted(value) && inner !== undefined) return { ...shapeOf(inner), sensitive: true }
  return shape(DateTime.isDateTime(value) ? "timestamp" : String(ast))
}

const single = (ast: SchemaAST.AST): Shape => {
  switch (ast._tag) {
    case "Declaration":
      return declared(ast)
    case "StringKeyword":
      return shape("string")
    case "Literal":
      return typeof ast.literal === "string" ? shape("string", { values: [ast.literal] }) : shape(String(ast))
    case "NumberKeyword":
      return shape("number")
    case "BooleanKeyword":
      return shape("boolean")
    case "UnknownKeyword":
      return shape("document")
    case "TupleType": {
      const [items] = ast.rest
      return items === undefined ? shape(String(ast)) : shape("list", { item: shapeOf(items.type) })
    }
    case "TypeLiteral": {
      const [entries] = ast.indexSignatures
      return entries === undefined
        ? shape("structure", { members: Record.fromEntries(ast.propertySignatures.flatMap(memberOf)) })
        : shape("map", { item: shapeOf(entries.type) })
    }
    default:
      return shape(String(ast))
  }
}

const memberOf = (signature: SchemaAST.PropertySignature): ReadonlyArray<readonly [string, Member]> =>
  SchemaAST.isNeverKeyword(signature.type)
    ? []
    : [[String(signature.name), {
      required: !signature.isOptional,
      location: "body",
      shape: shapeOf(signature.type)
    }]]

/** Member in which the SDK returns a member that is not in the model. */
const isUnknownMember = (ast: SchemaAST.AST) =>
  SchemaAST.isTypeLiteral(ast) && ast.propertySignatures.some(({ name }) => name === "$unknown")

/** The shape of a type, as it is once decoded. */
const shapeOf = (ast: SchemaAST.AST): Shape => {
  const all = alternatives(ast)
  const known = all.filter((one) => !isUnknownMember(one))
  const [first] = known
  if (first === undefined) return shape(String(ast))
  if (all.length === 1) return single(first)
  const shapes = known.map(single)
  if (shapes.every(({ kind }) => kind === "structure")) {
    const members = Record.map(
      Record.fromEntries(shapes.flatMap(({ members }) => Record.toEntries(members))),
      (member) => ({ ...member, required: false })
    )
    return shape("union", { members })
  }
  return shapes.every(({ kind }) => kind === "string")
    ? shape("string", { values: shapes.flatMap(({ values }) => values) })
    : shape(String(ast))
}

const located = ({ members, ...rest }: Shape, { path, query }: Operation.Any): Shape => ({
  ...rest,
  members: Record.map(members, (member, name) => ({
    ...member,
    location: path.includes(`{${name}}`) ? "path" : query.includes(name) ? "query" : "body"
  }))
})

/** What our table says. */
export const description: Description = Record.mapEntries(table, (operation) => [operation.name, {
  plane: operation.plane,
  method: operation.method,
  path: operation.path,
  status: operation.status,
  request: located(shapeOf(SchemaAST.typeAST(operation.request.ast)), operation),
  reply: shapeOf(SchemaAST.typeAST(operation.reply.ast)),
  errors: Record.fromEntries(operation.errors.map((tag) => [exceptions[tag].exception, exceptions[tag].status]))
}])
