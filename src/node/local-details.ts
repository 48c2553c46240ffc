// The encrypted side-car of the local log: for entries that people asked for, who they were as far as the node could tell, and
// what they asked. Kept in the store's erasable root for as long as the operator says, and erased with the persons and items
// that it names. Bounded in rate and in all; what is left out is counted in the leaf.

import { randomBytes } from '#crypto'
import { concat, fromHex, fromUtf8, toHex, utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { decode, encode, list, record, type Schema, text, uint } from '../base/schema.ts'
import type { Store } from '../store/store.ts'
import { isNamed, type Names } from './erased-names.ts'

/** Of one request, or of one connection of a stranger. Empty where there is nothing to say. */
export interface About {
  /** Milliseconds since 1970. */
  readonly time: number
  /** Network address or PeerId. */
  readonly from: string
  /** Id of an application key. */
  readonly key: string
  /** Method and address. */
  readonly asked: string
  /** Body, when it is text. */
  readonly text: string
}

/** Within Number.MAX_SAFE_INTEGER for the next thousands of years. */
const timeBytes = 6
const referenceBytes = 16
const hourMs = 3_600_000

const detailSchema: Schema<readonly About[]> = list(
  record<About>({
    time: uint(),
    from: text(limits.detailTextBytesMax),
    key: text(limits.detailTextBytesMax),
    asked: text(limits.detailTextBytesMax),
    text: text(limits.detailTextBytesMax),
  }),
  limits.detailsPerEntryMax,
)

/** Random, after the time, so that references sort by it. */
export function newReference(time: number): Uint8Array {
  const at = fromHex(
    Math.max(0, Math.floor(time))
      .toString(16)
      .padStart(2 * timeBytes, '0'),
  )
  return concat(at, randomBytes(referenceBytes - timeBytes))
}

function timeOfReference(reference: Uint8Array): number {
  return Number.parseInt(toHex(reference.subarray(0, timeBytes)), 16)
}

export interface Noted {
  readonly reference: Uint8Array
  readonly about: readonly About[]
}

export class LocalDetails {
  readonly #store: Store['details']
  #hour = 0
  #bytesLeft = 0

  constructor(store: Store['details']) {
    this.#store = store
  }

  /** Whether there is room for so many characters in this hour; then they count. */
  takes(characters: number, now: number): boolean {
    const hour = Math.floor(now / hourMs)
    if (hour !== this.#hour) this.#bytesLeft = limits.detailBytesPerHour
    this.#hour = hour
    if (characters > this.#bytesLeft) return false
    this.#bytesLeft -= characters
    return true
  }

  put(details: readonly Noted[]): Promise<void> {
    return this.#store.put(details.map(({ reference, about }) => ({ reference, bytes: encode(detailSchema, about) })))
  }

  /** Undefined when they are not here, or not any more. */
  async get(reference: Uint8Array): Promise<readonly About[] | undefined> {
    if (reference.length !== referenceBytes) return undefined
    const found = await this.#store.get(reference)
    return found && decode(detailSchema, found)
  }

  /** References of the details that name one of these, and the sealed records. */
  async naming(names: Names): Promise<readonly { readonly reference: Uint8Array; readonly sealed: Uint8Array }[]> {
    const found: { reference: Uint8Array; sealed: Uint8Array }[] = []
    if (names.ids.size + names.values.size === 0) return found
    for await (const { reference, bytes, sealed } of this.#store.all()) {
      const about = decode(detailSchema, bytes)
      if (about.some(({ asked, text: body }) => isNamed(`${asked}\n${body}`, names))) found.push({ reference, sealed })
    }
    return found
  }

  remove(references: readonly Uint8Array[]): Promise<void> {
    return references.length === 0 ? Promise.resolve() : this.#store.remove(references)
  }

  /** Forgets what is older than `before` ms, and the oldest of what is too much. How many records went. */
  async expire(before: number): Promise<number> {
    const kept: { readonly reference: Uint8Array; readonly bytes: number }[] = []
    const gone: Uint8Array[] = []
    let total = 0
    for await (const { reference, sealed } of this.#store.all()) {
      if (timeOfReference(reference) < before) gone.push(reference)
      else {
        kept.push({ reference, bytes: sealed.length })
        total += sealed.length
      }
    }
    for (const { reference, bytes } of kept) {
      if (total <= limits.detailBytesMax) break
      gone.push(reference)
      total -= bytes
    }
    for (let from = 0; from < gone.length; from += limits.detailsPerWrite) {
      await this.remove(gone.slice(from, from + limits.detailsPerWrite))
    }
    return gone.length
  }
}

/** At most so many bytes of UTF-8, cut between characters. */
export function cut(said: string): string {
  const bytes = utf8(said.slice(0, limits.detailTextBytesMax))
  if (bytes.length <= limits.detailTextBytesMax) return fromUtf8(bytes)
  let end: number = limits.detailTextBytesMax
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return fromUtf8(bytes.subarray(0, end))
}
