// Which public keys may be enrolled at all. Ed25519 has its rule in base/signature.ts; here are the points of small order
// that no X25519 key may be (RFC 7748, section 6.1): with them every shared secret is zero.

import { equal, fromHex, toHex } from '../base/bytes.ts'
import { isStrongKey } from '../base/signature.ts'
import type { NodeKeys } from './records.ts'

/** u-coordinates of order 1, 2, 4 and 8 on Curve25519 and its twist, and their encodings above p = 2^255 - 19. */
const weakExchangeKeys: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(fromHex)

/** Verdicts on Ed25519 keys: the check takes milliseconds, and a card, its founding and each replay ask again. */
const verdicts = new Map<string, boolean>()
const verdictsMax = 1_024

/** `isStrongKey` of base/signature.ts, remembered. */
export function mayEnrol(key: Uint8Array): boolean {
  const name = toHex(key)
  const known = verdicts.get(name)
  if (known !== undefined) return known
  const verdict = isStrongKey(key)
  if (verdicts.size >= verdictsMax) verdicts.clear()
  verdicts.set(name, verdict)
  return verdict
}

/** Whether a 32-byte X25519 public key gives shared secrets that are secret. Its highest bit has no meaning. */
export function isStrongExchangeKey(key: Uint8Array): boolean {
  const point = key.slice()
  point[31] = (point[31] ?? 0) & 0x7f
  return key.length === 32 && !weakExchangeKeys.some((weak) => equal(weak, point))
}

/** Whether all keys of a node may be enrolled. */
export function areStrongNodeKeys({ consensus, transport, payload, checkpoint }: NodeKeys): boolean {
  return [consensus, transport, checkpoint].every(mayEnrol) && isStrongExchangeKey(payload)
}
