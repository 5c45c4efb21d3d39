/** The regular expressions of the sources, and which of them can take more than linear time. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"

export interface Literal {
  readonly file: string
  readonly source: string
  readonly flags: string
}

const root = new URL("../../", import.meta.url).pathname

/** A limit of a member is anchored where it is used (`internal/model/smithy.ts`). */
const isLimit = (node: ts.Node) =>
  ts.isPropertyAssignment(node.parent) && ts.isIdentifier(node.parent.name) && node.parent.name.text === "pattern"

const literalsOf = (file: string): ReadonlyArray<Literal> => {
  const found: Array<Literal> = []
  const walk = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/")
      const source = node.text.slice(1, end)
      found.push({ file, source: isLimit(node) ? `^(?:${source})$` : source, flags: node.text.slice(end + 1) })
    }
    ts.forEachChild(node, walk)
  }
  walk(ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true))
  return found
}

export const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => join("src", file))

/** All of them, by file and place. */
export const literals: ReadonlyArray<Literal> = files.flatMap(literalsOf)

/** One thing that is matched, from `min` to `max` times. */
interface Item {
  readonly min: number
  readonly max: number
  /** A character: those it may be. A group: what may stand in it. An assertion: neither. */
  readonly characters?: ReadonlySet<string>
  readonly choices?: ReadonlyArray<Sequence>
}

type Sequence = ReadonlyArray<Item>

/** As many repetitions can be a long run. */
const many = 32

/** Every character that some class of the sources tells from another. */
const alphabet = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  "\u0301",
  "\u2028",
  "\u2029",
  "\ufeff",
  "中"
]

const charactersOf = (atom: string, flags: string): ReadonlySet<string> => {
  const one = new RegExp(`^(?:${atom})$`, flags.replace(/[gy]/g, ""))
  return new Set(alphabet.filter((character) => one.test(character)))
}

const atom = /^(?:\\(?:u\{[0-9a-f]+\}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|[pP]\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]|[^()|])/is

const quantifier = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/

/** The choices of a pattern, and what is left of it behind a closing bracket. */
const parse = (pattern: string, flags: string): readonly [ReadonlyArray<Sequence>, string] => {
  const choices: Array<Array<Item>> = [[]]
  let rest = pattern
  while (rest !== "" && !rest.startsWith(")")) {
    if (rest.startsWith("|")) {
      choices.push([])
      rest = rest.slice(1)
      continue
    }
    let item: Omit<Item, "min" | "max">
    if (rest.startsWith("(")) {
      const [opening] = /^\((?:\?(?:[:=!]|<[=!]|<\w+>))?/.exec(rest) ?? [""]
      const [inner, left] = parse(rest.slice(opening.length), flags)
      item = { choices: inner }
      rest = left.slice(1)
    } else if (/^(?:[\^$]|\\b|\\B)/.test(rest)) {
      item = {}
      rest = rest.slice(rest.startsWith("\\") ? 2 : 1)
    } else {
      const [text = ""] = atom.exec(rest) ?? []
      if (text === "") throw new Error(`cannot read ${rest}`)
      item = { characters: charactersOf(text, flags) }
      rest = rest.slice(text.length)
    }
    const [all = "", sign, least, comma, most] = quantifier.exec(rest) ?? []
    rest = rest.slice(all.length)
    const min = sign === undefined ? Number(least ?? 1) : sign === "+" ? 1 : 0
    const max = sign === undefined
      ? comma === undefined ? min : most === "" ? Infinity : Number(most)
      : sign === "?"
      ? 1
      : Infinity
    choices.at(-1)?.push({ ...item, min, max })
  }
  return [choices, rest]
}

/**
 * The ways through a pattern as flat rows of characters. A group that repeats stands there twice: what it can do between
 * two of its turns, it can do between any two.
 */
const rows = (sequence: Sequence): ReadonlyArray<Sequence> =>
  sequence.reduce<ReadonlyArray<Sequence>>((before, item) => {
    if (item.characters !== undefined) return before.map((row) => [...row, item])
    if (item.choices === undefined) return before
    const once = item.choices.flatMap(rows)
    const ways = [
      ...(item.min === 0 ? [[]] : []),
      ...(item.max > 1 ? once.flatMap((one) => once.map((two) => [...one, ...two])) : once)
    ]
    return before.flatMap((row) => ways.map((way) => [...row, ...way]))
  }, [[]])

const common = (sets: ReadonlyArray<ReadonlySet<string>>) =>
  [...sets[0] ?? []].filter((character) => sets.every((set) => set.has(character)))

const any: Item = { min: 0, max: Infinity, characters: new Set(alphabet) }

const shares = (...items: ReadonlyArray<Item>) => common(items.flatMap(({ characters }) => characters ?? [])).length > 0

/** Whether two runs of a row can divide the same text between them in many ways, and what is behind them can fail. */
const isAmbiguous = (row: Sequence, hasEnd: boolean): boolean =>
  row.some((first, at) =>
    first.max >= many && row.slice(at + 1).some((second, distance) => {
      const behind = row.slice(at + distance + 2)
      const canFail = behind.some(({ min }) => min > 0) || (hasEnd && second.characters?.size !== alphabet.length)
      if (second.max < many || !canFail || !shares(first, second)) return false
      const between = row.slice(at + 1, at + 1 + distance).filter(({ min }) => min > 0)
      return between.every((item) => shares(first, item, second))
    })
  )

const hasEnd = (source: string) => source.endsWith("$") && !source.endsWith("\\$")

/** Whether choices of a group that repeats begin alike, as those of `(a|a)*` do. */
const choosesTwice = (choices: ReadonlyArray<Sequence>, repeats: boolean): boolean =>
  choices.some((sequence, index) =>
    (repeats &&
      choices.slice(index + 1).some((other) =>
        sequence[0] !== undefined && other[0] !== undefined && shares(sequence[0], other[0])
      )) ||
    sequence.some((item) => item.choices !== undefined && choosesTwice(item.choices, repeats || item.max >= many))
  )

/** Why a regular expression may take more than linear time, if it may. */
export const danger = ({ flags, source }: Pick<Literal, "source" | "flags">): string | undefined => {
  const [choices, rest] = parse(source, flags)
  if (rest !== "") throw new Error(`cannot read ${source}`)
  const isAnchored = source.startsWith("^") && choices.length === 1
  for (const row of choices.flatMap(rows)) {
    // The end of the text is something that can fail, too.
    if (isAmbiguous(isAnchored ? row : [any, ...row], hasEnd(source))) {
      return isAnchored ? "two runs share characters" : "a run is tried from each of its characters"
    }
  }
  return choosesTwice(choices, false) ? "choices that repeat begin alike" : undefined
}
