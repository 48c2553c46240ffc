// Crafted Ed25519 signatures on which libraries disagree, each with the verdict of the one rule (base/signature.ts) and
// its reason. Made from fixed scalars, so that test/vectors/ed25519.json can be made again byte for byte.

import { Point } from '@noble/ed25519'
import { concat, fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { sha512 } from '../../src/base/crypto/native.ts'

export interface Ed25519Case {
  readonly name: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
  readonly valid: boolean
}

const { n: L, p } = Point.CURVE()
const a = number(sha512(utf8('quadrille test key'))) % L
const r = number(sha512(utf8('quadrille test nonce'))) % L
const A = Point.BASE.multiply(a)
const R = Point.BASE.multiply(r)

/** A point of order 8. */
const T8: Point = torsionPoint()

function torsionPoint(): Point {
  for (let y = 2n; ; y++) {
    const point = onCurve(littleEndian(y))
    // L times a point of the curve leaves its torsion part.
    const torsion = point?.multiply(L - 1n).add(point)
    if (torsion !== undefined && !times(torsion, 4).is0()) return torsion
  }
}

function onCurve(encoded: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(encoded)
  } catch {
    return undefined
  }
}

function times(point: Point, factor: number): Point {
  return Array.from({ length: factor }).reduce<Point>((sum) => sum.add(point), Point.ZERO)
}

function number(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, place) => Number((value >> BigInt(8 * place)) & 255n))
}

function challenge(encodedR: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  return number(sha512(encodedR, key, message)) % L
}

type Wish = (h: bigint) => boolean

/** A case with S = s(h), for the first message whose challenge h is as wished. */
function craft(
  name: string,
  key: Uint8Array,
  encodedR: Uint8Array,
  s: (h: bigint) => bigint,
  valid: boolean,
  wish: Wish = () => true,
): Ed25519Case {
  for (let attempt = 0; ; attempt++) {
    const message = utf8(`message ${attempt}`)
    const h = challenge(encodedR, key, message)
    if (!wish(h)) continue
    const signature = concat(encodedR, littleEndian(s(h)))
    return { name, publicKey: toHex(key), message: toHex(message), signature: toHex(signature), valid }
  }
}

const honest = (h: bigint): bigint => (r + h * a) % L

/** The 32-byte strings that decode leniently to points of order 1, 2, 4 or 8, canonical or not. */
function smallOrderEncodings(): readonly Uint8Array[] {
  const canonical = Array.from({ length: 8 }, (_, k) => times(T8, k).toBytes())
  const zeroXWithSign = [1n, p - 1n].map((y) => littleEndian(y | (1n << 255n)))
  const beyondP = [p, p + 1n].flatMap((y) => [littleEndian(y), littleEndian(y | (1n << 255n))])
  return [...canonical, ...zeroXWithSign, ...beyondP]
}

function mixedOrder(): readonly Ed25519Case[] {
  return [1, 2, 3, 4, 5, 6, 7].flatMap((k) => {
    const torsion = times(T8, k)
    const mixedKey = A.add(torsion).toBytes()
    return [
      craft(`R + ${k}T8`, A.toBytes(), R.add(torsion).toBytes(), honest, false),
      craft(
        `key A + ${k}T8, h cancels the torsion`,
        mixedKey,
        R.toBytes(),
        honest,
        true,
        (h) => (h * BigInt(k)) % 8n === 0n,
      ),
      craft(
        `key A + ${k}T8, torsion remains`,
        mixedKey,
        R.toBytes(),
        honest,
        false,
        (h) => (h * BigInt(k)) % 8n !== 0n,
      ),
      ...(k % 2 === 0
        ? []
        : [
            craft(
              `key A + ${k}T8 and R + T8 that cancel`,
              mixedKey,
              R.add(T8).toBytes(),
              honest,
              true,
              (h) => (h * BigInt(k) + 1n) % 8n === 0n,
            ),
          ]),
    ]
  })
}

