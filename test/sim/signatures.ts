// Signatures of the simulator: a fast keyed hash in the shape of Ed25519 (64 bytes, deterministic). Nothing here resists a
// cryptanalyst; what matters is that only the holder of a key is ever handed the means to use it, and that two different
// statements never get the same bytes by chance (128 bits of state).

import { equal } from '../../src/base/bytes.ts'
import type { SignatureDomain } from '../../src/base/domains.ts'

/** 64 bytes over `message` in its domain. The simulator's public keys are their own private keys. */
export function toySign(key: Uint8Array, domain: SignatureDomain, message: Uint8Array): Uint8Array {
  const state = new Uint32Array([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a])
  absorb(state, key)
  for (let i = 0; i < domain.length; i++) mix(state, domain.charCodeAt(i))
  mix(state, 0x100)
  absorb(state, message)
  const words = new Uint32Array(16)
  for (let i = 0; i < 16; i++) {
    mix(state, 0x200 + i)
    words[i] = ((state[0] as number) ^ (state[2] as number)) >>> 0
  }
  return new Uint8Array(words.buffer)
}

/** In the shape of `verify` of base/signature.ts. */
export function toyVerify(
  domain: SignatureDomain,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return equal(toySign(publicKey, domain, message), signature)
}

function absorb(state: Uint32Array, bytes: Uint8Array): void {
  for (const byte of bytes) mix(state, byte)
  mix(state, bytes.length)
}

function mix(state: Uint32Array, word: number): void {
  const [a, b, c, d] = state as unknown as [number, number, number, number]
  const x = Math.imul(a ^ word, 597399067)
  state[0] = b ^ x ^ (x >>> 15)
  state[1] = c ^ Math.imul(b ^ word, 2869860233)
  state[2] = d ^ Math.imul(c ^ (x >>> 7), 951274213)
  state[3] = a ^ Math.imul(d ^ word, 2716044179)
}
