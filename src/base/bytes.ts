// Byte strings: the few operations on Uint8Array that everything else needs. Nothing here knows what the bytes mean.

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of UTF-8 `bytes`. @throws TypeError when they are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** All `parts` one after another, in a fresh array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Whether both hold the same bytes. Not constant in time: never for secrets. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compare(a, b) === 0
}

/** Bytewise order, a prefix before what it begins: negative, zero or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const hexDigits = utf8('0123456789abcdef')

/** Bytes of one call: arguments stand on the stack. */
const hexPieceBytes = 4_096

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length <= hexPieceBytes) return hexPiece(bytes)
  let hex = ''
  for (let at = 0; at < bytes.length; at += hexPieceBytes) hex += hexPiece(bytes.subarray(at, at + hexPieceBytes))
  return hex
}

/** All digits at once: a string put together digit by digit stays a tree of its parts, thirty times as large. */
function hexPiece(bytes: Uint8Array): string {
  const codes = new Array<number>(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    codes[2 * i] = hexDigits[byte >> 4] as number
    codes[2 * i + 1] = hexDigits[byte & 15] as number
  }
  return String.fromCharCode.apply(null, codes)
}

/** The bytes of lower-case hexadecimal. @throws RangeError for anything else. */
export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1)
  let sound = hex.length % 2 === 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = (nibble(hex.charCodeAt(2 * i)) << 4) | nibble(hex.charCodeAt(2 * i + 1))
    sound &&= byte >= 0
    bytes[i] = byte
  }
  if (!sound) throw new RangeError('not lower-case hexadecimal')
  return bytes
}

/** The value of a hexadecimal digit's character code, -1 of any other. Ids are decoded often enough for this to count. */
function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  return code >= 97 && code <= 102 ? code - 87 : -1
}

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Base64 with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    for (let digit = 0; digit < 4; digit++) {
      text += i + digit > bytes.length ? '=' : base64Alphabet[(group >> (18 - 6 * digit)) & 63]
    }
  }
  return text
}

/** The bytes of padded base64. @throws RangeError unless encoding them again gives the same text. */
export function fromBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array(Math.max(0, (text.length / 4) * 3 - padding))
  for (let i = 0; i * 4 < text.length; i++) {
    let group = 0
    for (let digit = 0; digit < 4; digit++) {
      group = (group << 6) | Math.max(0, base64Alphabet.indexOf(text[4 * i + digit] ?? ''))
    }
    for (let byte = 0; byte < 3 && 3 * i + byte < bytes.length; byte++) {
      bytes[3 * i + byte] = (group >> (16 - 8 * byte)) & 255
    }
  }
  if (toBase64(bytes) !== text) throw new RangeError('not canonical base64')
  return bytes
}
