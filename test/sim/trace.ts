// The trace of a run: a running hash over everything that happened, so that two runs can be compared by 16 digits; and,
// when someone is watching, each event by itself.

export interface TraceEvent {
  /** Virtual milliseconds since the run began. */
  readonly at: number
  /** n0, n1 and so on, or `run`. */
  readonly who: string
  readonly what: string
  readonly detail: string | number
  /** The detail in full, for the eye. */
  explain(): string
}

export type TraceSink = (event: TraceEvent) => void

export function lineOf({ at, who, what, explain }: TraceEvent): string {
  return `${String(at).padStart(7)} ${who.padEnd(4)} ${what} ${explain()}`
}

export class Trace {
  #a = 0x243f6a88
  #b = 0x85a308d3
  readonly #sink: TraceSink | undefined

  constructor(sink?: TraceSink) {
    this.#sink = sink
  }

  /** `detail` is hashed; `explain` is only for the eye. */
  note(at: number, who: string, what: string, detail: string | number, explain = (): string => String(detail)): void {
    this.#mixNumber(at)
    this.#mixText(who)
    this.#mixText(what)
    if (typeof detail === 'number') this.#mixNumber(detail)
    else this.#mixText(detail)
    this.#sink?.({ at, who, what, detail, explain })
  }

  mixBytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#mix(byte)
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
    this.#mix(0x100)
  }

  #mixNumber(value: number): void {
    this.#mix(value | 0)
    this.#mix(Math.floor(value / 2 ** 32) | 0)
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x9e3779b1)
    this.#a ^= this.#a >>> 15
    this.#b = (Math.imul(this.#b, 0x85ebca77) + this.#a) | 0
    this.#b ^= this.#b >>> 13
  }
}
