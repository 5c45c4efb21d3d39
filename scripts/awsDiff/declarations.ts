/** What only the declaration files of an AWS client say: the values of enums, and the errors of an operation. */
import { Option } from "effect"
import ts from "typescript"

export interface Declarations {
  /** The values of a member that is an enum, or a list or map of one. */
  readonly valuesOf: (structure: string, member: string) => ReadonlyArray<string>
}

const parse = (text: string) => ts.createSourceFile("models.d.ts", text, ts.ScriptTarget.Latest)

/** `{ readonly A: "a" }` */
const literals = (type: ts.TypeNode | undefined): ReadonlyArray<string> =>
  type === undefined || !ts.isTypeLiteralNode(type) ?
    [] :
    type.members.flatMap((member) =>
      ts.isPropertySignature(member) && member.type !== undefined && ts.isLiteralTypeNode(member.type) &&
        ts.isStringLiteral(member.type.literal)
        ? [member.type.literal.text]
        : []
    )

/** The names in a type: `Array<X> | undefined` has `Array` and `X`. */
const names = (type: ts.Node): ReadonlyArray<string> => [
  ...(ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName) ? [type.typeName.text] : []),
  ...collect(type, names)
]

const collect = <A>(node: ts.Node, f: (child: ts.Node) => ReadonlyArray<A>): ReadonlyArray<A> => {
  const found: Array<A> = []
  node.forEachChild((child) => {
    found.push(...f(child))
  })
  return found
}

const constants = (source: ts.SourceFile) =>
  source.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) =>
    declarationList.declarations.flatMap(({ name, type }) =>
      ts.isIdentifier(name) ? [[name.text, literals(type)] as const] : []
    )
  )

type Property = readonly [member: string, names: ReadonlyArray<string>]

const properties = ({ members }: ts.InterfaceDeclaration): ReadonlyArray<Property> =>
  members.filter(ts.isPropertySignature).flatMap(({ name, type }) =>
    type !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? [[name.text, names(type)] as const] : []
  )

/** Structures are interfaces; a union is a namespace with an interface for each member. */
const structures = (source: ts.SourceFile): ReadonlyArray<readonly [string, ReadonlyArray<Property>]> =>
  source.statements.flatMap((statement) => {
    if (ts.isInterfaceDeclaration(statement)) return [[statement.name.text, properties(statement)] as const]
    if (!ts.isModuleDeclaration(statement) || statement.body === undefined || !ts.isModuleBlock(statement.body)) {
      return []
    }
    const choices = statement.body.statements.filter(ts.isInterfaceDeclaration)
    return [[statement.name.text, choices.flatMap(properties)] as const]
  })

/** Reads the text of the files in `dist-types/models`. */
export const read = (models: ReadonlyArray<string>): Declarations => {
  const sources = models.map(parse)
  const enums = new Map(sources.flatMap(constants).filter(([, values]) => values.length > 0))
  const members = new Map(
    sources.flatMap(structures).flatMap(([structure, all]) =>
      all.flatMap(([member, names]) => {
        const found = names.flatMap((name) => Option.toArray(Option.fromNullable(enums.get(name))))
        return found.length === 0 ? [] : [[`${structure}.${member}`, found.flat()] as const]
      })
    )
  )
  return { valuesOf: (structure, member) => members.get(`${structure}.${member}`) ?? [] }
}

/** The exceptions of an operation, from the text of the file of its command. */
export const errorsOf = (command: string): ReadonlyArray<string> =>
  [...command.matchAll(/@throws \{@link (\w+)\} \((?:client|server) fault\)/g)].flatMap(([, name]) => name ?? [])
