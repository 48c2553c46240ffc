// Deterministic CBOR (RFC 8949, section 4.2.1) over cborg. Only the kinds of value that our formats use exist here:
// whole numbers from 0 to 2^53-1, byte strings, text, booleans and arrays. No maps, tags, floats, null or undefined.

import { decodeFirst, encode, type Token, Tokenizer, Type } from 'cborg'
import { equal, fromUtf8 } from './bytes.ts'
import { LedgerError } from './errors.ts'
import { limits } from './limits.ts'

export type CborValue = number | string | boolean | Uint8Array | readonly CborValue[]

/** The one encoding of `value`. */
export function encodeCbor(value: CborValue): Uint8Array {
  return plain(encode(value))
}

/** cborg works with Buffers in Node, whose `slice` shares memory instead of copying. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * The value of `bytes`, which must be the one encoding of it and nothing more.
 * @throws LedgerError MALFORMED: not CBOR, cut short, text that is not UTF-8, nested too deep, or a kind of value that
 * our formats do not use. NON_CANONICAL: a value in another encoding than its one, bytes after it, or a map.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const [value, rest] = decodeValue(bytes)
  if (rest > 0) throw new LedgerError('NON_CANONICAL', { reason: `${rest} bytes after the value` })
  if (!equal(encode(value), bytes)) throw new LedgerError('NON_CANONICAL')
  return value
}

function decodeValue(bytes: Uint8Array): readonly [CborValue, number] {
  const data = plain(bytes)
  try {
    const [value, rest] = decodeFirst(data, { tokenizer: new StrictTokenizer(data) })
    return [value as CborValue, rest.length]
  } catch (error) {
    if (error instanceof LedgerError) throw error
    throw new LedgerError('MALFORMED', { reason: error instanceof Error ? error.message : 'not CBOR' })
  }
}

/** cborg's tokens, of which only those pass that our formats use, and only so deep that no stack can overflow. */
class StrictTokenizer extends Tokenizer {
  /** Entries that each open array still misses. */
  readonly #open: number[] = []

  constructor(data: Uint8Array) {
    super(data, { allowBigInt: false })
  }

  override next(): Token {
    const start = this.pos()
    const token = super.next()
    if (Type.equals(token.type, Type.array)) {
      this.#enter(token.value)
      return token
    }
    if (Type.equals(token.type, Type.string)) token.value = this.#text(start, token)
    else if (!usedTypes.some((type) => Type.equals(token.type, type))) throw unused(token)
    this.#leave()
    return token
  }

  #enter(entries: number): void {
    if (entries === Number.POSITIVE_INFINITY) throw new LedgerError('NON_CANONICAL', { reason: 'an indefinite length' })
    if (entries > this.data.length - this.pos()) throw new LedgerError('MALFORMED', { reason: 'an array cut short' })
    if (entries === 0) this.#leave()
    else if (this.#open.push(entries) > limits.cborDepthMax) {
      throw new LedgerError('MALFORMED', { reason: `nested deeper than ${limits.cborDepthMax}` })
    }
  }

  /** A value is complete, and with it every array whose last entry it was. */
  #leave(): void {
    while (this.#open.length > 0) {
      const left = (this.#open.pop() as number) - 1
      if (left > 0) {
        this.#open.push(left)
        return
      }
    }
  }

  /** cborg replaces what is not UTF-8 and drops a leading U+FEFF, so the text is read again from its bytes. */
  #text(start: number, token: Token): string {
    const minor = (this.data[start] as number) & 31
    const header = minor < 24 ? 1 : 1 + 2 ** (minor - 24)
    return fromUtf8(this.data.subarray(start + header, start + (token.encodedLength as number)))
  }
}

const usedTypes: readonly Type[] = [Type.uint, Type.bytes, Type.true, Type.false]

function unused(token: Token): LedgerError {
  if (Type.equals(token.type, Type.map))
    return new LedgerError('NON_CANONICAL', { reason: 'a map where arrays are used' })
  return new LedgerError('MALFORMED', { reason: `a kind of value that is not used here: ${token.type.name}` })
}
