// A key from a passphrase. What may be asked of it, and what the key opens, is the affair of others.

import sodium from 'sodium-native'

/** Argon2id (RFC 9106), one lane: passes over memory, KiB of memory, salt. */
export interface Stretching {
  readonly passes: number
  readonly memoryKiB: number
  /** `saltBytes` of them, random. */
  readonly salt: Uint8Array
}

export const saltBytes: number = sodium.crypto_pwhash_SALTBYTES

/** 32 bytes, computed on another thread. */
export async function stretch(passphrase: Uint8Array, { passes, memoryKiB, salt }: Stretching): Promise<Uint8Array> {
  const key = new Uint8Array(32)
  const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13
  await sodium.crypto_pwhash_async(key, passphrase, salt, passes, 1024 * memoryKiB, algorithm)
  return key
}
