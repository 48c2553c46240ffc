// Payloads that peers sent and nobody has checked yet: a shelf for each peer, so that one that sends garbage can neither
// replace nor push out what another sent.

import type { NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { RequestId } from '../consensus/batch.ts'

export interface Offer {
  readonly from: NodeId
  readonly payload: Uint8Array
}

export class Offers {
  readonly #shelves: Map<NodeId, Shelf> = new Map()

  put(from: NodeId, id: RequestId, payload: Uint8Array): void {
    const shelf = this.#shelves.get(from) ?? new Shelf(limits.offeredBytesMax)
    this.#shelves.set(from, shelf)
    shelf.put(id, payload)
  }

  /** Takes away every offer of this payload. */
  take(id: RequestId): readonly Offer[] {
    const found: Offer[] = []
    for (const [from, shelf] of this.#shelves) {
      const payload = shelf.get(id)
      if (payload !== undefined) found.push({ from, payload })
      shelf.remove(id)
    }
    return found
  }
}

/** What keeping one takes, however short it is: a peer may send many that are empty. */
const overheadBytes = 256

/** Payloads by request up to so many bytes, and 256 for each; the oldest go first. */
export class Shelf {
  readonly #bytesMax: number
  readonly #payloads: Map<RequestId, Uint8Array> = new Map()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(id: RequestId): Uint8Array | undefined {
    return this.#payloads.get(id)
  }

  put(id: RequestId, payload: Uint8Array): void {
    this.remove(id)
    this.#payloads.set(id, payload)
    this.#bytes += payload.length + overheadBytes
    for (const oldest of this.#payloads.keys()) {
      if (this.#bytes <= this.#bytesMax) return
      this.remove(oldest)
    }
  }

  remove(id: RequestId): void {
    const before = this.#payloads.get(id)
    if (before === undefined) return
    this.#bytes -= before.length + overheadBytes
    this.#payloads.delete(id)
  }
}
