// The part of sodium-native 5 that we use; the package ships no types.
declare module 'sodium-native' {
  interface Sodium {
    readonly crypto_sign_BYTES: number
    readonly crypto_sign_PUBLICKEYBYTES: number
    readonly crypto_sign_SECRETKEYBYTES: number
    readonly crypto_pwhash_ALG_ARGON2ID13: number
    readonly crypto_pwhash_SALTBYTES: number
    randombytes_buf(bytes: Uint8Array): void
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    crypto_core_ed25519_is_valid_point(p: Uint8Array): boolean
    crypto_core_ed25519_scalar_reduce(scalar: Uint8Array, uniform: Uint8Array): void
    crypto_core_ed25519_add(sum: Uint8Array, p: Uint8Array, q: Uint8Array): void
    crypto_scalarmult_ed25519_base_noclamp(q: Uint8Array, n: Uint8Array): void
    crypto_scalarmult_ed25519_noclamp(q: Uint8Array, n: Uint8Array, p: Uint8Array): void
    crypto_box_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void
    crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void
    crypto_generichash(output: Uint8Array, input: Uint8Array, key: Uint8Array): void
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      sealed: Uint8Array,
      plain: Uint8Array,
      aad: Uint8Array,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      plain: Uint8Array,
      secretNonce: null,
      sealed: Uint8Array,
      aad: Uint8Array,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number
    crypto_pwhash_async(
      output: Uint8Array,
      password: Uint8Array,
      salt: Uint8Array,
      operations: number,
      memoryBytes: number,
      algorithm: number,
    ): Promise<void>
    sodium_memzero(bytes: Uint8Array): void
    sodium_malloc(length: number): Uint8Array
  }
  const sodium: Sodium
  export = sodium
}
