// One kind of record of the state: a map from ids to values, decoded when first asked for and encoded once a block.

import { concat, fromHex, fromUtf8, toHex, utf8 } from '../base/bytes.ts'
import { InvariantError } from '../base/errors.ts'
import { decode, encode, type Schema } from '../base/schema.ts'
import type { Buckets, Slot } from './buckets.ts'

/** What a block changed in the state; `value` undefined: the record is gone. */
export interface StateChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** How the ids of a table stand in keys. */
export interface IdForm {
  readonly toBytes: (id: string) => Uint8Array
  readonly fromBytes: (bytes: Uint8Array) => string
}

export const hexIds: IdForm = { toBytes: fromHex, fromBytes: toHex }
export const textIds: IdForm = { toBytes: utf8, fromBytes: fromUtf8 }

interface Row<T> {
  readonly slot: Slot
  value: T | undefined
}

/** The key of a record is the number of its kind and the bytes of its id. */
export class Table<Id extends string, T> {
  readonly kind: number
  readonly #ids: IdForm
  readonly #schema: Schema<T>
  readonly #buckets: Buckets
  readonly #rows = new Map<Id, Row<T>>()
  /** Undefined: it is to go. */
  readonly #changed = new Map<Id, T | undefined>()

  constructor(buckets: Buckets, kind: number, ids: IdForm, schema: Schema<T>) {
    this.kind = kind
    this.#ids = ids
    this.#schema = schema
    this.#buckets = buckets
  }

  get(id: Id): T | undefined {
    const changed = this.#changed.get(id)
    if (changed !== undefined || this.#changed.has(id)) return changed
    const row = this.#rows.get(id)
    return row === undefined ? undefined : this.#valueOf(row)
  }

  set(id: Id, value: T): void {
    this.#changed.set(id, value)
  }

  delete(id: Id): void {
    this.#changed.set(id, undefined)
  }

  /** In ascending order of ids. */
  entries(): readonly (readonly [Id, T])[] {
    const ids = new Set([...this.#rows.keys(), ...this.#changed.keys()])
    return [...ids].sort().flatMap((id) => {
      const value = this.get(id)
      return value === undefined ? [] : [[id, value] as const]
    })
  }

  values(): readonly T[] {
    return this.entries().map(([, value]) => value)
  }

  /** Takes a stored record. @throws InvariantError for one that is here already. */
  load(key: Uint8Array, value: Uint8Array): void {
    const id = this.#ids.fromBytes(key.subarray(1)) as Id
    if (this.#rows.has(id)) throw new InvariantError('a record of the state stands twice')
    this.#rows.set(id, { slot: this.#buckets.add(key, value), value: undefined })
  }

  /** Encodes what was set since the last time and adds it to `changes`. */
  flush(changes: StateChange[]): void {
    for (const [id, value] of this.#changed) {
      if (value === undefined) {
        this.#remove(id, changes)
        continue
      }
      const encoded = encode(this.#schema, value)
      const row = this.#rows.get(id)
      const slot = row?.slot ?? this.#buckets.add(concat(Uint8Array.of(this.kind), this.#ids.toBytes(id)), encoded)
      if (row !== undefined) this.#buckets.replace(slot, encoded)
      this.#rows.set(id, { slot, value })
      changes.push({ key: slot.key, value: encoded })
    }
    this.#changed.clear()
  }

  #remove(id: Id, changes: StateChange[]): void {
    const row = this.#rows.get(id)
    if (row === undefined) return
    this.#buckets.remove(row.slot)
    this.#rows.delete(id)
    changes.push({ key: row.slot.key, value: undefined })
  }

  #valueOf(row: Row<T>): T {
    row.value ??= decode(this.#schema, row.slot.value)
    return row.value
  }
}
