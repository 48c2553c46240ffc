// What a node may hold in memory beside itself, by node.yaml's limits.memoryMiB: half of it is for queries under way, a quarter for
// payloads that wait for their block, a 32nd for decoded blocks of the index. The rest is room for messages, answers and terms.

import { limits } from '../base/limits.ts'

export interface MemoryShares {
  /** Threads that evaluate queries, and the heap of each. */
  readonly queries: { readonly threads: number; readonly heapMiB: number }
  readonly stagedBytesMax: number
  readonly cacheBytesMax: number
}

const bytesPerMiB = 1_048_576

export function memoryShares(memoryMiB: number): MemoryShares {
  const forQueries = Math.floor(memoryMiB / 2)
  const heapMiB = Math.min(limits.queryMemoryMiB, forQueries)
  return {
    queries: { threads: Math.max(1, Math.floor(forQueries / heapMiB)), heapMiB },
    stagedBytesMax: Math.floor(memoryMiB / 4) * bytesPerMiB,
    cacheBytesMax: Math.floor(memoryMiB / 32) * bytesPerMiB,
  }
}
