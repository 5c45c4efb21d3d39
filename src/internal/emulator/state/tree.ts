/**
 * An immutable map with string keys, in the order of its keys: a weight-balanced tree. A change copies one path and shares
 * all other subtrees, so the differences between two versions are found without looking at what they share. Keys are
 * compared, not hashed: no choice of keys makes a lookup slow.
 */
import * as Option from "effect/Option"

interface Node<A> {
  readonly key: string
  readonly value: A
  readonly left: Tree<A>
  readonly right: Tree<A>
  readonly size: number
}

/** @internal */
export type Tree<A> = Node<A> | undefined

/** @internal */
export const size = (tree: Tree<unknown>): number => tree === undefined ? 0 : tree.size

const node = <A>(key: string, value: A, left: Tree<A>, right: Tree<A>): Node<A> => ({
  key,
  value,
  left,
  right,
  size: size(left) + size(right) + 1
})

// The balance of Hirai and Yamamoto, "Balancing weight-balanced trees" (2011), section 4.
const maxRatio = 3
const maxInnerRatio = 2

const rotatedLeft = <A>(key: string, value: A, left: Tree<A>, right: Node<A>): Node<A> => {
  const inner = right.left
  return inner === undefined || inner.size < maxInnerRatio * size(right.right)
    ? node(right.key, right.value, node(key, value, left, inner), right.right)
    : node(
      inner.key,
      inner.value,
      node(key, value, left, inner.left),
      node(right.key, right.value, inner.right, right.right)
    )
}

const rotatedRight = <A>(key: string, value: A, left: Node<A>, right: Tree<A>): Node<A> => {
  const inner = left.right
  return inner === undefined || inner.size < maxInnerRatio * size(left.left)
    ? node(left.key, left.value, left.left, node(key, value, inner, right))
    : node(
      inner.key,
      inner.value,
      node(left.key, left.value, left.left, inner.left),
      node(key, value, inner.right, right)
    )
}

/** A node of two subtrees, of which one was changed by one entry. */
const balanced = <A>(key: string, value: A, left: Tree<A>, right: Tree<A>): Node<A> => {
  if (size(left) + size(right) > 1) {
    if (right !== undefined && right.size > maxRatio * size(left)) return rotatedLeft(key, value, left, right)
    if (left !== undefined && left.size > maxRatio * size(right)) return rotatedRight(key, value, left, right)
  }
  return node(key, value, left, right)
}

/** @internal */
export const get = <A>(tree: Tree<A>, key: string): Option.Option<A> => {
  let at = tree
  while (at !== undefined) {
    if (key === at.key) return Option.some(at.value)
    at = key < at.key ? at.left : at.right
  }
  return Option.none()
}

/** Returns the same tree if the key already has this value. */
export const set = <A>(tree: Tree<A>, key: string, value: A): Node<A> => {
  if (tree === undefined) return node(key, value, undefined, undefined)
  if (key === tree.key) return value === tree.value ? tree : node(key, value, tree.left, tree.right)
  if (key < tree.key) {
    const left = set(tree.left, key, value)
    return left === tree.left ? tree : balanced(tree.key, tree.value, left, tree.right)
  }
  const right = set(tree.right, key, value)
  return right === tree.right ? tree : balanced(tree.key, tree.value, tree.left, right)
}

/** Returns the same tree if it does not have the key. */
export const remove = <A>(tree: Tree<A>, key: string): Tree<A> => {
  if (tree === undefined) return undefined
  if (key === tree.key) return joined(tree.left, tree.right)
  if (key < tree.key) {
    const left = remove(tree.left, key)
    return left === tree.left ? tree : balanced(tree.key, tree.value, left, tree.right)
  }
  const right = remove(tree.right, key)
  return right === tree.right ? tree : balanced(tree.key, tree.value, tree.left, right)
}

/** One tree of two that had a common parent. */
const joined = <A>(left: Tree<A>, right: Tree<A>): Tree<A> => {
  if (left === undefined) return right
  if (right === undefined) return left
  if (left.size > right.size) {
    let last = left
    while (last.right !== undefined) last = last.right
    return balanced(last.key, last.value, remove(left, last.key), right)
  }
  let first = right
  while (first.left !== undefined) first = first.left
  return balanced(first.key, first.value, left, remove(right, first.key))
}