function smallOrder(): readonly Ed25519Case[] {
  return smallOrderEncodings().flatMap((encoding) => [
    craft(`R of small order ${toHex(encoding)}`, A.toBytes(), encoding, (h) => (h * a) % L, false),
    craft(
      `key of small order ${toHex(encoding)}`,
      encoding,
      R.toBytes(),
      () => r,
      false,
      (h) => h % 8n === 0n,
    ),
    craft(
      `key and R of small order ${toHex(encoding)}`,
      encoding,
      encoding,
      () => 0n,
      false,
      (h) => h % 8n === 7n,
    ),
  ])
}

function nonCanonical(): readonly Ed25519Case[] {
  const ys = Array.from({ length: 17 }, (_, i) => BigInt(i + 2)).filter((y) => onCurve(littleEndian(y)) !== undefined)
  const offCurve = littleEndian(
    Array.from({ length: 9 }, (_, i) => BigInt(i + 2)).find((y) => onCurve(littleEndian(y)) === undefined) ?? 0n,
  )
  return [
    ...ys.map((y) => craft(`R with y = p + ${y}`, A.toBytes(), littleEndian(p + y), honest, false)),
    ...ys.map((y) => craft(`key with y = p + ${y}`, littleEndian(p + y), R.toBytes(), honest, false)),
    craft('R not on the curve', A.toBytes(), offCurve, honest, false),
    craft('key not on the curve', offCurve, R.toBytes(), honest, false),
    craft('R of 32 bytes ff', A.toBytes(), new Uint8Array(32).fill(255), honest, false),
    craft('key of 32 bytes ff', new Uint8Array(32).fill(255), R.toBytes(), honest, false),
  ]
}

function scalars(): readonly Ed25519Case[] {
  const plain = (s: (h: bigint) => bigint, name: string, valid = false): Ed25519Case =>
    craft(name, A.toBytes(), R.toBytes(), s, valid)
  return [
    plain(honest, 'valid', true),
    craft('valid with -R and -s', A.toBytes(), R.negate().toBytes(), (h) => (L - r + h * a) % L, true),
    craft('valid under -A', A.negate().toBytes(), R.toBytes(), (h) => (r + h * (L - a)) % L, true),
    plain((h) => honest(h) + L, 'S + L'),
    plain((h) => honest(h) + 2n * L, 'S + 2L'),
    plain((h) => honest(h) + 15n * L, 'S + 15L'),
    plain((h) => honest(h) | (1n << 255n), 'S with its highest bit set'),
    plain((h) => honest(h) + 1n, 'S + 1'),
    plain(() => 0n, 'S = 0'),
    plain(() => L, 'S = L'),
    plain(() => (1n << 256n) - 1n, 'S = 2^256 - 1'),
    craft('-R with S', A.toBytes(), R.negate().toBytes(), honest, false),
    craft('another key', Point.BASE.toBytes(), R.toBytes(), honest, false),
  ]
}

/** RFC 8032, section 7.1, tests 1 to 3. */
export const rfc8032: readonly (Omit<Ed25519Case, 'valid'> & { readonly seed: string })[] = [
  {
    name: 'RFC 8032 test 1',
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'RFC 8032 test 2',
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'RFC 8032 test 3',
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
]

export const crafted: readonly Ed25519Case[] = [
  ...rfc8032.map(({ seed: _seed, ...each }) => ({ ...each, valid: true })),
  ...scalars(),
  ...mixedOrder(),
  ...smallOrder(),
  ...nonCanonical(),
]

/** Keys that enrolment must refuse: small order, mixed order, non-canonical, no points at all. */
export const weakKeys: readonly Uint8Array[] = [
  ...smallOrderEncodings(),
  ...[1, 2, 3, 4, 5, 6, 7].map((k) => A.add(times(T8, k)).toBytes()),
  ...nonCanonical()
    .filter(({ name }) => name.startsWith('key'))
    .map(({ publicKey }) => fromHex(publicKey)),
]
