// Lines of text cut into files of a bounded size, each with the same first line.

import { utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { type PieceKind, piecePath } from './bundle.ts'

/** A file of a bundle that follows from the blocks. */
export interface DerivedFile {
  readonly path: string
  readonly bytes: Uint8Array
  readonly records: number
}

export class TextPieces {
  readonly #kind: PieceKind
  readonly #head: string
  #lines: string[] = []
  #length = 0
  #pieces = 0
  #done: DerivedFile[] = []

  constructor(kind: PieceKind, head = '') {
    this.#kind = kind
    this.#head = head
  }

  push(lines: string): void {
    if (this.#length + lines.length > limits.bundleFileBytesTarget) this.#close()
    this.#lines.push(lines)
    this.#length += lines.length
  }

  taken(): readonly DerivedFile[] {
    const done = this.#done
    this.#done = []
    return done
  }

  /** The first file is there also without lines, so that it shows its columns. */
  finish(): readonly DerivedFile[] {
    if (this.#lines.length > 0 || (this.#pieces === 0 && this.#head !== '')) this.#close()
    return this.taken()
  }

  #close(): void {
    const bytes = utf8(this.#head + this.#lines.join(''))
    this.#done.push({ path: piecePath(this.#kind, this.#pieces++), bytes, records: this.#lines.length })
    this.#lines = []
    this.#length = 0
  }
}
