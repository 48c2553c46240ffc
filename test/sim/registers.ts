// A run as its clients see it: each request writes a register, each linearizable read reads one. Kept for the whole run, and
// judged at its end.

import type { Sequence } from '../../src/base/ids.ts'
import type { RequestId } from '../../src/consensus/batch.ts'
import { type Operation, unexplained, type Value } from './linearizability.ts'

const keys = ['a', 'b', 'c'] as const

const keyOf = (number: number): string => keys[number % keys.length] as string

interface Write {
  readonly key: string
  readonly value: Value
  readonly invoked: number
  returned: number | undefined
}

export class Registers {
  /** Counts what happens, so that no two moments are the same. */
  #moment = 0
  readonly #writes: Map<RequestId, Write> = new Map()
  readonly #reading: Map<string, { readonly key: string; readonly invoked: number }> = new Map()
  readonly #read: Operation[] = []

  /** A client submits its request for the first time. */
  asksFor(id: RequestId): void {
    if (this.#writes.has(id)) return
    const number = this.#writes.size
    this.#writes.set(id, { key: keyOf(number), value: number + 1, invoked: this.#moment++, returned: undefined })
  }

  /** Clients are told that all up to `height` is final. */
  acknowledged(height: Sequence, sequenceOf: (id: RequestId) => Sequence | undefined): void {
    for (const [id, write] of this.#writes) {
      if (write.returned === undefined && (sequenceOf(id) ?? Number.POSITIVE_INFINITY) <= height) {
        write.returned = this.#moment++
      }
    }
  }

  asksToRead(read: string): void {
    this.#reading.set(read, { key: keyOf(Number.parseInt(read, 16)), invoked: this.#moment++ })
  }

  /** The answer is what the register holds at `height`. `agreed`: requests in their order, with their sequences. */
  answers(read: string, height: Sequence, agreed: Iterable<readonly [RequestId, Sequence]>): void {
    const asked = this.#reading.get(read)
    if (asked === undefined) return
    this.#reading.delete(read)
    let value: Value = 0
    for (const [id, sequence] of agreed) {
      const write = this.#writes.get(id)
      if (sequence <= height && write?.key === asked.key) value = write.value
    }
    this.#read.push({ type: 'read', ...asked, value, returned: this.#moment++ })
  }

  /** Reads that were answered. */
  get answered(): number {
    return this.#read.length
  }

  /** Undefined, or what no order of one copy explains. */
  fault(): string | undefined {
    const writes = [...this.#writes.values()].map((write): Operation => ({ type: 'write', ...write }))
    const key = unexplained([...writes, ...this.#read])
    return key === undefined ? undefined : `what clients saw of register ${key} is not linearizable`
  }
}
