/** The imports of a module at run time, and the table of ARCHITECTURE.md that says which of them are allowed. */
import { dirname, join, normalize } from "node:path"
import ts from "typescript"

/** A module that another module loads. */
export interface Import {
  readonly file: string
  readonly dynamic: boolean
}

/** The compiler removes this import. It keeps `import { type T }` as an import for side effects. */
const isTypeOnly = (node: ts.ImportDeclaration | ts.ExportDeclaration): boolean =>
  ts.isExportDeclaration(node) ? node.isTypeOnly : node.importClause?.isTypeOnly === true

/** The library modules that a module imports, re-exports, loads for a side effect or with `import(…)`, without types. */
export const importsOf = (file: string, text: string): ReadonlyArray<Import> => {
  const found: Array<Import> = []
  const add = (specifier: ts.Expression | undefined, dynamic: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) {
      throw new Error(`${file} imports something that is not a literal`)
    }
    const imported = normalize(join(dirname(file), specifier.text)).replace(/\.js$/, ".ts")
    if (specifier.text.startsWith(".") && imported.startsWith("src/")) found.push({ file: imported, dynamic })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && !isTypeOnly(node)) add(node.moduleSpecifier, false)
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && !isTypeOnly(node)) {
      add(node.moduleSpecifier, false)
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], true)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext))
  return found
}

/** The name of a module in the table: its own for a public module, otherwise that of its folder. */
export const unitOf = (file: string): string => {
  const path = file.replace(/^src\//, "").replace(/\.ts$/, "").replace(/^internal\//, "")
  const [top = "", folder, rest] = path.split("/")
  if (folder === undefined || (top !== "emulator" && top !== "server")) return top
  return rest === undefined ? top : `${top}/${folder}`
}

interface Row {
  readonly units: ReadonlySet<string>
  readonly allows: (imported: string, dynamic: boolean) => boolean
}

const names = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name)

/**
 * The table. Its left column names units, or a group of them (`group (units)`). Its right column names what they may
 * import: `X`, `X` with everything that `X` may import (`X and above`), and `X by dynamic import`. The units of a row may
 * import each other. The group of all `public modules` is those with a capital letter.
 */
export const readTable = (markdown: string): ReadonlyMap<string, Row> => {
  const [, table = ""] = /\n\| *module or folder[^\n]*\n[^\n]*\n((?:\|[^\n]*\n)+)/.exec(markdown) ?? []
  const cells = table.trim().split("\n").map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  const groups = new Map<string, ReadonlyArray<string>>()
  for (const [left = ""] of cells) {
    const [, group] = /^([a-z ]+) \(/.exec(left) ?? []
    if (group !== undefined) groups.set(group, names(left))
  }
  groups.set("public modules", cells.flatMap(([left = ""]) => names(left)).filter((name) => /^[A-Z]/.test(name)))
  const unitsIn = (item: string): ReadonlyArray<string> => {
    const units = item.includes("`") ? names(item) : groups.get(item.replace(/ and above$/, "")) ?? []
    if (units.length === 0) throw new Error(`the table of imports names the unknown group '${item}'`)
    return units
  }
  const rowOf = new Map<string, { readonly units: ReadonlySet<string>; readonly items: ReadonlyArray<string> }>()
  for (const [left = "", right = ""] of cells) {
    const row = { units: new Set(names(left)), items: right === "nothing" ? [] : right.split(", ") }
    for (const unit of row.units) {
      if (rowOf.has(unit)) throw new Error(`the table of imports has two rows for '${unit}'`)
      rowOf.set(unit, row)
    }
  }
  const collect = (unit: string, into: Set<string>, seen: Set<string>): void => {
    if (seen.has(unit)) return
    seen.add(unit)
    for (const item of rowOf.get(unit)?.items ?? []) {
      if (item.endsWith(" by dynamic import")) continue
      for (const name of unitsIn(item)) {
        if (!rowOf.has(name)) throw new Error(`the table of imports names '${name}', which has no row`)
        into.add(name)
        if (item.endsWith(" and above")) {
          for (const other of rowOf.get(name)?.units ?? []) into.add(other)
          collect(name, into, seen)
        }
      }
    }
  }
  return new Map(
    Array.from(rowOf, ([unit, { items, units }]) => {
      const allowed = new Set(units)
      collect(unit, allowed, new Set())
      const dynamically = new Set(items.filter((item) => item.endsWith(" by dynamic import")).flatMap(names))
      return [unit, {
        units,
        allows: (imported, dynamic) => allowed.has(imported) || (dynamic && dynamically.has(imported))
      }]
    })
  )
}

/** The imports that the table does not allow, one sentence each. */
export const violations = (
  table: ReadonlyMap<string, Row>,
  sources: ReadonlyMap<string, string>
): ReadonlyArray<string> =>
  Array.from(sources).flatMap(([file, text]) => {
    const row = table.get(unitOf(file))
    if (row === undefined) return [`${file} has no row in the table of imports`]
    return importsOf(file, text).flatMap((imported) =>
      row.allows(unitOf(imported.file), imported.dynamic) ? [] : [`${file} imports ${imported.file}`]
    )
  })

/** Every module that loads with this one, except those loaded later with `import(…)`. */
export const loadedWith = (file: string, sources: ReadonlyMap<string, string>): ReadonlySet<string> => {
  const loaded = new Set<string>()
  const load = (one: string): void => {
    if (loaded.has(one)) return
    loaded.add(one)
    for (const imported of importsOf(one, sources.get(one) ?? "")) if (!imported.dynamic) load(imported.file)
  }
  load(file)
  return loaded
}
