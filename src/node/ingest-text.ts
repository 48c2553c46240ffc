// Bytes to text: strict UTF-8 over chunks, a byte order mark at the beginning left out.

import type { Trail } from './ingest-place.ts'

/** Takes chunks, and undefined at the end. @throws LedgerError PARSE_ERROR for what is not UTF-8 */
export function openDecoder(trail: Trail): (chunk: Uint8Array | undefined) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return (chunk) => {
    try {
      const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
      trail.read(text)
      return text
    } catch {
      throw notUtf8(trail, chunk ?? new Uint8Array())
    }
  }
}

function notUtf8(trail: Trail, chunk: Uint8Array): Error {
  trail.read(validPrefix(chunk))
  return trail.refused({ line: trail.line, column: trail.column }, 'not UTF-8')
}

/** What comes before the first byte that cannot stand there. The chunk may begin inside a character. */
function validPrefix(chunk: Uint8Array): string {
  let begin = 0
  while (begin < 3 && ((chunk[begin] ?? 0) & 0xc0) === 0x80) begin++
  let [good, bad] = [begin, chunk.length]
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const isValid = (end: number): boolean => {
    try {
      // As a stream: a character may be cut off at the end.
      new TextDecoder('utf-8', { fatal: true }).decode(chunk.subarray(begin, end), { stream: true })
      return true
    } catch {
      return false
    }
  }
  while (good < bad) {
    const middle = (good + bad + 1) >> 1
    if (isValid(middle)) good = middle
    else bad = middle - 1
  }
  return decoder.decode(chunk.subarray(begin, good), { stream: true })
}
