// Map.groupBy (ECMA-262, 24.1.2.1), which Node.js 20 lacks.

/** `items` by the key of each, keys and items in the order in which they first come. Takes time that goes with their number. */
export function groupsBy<K, T>(items: Iterable<T>, keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
