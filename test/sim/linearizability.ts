// Whether what clients saw of registers could have come from one copy that does one thing at a time (Herlihy and Wing, 1990).
// The search is that of Wing and Gong (1993), each register apart, remembering what was tried (Lowe, 2017).

/** What a register holds; 0 before the first write. Writes of one register have different values. */
export type Value = number

export interface Operation {
  readonly type: 'write' | 'read'
  readonly key: string
  /** Written, or read. */
  readonly value: Value
  /** Any clock that all operations of a history share. */
  readonly invoked: number
  /** Undefined for a write that nobody has an answer to: it may have happened since, or never. */
  readonly returned: number | undefined
}

/** The first register whose operations have no order that explains them; undefined when all have. */
export function unexplained(history: readonly Operation[]): string | undefined {
  const byKey = new Map<string, Operation[]>()
  for (const operation of history) byKey.set(operation.key, [...(byKey.get(operation.key) ?? []), operation])
  for (const [key, operations] of byKey) if (!isExplained(operations)) return key
  return undefined
}

interface Partial {
  /** Operations that have taken place already, as bits. */
  readonly done: bigint
  readonly value: Value
}

function isExplained(operations: readonly Operation[]): boolean {
  const tried = new Set<string>()
  const open: Partial[] = [{ done: 0n, value: 0 }]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { done, value } = at
    const left = operations.flatMap((operation, place) => ((done >> BigInt(place)) & 1n ? [] : [{ operation, place }]))
    if (left.every(({ operation }) => operation.returned === undefined)) return true
    // Nothing takes place after the return of something that has not yet.
    const until = Math.min(...left.map(({ operation }) => operation.returned ?? Number.POSITIVE_INFINITY))
    for (const { operation, place } of left) {
      if (operation.invoked > until || (operation.type === 'read' && operation.value !== value)) continue
      const next = { done: done | (1n << BigInt(place)), value: operation.value }
      const name = `${next.done}/${next.value}`
      if (tried.has(name)) continue
      tried.add(name)
      open.push(next)
    }
  }
  return false
}
