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
  readonly #rows = new Map<string, Row<T>>()
  readonly #changed = new Map<string, T>()

  constructor(buckets: Buckets, kind: number, ids: IdForm, schema: Schema<T>) {
    this.kind = kind
    this.#ids = ids
    this.#schema = schema
    this.#buckets = buckets
  }

  get(id: Id): T | undefined {
    const changed = this.#changed.get(id)
    if (changed !== undefined) return changed
    const row = this.#rows.get(id)
    return row === undefined ? undefined : this.#valueOf(row)
  }

  set(id: Id, value: T): void {
    this.#changed.set(id, value)
  }

  /** In ascending order of ids. */
  values(): readonly T[] {
    const ids = new Set([...this.#rows.keys(), ...this.#changed.keys()])
    return [...ids].sort().map((id) => this.get(id as Id) as T)
  }

  /** Takes a stored record. @throws InvariantError for one that is here already. */
  load(key: Uint8Array, value: Uint8Array): void {
    const id = this.#ids.fromBytes(key.subarray(1))
    if (this.#rows.has(id)) throw new InvariantError('a record of the state stands twice')
    this.#rows.set(id, { slot: this.#buckets.add(key, value), value: undefined })
  }

  /** Encodes what was set since the last time and adds it to `changes`. */
  flush(changes: StateChange[]): void {
    for (const [id, value] of this.#changed) {
      const encoded = encode(this.#schema, value)
      const row = this.#rows.get(id)
      const slot = row?.slot ?? this.#buckets.add(concat(Uint8Array.of(this.kind), this.#ids.toBytes(id)), encoded)
      if (row !== undefined) this.#buckets.replace(slot, encoded)
      this.#rows.set(id, { slot, value })
      changes.push({ key: slot.key, value: encoded })
    }
    this.#changed.clear()
  }

  #valueOf(row: Row<T>): T {
    row.value ??= decode(this.#schema, row.slot.value)
    return row.value
  }
}
