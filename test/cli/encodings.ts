// A secret in every way in which a file could give it away: as bytes and as text, whole or half of it.

import { words } from '../../src/node/words.ts'

/** What to look for, by the name of the encoding. */
function encodingsOf(secret: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const buffer = Buffer.from(secret)
  const texts = {
    hex: buffer.toString('hex'),
    'upper-case hex': buffer.toString('hex').toUpperCase(),
    'hex, last byte first': Buffer.from(buffer).reverse().toString('hex'),
    'numbers in JSON': [...buffer].join(','),
    'numbers in spaced JSON': [...buffer].join(', '),
    words: [...buffer].map((byte) => words[byte]).join(' '),
    ...base64Of(buffer, 'base64'),
    ...base64Of(buffer, 'base64url'),
  }
  const found = new Map<string, Uint8Array>(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]))
  return found.set('bytes', buffer)
}

/** Without the characters that also depend on what stands before and behind, at each of the three alignments. */
function base64Of(secret: Buffer, form: 'base64' | 'base64url'): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), secret])
        .toString(form)
        .replace(/=+$/, '')
      return [`${form} at ${shift}`, text.slice(shift === 0 ? 0 : shift + 1, -2)]
    }),
  )
}

/** Encodings in which `file` holds the secret or either half of it. */
export function encodingsIn(file: string | Uint8Array, secret: Uint8Array): readonly string[] {
  const bytes = Buffer.from(file)
  const half = secret.length / 2
  return [secret, secret.subarray(0, half), secret.subarray(half)].flatMap((part) =>
    [...encodingsOf(part)].flatMap(([name, encoded]) => (bytes.includes(Buffer.from(encoded)) ? [name] : [])),
  )
}
