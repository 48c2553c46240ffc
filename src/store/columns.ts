// Columns of whole numbers as bytes. Sorted rows repeat and count on, so a column is written as differences from row to row,
// and equal differences, one after another, as one with how often it comes. What deflate would find beyond that costs more time
// than everything else that reading a block does.
//
// Numbers of terms are of several kinds (inline-ids.ts), told by what stands above their lowest 48 bits. Where a column has
// others than the first, a difference is from the last number of the same kind, and the kind stands in its lowest four bits:
// between a name and a time, and back, a difference would take eight bytes each.

const unit = 2 ** 48
const kindsMax = 16
/** Fewer are cheaper one by one. */
const repeatsMin = 3

/** Bytes that a number takes at most. */
export const numberBytesMax = 8

/** Grows as it is written to. */
export class NumberWriter {
  #bytes = new Uint8Array(65_536)
  #at = 0
  #codes = new Float64Array(1_024)

  /** What was written since the last time. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at)
    this.#at = 0
    return taken
  }

  put(number: number): void {
    this.#reserve(numberBytesMax)
    this.#put(number)
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** One of `width` columns of rows that stand one after another. */
  column(values: Float64Array, column: number, width: number): void {
    const rows = values.length / width
    // Each code, and each count before codes.
    this.#reserve(2 * numberBytesMax * rows + 1)
    if (this.#codes.length <= rows) this.#codes = new Float64Array(2 * rows)
    const codes = this.#codes
    const kinds = codesOf(values, column, width, codes)
    this.#bytes[this.#at++] = Number(kinds)
    // What ends the last run: no code.
    codes[rows] = -1
    let begun = 0
    for (let row = 0; row < rows; ) {
      const code = codes[row] as number
      let end = row + 1
      while (codes[end] === code) end += 1
      if (end - row >= repeatsMin) {
        this.#each(begun, row)
        this.#put(2 * (end - row) + 1)
        this.#put(code)
        begun = end
      }
      row = end
    }
    this.#each(begun, rows)
  }

  #each(from: number, to: number): void {
    if (from === to) return
    this.#put(2 * (to - from))
    for (let row = from; row < to; row++) this.#put(this.#codes[row] as number)
  }

  /** Seven bits a byte, the lowest first. */
  #put(number: number): void {
    let rest = number
    while (rest >= 0x1000_0000) {
      this.#bytes[this.#at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#at++] = rest
  }

  #reserve(room: number): void {
    if (this.#at + room <= this.#bytes.length) return
    const larger = new Uint8Array(2 * (this.#at + room))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}

/** Whether the codes tell kinds. */
function codesOf(values: Float64Array, column: number, width: number, codes: Float64Array): boolean {
  let kinds = false
  for (let place = column; place < values.length && !kinds; place += width) kinds = (values[place] as number) >= unit
  const last = new Float64Array(kindsMax)
  for (let place = column, row = 0; place < values.length; place += width, row++) {
    const value = values[place] as number
    const kind = kinds ? Math.floor(value / unit) : 0
    const low = value - kind * unit
    const difference = low - (last[kind] as number)
    const zigzag = difference < 0 ? -2 * difference - 1 : 2 * difference
    codes[row] = kinds ? kindsMax * zigzag + kind : zigzag
    last[kind] = low
  }
  return kinds
}

export class NumberReader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** @throws RangeError behind the end */
  number(): number {
    let byte = this.bytes[this.at++] as number
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let factor = 128; byte >= 0x80; factor *= 128) {
      byte = this.bytes[this.at++] as number
      value += (byte & 0x7f) * factor
    }
    if (this.at > this.bytes.length) throw new RangeError('numbers were cut short')
    return value
  }

  /** Fills one of `width` columns. @throws RangeError for what `NumberWriter` did not write */
  column(values: Float64Array, column: number, width: number): void {
    const kinds = this.number() === 1
    const last = new Float64Array(kindsMax)
    for (let place = column; place < values.length; ) {
      const run = this.number()
      const repeats = run % 2 === 1
      const end = place + width * Math.floor(run / 2)
      if (end === place || end >= values.length + width) throw new RangeError('a run of no length, or too long')
      for (let code = repeats ? this.number() : 0; place < end; place += width) {
        if (!repeats) code = this.number()
        const kind = kinds ? code % kindsMax : 0
        const zigzag = kinds ? Math.floor(code / kindsMax) : code
        const half = Math.floor(zigzag / 2)
        const low = (last[kind] as number) + (zigzag === 2 * half ? half : -half - 1)
        last[kind] = low
        values[place] = kind * unit + low
      }
    }
  }
}
