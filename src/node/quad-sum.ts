// A sum over quads of one graph that is the same in whatever order they come: their count, and their hashes added up. It needs no
// key, so that nodes can compare it; it is told to nodes that hold the same quads only, and never kept.

import { toHex, utf8 } from '../base/bytes.ts'
import { hash, hashBytes } from '../base/hash.ts'
import type { Digest } from '../base/ids.ts'
import { type StoredQuad, termText } from '../store/terms.ts'

const modulus = 2n ** 256n

export class QuadSum {
  #count = 0
  #sum = 0n

  add({ subject, predicate, object }: Pick<StoredQuad, 'subject' | 'predicate' | 'object'>): void {
    const text = JSON.stringify([termText(subject), termText(predicate), termText(object)])
    this.#count += 1
    this.#sum = (this.#sum + BigInt(`0x${toHex(hashBytes('quad', utf8(text)))}`)) % modulus
  }

  digest(): Digest {
    return hash('quads', utf8(`${this.#count} ${this.#sum.toString(16)}`))
  }
}