/** A tree of these items, which are sorted by their keys and have different keys. */
export const fromSorted = <Item, A>(
  sorted: ReadonlyArray<Item>,
  keyOf: (item: Item) => string,
  valueOf: (item: Item) => A
): Tree<A> => {
  const build = (from: number, to: number): Tree<A> => {
    const middle = (from + to) >>> 1
    const item = sorted[middle]
    return from >= to || item === undefined
      ? undefined
      : node(keyOf(item), valueOf(item), build(from, middle), build(middle + 1, to))
  }
  return build(0, sorted.length)
}

/** The entries with a key from `from` on, in the order of their keys. */
export function* ascending<A>(tree: Tree<A>, from = ""): Generator<readonly [key: string, value: A], undefined> {
  const later: Array<Node<A>> = []
  const descend = (start: Tree<A>) => {
    let at = start
    while (at !== undefined) {
      if (at.key < from) at = at.right
      else {
        later.push(at)
        at = at.left
      }
    }
  }
  descend(tree)
  for (let next = later.pop(); next !== undefined; next = later.pop()) {
    yield [next.key, next.value]
    descend(next.right)
  }
}

/** The entries with a key before `before` (by default: all), in the reverse order of their keys. */
export function* descending<A>(tree: Tree<A>, before?: string): Generator<readonly [key: string, value: A], undefined> {
  const later: Array<Node<A>> = []
  const descend = (start: Tree<A>) => {
    let at = start
    while (at !== undefined) {
      if (before !== undefined && at.key >= before) at = at.left
      else {
        later.push(at)
        at = at.right
      }
    }
  }
  descend(tree)
  for (let next = later.pop(); next !== undefined; next = later.pop()) {
    yield [next.key, next.value]
    descend(next.left)
  }
}

/** The number of keys before `key`. */
export const countBefore = (tree: Tree<unknown>, key: string): number => {
  let count = 0
  let at = tree
  while (at !== undefined) {
    if (key <= at.key) at = at.left
    else {
      count += size(at.left) + 1
      at = at.right
    }
  }
  return count
}

/** The key that has `index` keys before it. */
export const keyAt = (tree: Tree<unknown>, index: number): string | undefined => {
  let at = tree
  let left = index
  while (at !== undefined) {
    const before = size(at.left)
    if (left === before) return at.key
    if (left < before) at = at.left
    else {
      left -= before + 1
      at = at.right
    }
  }
  return undefined
}

/** An entry that only the first or only the second tree has, or whose values differ. */
export interface Difference<A> {
  readonly key: string
  /** The value in the second tree; absent if it does not have the key. */
  readonly after: Option.Option<A>
}

/** A subtree to look at, or, if `isEntry`, only the entry at its root. */
interface Part<A> {
  readonly tree: Node<A>
  readonly isEntry: boolean
}

const expand = <A>(parts: Array<Part<A>>) => {
  const part = parts.pop()
  if (part === undefined) return
  const { left, right } = part.tree
  if (right !== undefined) parts.push({ tree: right, isEntry: false })
  parts.push({ tree: part.tree, isEntry: true })
  if (left !== undefined) parts.push({ tree: left, isEntry: false })
}

const partsOf = <A>(tree: Tree<A>): Array<Part<A>> => tree === undefined ? [] : [{ tree, isEntry: false }]

/**
 * The differences between two versions of a tree, in the order of their keys. Values are compared by identity. Subtrees that
 * both have are skipped, so the cost follows the number of differences and not the size of the trees.
 */
export const differences = <A>(before: Tree<A>, after: Tree<A>): ReadonlyArray<Difference<A>> => {
  const found: Array<Difference<A>> = []
  const old = partsOf(before)
  const current = partsOf(after)
  for (;;) {
    const one = old.at(-1)
    const other = current.at(-1)
    if (one === undefined && other === undefined) return found
    if (one !== undefined && other !== undefined && one.tree === other.tree && one.isEntry === other.isEntry) {
      old.pop()
      current.pop()
    } else if (
      one !== undefined && !one.isEntry && (other === undefined || other.isEntry || one.tree.size >= other.tree.size)
    ) {
      expand(old)
    } else if (other !== undefined && !other.isEntry) {
      expand(current)
    } else {
      // Both are entries, or one is an entry and the other tree has no more.
      const isRemoved = one !== undefined && (other === undefined || one.tree.key < other.tree.key)
      const isKept = one !== undefined && other !== undefined && one.tree.key === other.tree.key
      if (one !== undefined && isRemoved) found.push({ key: one.tree.key, after: Option.none() })
      else if (other !== undefined && !(isKept && one.tree.value === other.tree.value)) {
        found.push({ key: other.tree.key, after: Option.some(other.tree.value) })
      }
      if (isRemoved || isKept) old.pop()
      if (!isRemoved) current.pop()
    }
  }
}
