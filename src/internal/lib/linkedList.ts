/** Linked lists whose nodes are the values. A list with one value needs a fraction of the memory of a set. */

/** A value that can be in one list. */
export interface Node<N> {
  isListed: boolean
  previous: N | undefined
  next: N | undefined
}

/** A list in the order of its additions. */
export interface LinkedList<N extends Node<N>> {
  first: N | undefined
  last: N | undefined
}

/** @internal */
export const empty = <N extends Node<N>>(): LinkedList<N> => ({ first: undefined, last: undefined })

/** Adds a value, unless it is in a list. */
export const add = <N extends Node<N>>(list: LinkedList<N>, node: N): void => {
  if (node.isListed) return
  node.isListed = true
  node.previous = list.last
  node.next = undefined
  if (list.last === undefined) list.first = node
  else list.last.next = node
  list.last = node
}

/** Removes a value of this list. */
export const remove = <N extends Node<N>>(list: LinkedList<N>, node: N): void => {
  if (!node.isListed) return
  node.isListed = false
  if (node.previous === undefined) list.first = node.next
  else node.previous.next = node.next
  if (node.next === undefined) list.last = node.previous
  else node.next.previous = node.previous
  node.previous = undefined
  node.next = undefined
}

/** Removes all values, and calls `f` with each of them. */
export const drain = <N extends Node<N>>(list: LinkedList<N>, f: (node: N) => void): void => {
  for (let node = list.first; node !== undefined; node = list.first) {
    remove(list, node)
    f(node)
  }
}
