/** A map that counts the entries that are looked at: one for each access by key, and each entry of an iteration. */
export class CountedMap<K, V> extends Map<K, V> {
  count = 0

  override get(key: K): V | undefined {
    this.count++
    return super.get(key)
  }

  override *[Symbol.iterator](): MapIterator<[K, V]> {
    for (const entry of super.entries()) {
      this.count++
      yield entry
    }
  }
}
