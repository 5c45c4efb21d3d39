/**
 * The bytes that a bundled program loads before it can request a token: the chunk of the program and the chunks that it imports
 * statically, compressed. They are the same in every run.
 */
import { build, type Metafile } from "esbuild"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import ts from "typescript"
import { entries, withClient, withLibrary, withOfficialPackage } from "./coldStartPrograms.js"

/** The eager chunks of a program: their compressed bytes, and the paths of the modules in them. */
export interface Eager {
  readonly bytes: number
  readonly modules: ReadonlyArray<string>
}

interface Linked {
  readonly imports: ReadonlyArray<{ readonly path: string; readonly kind: string; readonly external?: boolean }>
}

/** What is reached from `from` by static imports. */
const reached = (all: Readonly<Record<string, Linked>>, from: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set<string>()
  const visit = (name: string) => {
    if (seen.has(name)) return
    seen.add(name)
    for (const { external, kind, path } of all[name]?.imports ?? []) {
      if (kind === "import-statement" && external !== true) visit(path)
    }
  }
  from.forEach(visit)
  return [...seen]
}

const common = { bundle: true, format: "esm", platform: "node", metafile: true, write: false } as const

const moduleNames = (outputs: Metafile["outputs"], chunks: ReadonlyArray<string>) =>
  chunks.flatMap((chunk) =>
    Object.entries(outputs[chunk]?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) => bytesInOutput > 0 ? [path] : [])
  )

/** The eager chunks of a program. */
const eager = async (root: string, program: string): Promise<Eager> => {
  const { metafile: { outputs }, outputFiles } = await build({
    ...common,
    stdin: { contents: program, resolveDir: root, loader: "js" },
    absWorkingDir: root,
    splitting: true,
    minify: true,
    outdir: join(root, "out")
  })
  const entry = Object.keys(outputs).filter((name) => outputs[name]?.entryPoint?.endsWith("<stdin>"))
  const chunks = reached(outputs, entry)
  const files = new Map(outputFiles.map(({ contents, path }) => [path, contents]))
  const bytes = chunks.reduce((sum, chunk) => {
    const contents = files.get(join(root, chunk))
    if (contents === undefined) throw new Error(`the bundle has no file ${chunk}`)
    return sum + gzipSync(contents, { level: 9 }).length
  }, 0)
  return { bytes, modules: moduleNames(outputs, chunks) }
}

/** The library modules that load with the program. */
const eagerSources = async (root: string): Promise<ReadonlyArray<string>> => {
  const points = entries.map((name) => `src/${name}.ts`)
  const { metafile } = await build({
    ...common,
    entryPoints: points,
    absWorkingDir: root,
    outdir: join(root, "out"),
    packages: "external"
  })
  return reached(metafile.inputs, points)
}

/** The members of the modules of Effect that a file uses at run time, by module. */
const usedMembers = (text: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }
  })
  const file = ts.createSourceFile("module.js", outputText, ts.ScriptTarget.ESNext)
  const used = new Map<string, Set<string>>()
  const namespaces = new Map<string, Set<string>>()
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue
    const name = statement.moduleSpecifier.text
    if (!/^(effect|@effect\/)/.test(name)) continue
    const members = used.get(name) ?? new Set()
    used.set(name, members)
    const bindings = statement.importClause?.namedBindings
    if (bindings === undefined) continue
    if (ts.isNamespaceImport(bindings)) namespaces.set(bindings.name.text, members)
    else for (const { name, propertyName } of bindings.elements) members.add((propertyName ?? name).text)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      namespaces.get(node.expression.text)?.add(node.name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return used
}

/** Imports of all members of Effect that the library modules use, which a bundler keeps. */
const keptMembers = (root: string, sources: ReadonlyArray<string>): string => {
  const kept = new Map<string, Set<string>>()
  for (const source of sources) {
    for (const [name, members] of usedMembers(readFileSync(join(root, source), "utf8"))) {
      kept.set(name, new Set([...kept.get(name) ?? [], ...members]))
    }
  }
  const imports = [...kept].map(([name, members], index) => ({
    line: `import { ${[...members].map((member) => `${member} as m${index}_${member}`).join(", ")} } from "${name}"`,
    names: [...members].map((member) => `m${index}_${member}`)
  }))
  return `${imports.map(({ line }) => line).join("\n")}
globalThis.kept = [${imports.flatMap(({ names }) => names).join(", ")}]`
}

/**
 * The eager chunks of a program with this library, of a program with the same members of Effect and a call of the client of the
 * SDK, and of a program with the official package.
 */
export const eagerChunks = async (root: string) => ({
  library: await eager(root, withLibrary("./src")),
  reference: await eager(root, withClient(keptMembers(root, await eagerSources(root)))),
  official: await eager(root, withOfficialPackage)
})
