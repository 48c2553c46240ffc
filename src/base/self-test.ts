// What a node checks about its verifier before it does anything else: crafted signatures on which Ed25519 libraries
// disagree must get the verdicts of the one rule (base/signature.ts), or this node would fork from the others. The
// vectors are some of test/vectors/ed25519.json, where the reasons stand.

import { verifyRaw } from '#crypto'
import { fromHex } from './bytes.ts'
import { InvariantError } from './errors.ts'

interface Vector {
  readonly name: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
  readonly valid: boolean
}

// T8 is a point of order 8, L the order of the prime-order subgroup.
const vectors: readonly Vector[] = [
  {
    name: 'valid',
    publicKey: '769f55d0c38da667630a30f2e45be7beead406692d9626063df76e1f668d63f0',
    message: '6d6573736167652030',
    signature:
      '28e5c034e7be736836e31fcc833f8d86601b4060117fa9cf177a2716034884071f40df35892ae72e5f305ab6516ca11d264c71ab98216096560f21c187fff902',
    valid: true,
  },
  {
    name: 'R + 1T8',
    publicKey: '769f55d0c38da667630a30f2e45be7beead406692d9626063df76e1f668d63f0',
    message: '6d6573736167652030',
    signature:
      '403bff02ad17b8e9bf94a4a05412fce65a0aec7a3d96c9c44784c39a9d04c6ca4647c90ad10ac6d3510cfb3bc9471f50116f3fd1cb4d21a2c5893b706175840c',
    valid: false,
  },
  {
    name: 'R + 4T8',
    publicKey: '769f55d0c38da667630a30f2e45be7beead406692d9626063df76e1f668d63f0',
    message: '6d6573736167652030',
    signature:
      'c51a3fcb18418c97c91ce0337cc072799fe4bf9fee805630e885d8e9fcb77bf86376f4e0e2c9a7bfd2c4ba2c59463dc6129d4967e123f094c5eb27e8bb720d0f',
    valid: false,
  },
  {
    name: 'key A + 1T8, h cancels the torsion',
    publicKey: '74c24a5da944ec336b05d5c13d5668a3b6539d55e97364ad91e3efcc8e9fef3e',
    message: '6d6573736167652032',
    signature:
      '28e5c034e7be736836e31fcc833f8d86601b4060117fa9cf177a271603488407efd6f8b9c72afceae7ecd48c445acb838d30234430408f3a933aed1d934b490d',
    valid: true,
  },
  {
    name: 'key A + 1T8, torsion remains',
    publicKey: '74c24a5da944ec336b05d5c13d5668a3b6539d55e97364ad91e3efcc8e9fef3e',
    message: '6d6573736167652030',
    signature:
      '28e5c034e7be736836e31fcc833f8d86601b4060117fa9cf177a27160348840716e989ad07c8c954e3a164ae695bde347eb9d3f3e70c5657fdaa87b7224e1505',
    valid: false,
  },
  {
    name: 'key A + 1T8 and R + T8 that cancel',
    publicKey: '74c24a5da944ec336b05d5c13d5668a3b6539d55e97364ad91e3efcc8e9fef3e',
    message: '6d6573736167652036',
    signature:
      '403bff02ad17b8e9bf94a4a05412fce65a0aec7a3d96c9c44784c39a9d04c6ca5189e2a9a04d782dcc5b16119aa20a63f58fa22ca625cca2c2e30015d592500f',
    valid: true,
  },
  {
    name: 'R of small order (the identity)',
    publicKey: '769f55d0c38da667630a30f2e45be7beead406692d9626063df76e1f668d63f0',
    message: '6d6573736167652030',
    signature:
      '0100000000000000000000000000000000000000000000000000000000000000a102a985d9dcdd070f4035592ceac3632828c346b37f19c336cf7762caa6d907',
    valid: false,
  },
  {
    name: 'key of small order (the identity)',
    publicKey: '0100000000000000000000000000000000000000000000000000000000000000',
    message: '6d657373616765203332',
    signature:
      '28e5c034e7be736836e31fcc833f8d86601b4060117fa9cf177a271603488407bb1156e4580243a8a4f0a9fca3829f61c5db0f8f2a87a1b71045c5effd734502',
    valid: false,
  },
  {
    name: 'S + L',
    publicKey: '769f55d0c38da667630a30f2e45be7beead406692d9626063df76e1f668d63f0',
    message: '6d6573736167652030',
    signature:
      '28e5c034e7be736836e31fcc833f8d86601b4060117fa9cf177a2716034884070c14d592a38df98635cd515930668032264c71ab98216096560f21c187fff912',
    valid: false,
  },
  {
    name: 'R with y = p + 3',
    publicKey: '769f55d0c38da667630a30f2e45be7beead406692d9626063df76e1f668d63f0',
    message: '6d6573736167652030',
    signature:
      'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f60548172a7b5bce9a809628bfeb40085b403dd9695ba9fa8f4988eccdd44ab0e',
    valid: false,
  },
]

/** @throws InvariantError naming the first vector with another verdict, or when the verifier cannot run at all. */
export function selfTest(verify: typeof verifyRaw = verifyRaw): void {
  for (const { name, publicKey, message, signature, valid } of vectors) {
    if (verdict(verify, fromHex(signature), fromHex(message), fromHex(publicKey)) !== valid) {
      throw new InvariantError(`the Ed25519 verifier does not follow the rule: ${name}`)
    }
  }
}

function verdict(
  verify: typeof verifyRaw,
  signature: Uint8Array,
  message: Uint8Array,
  key: Uint8Array,
): boolean | undefined {
  try {
    return verify(signature, message, key)
  } catch {
    return undefined
  }
}
