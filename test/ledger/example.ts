// The example of docs/concepts.md: one item from RDF to bytes. Run it to print the text again after a change of formats:
// node --conditions=source --import tsx test/ledger/example.ts

import sodium from 'sodium-native'
import { concat, equal, toHex, utf8 } from '../../src/base/bytes.ts'
import { graphId } from '../../src/base/hash.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { open, seal } from '../../src/base/seal.ts'
import { buildData, signerOf } from '../../src/ledger/build.ts'
import { openPayload, unpadPart } from '../../src/ledger/items.ts'
import { itemPayloadSchema, payloadSchema } from '../../src/ledger/payload.ts'
import { decodeTransaction } from '../../src/ledger/static.ts'
import { itemHeaderSchema, itemIdFor } from '../../src/ledger/transaction.ts'
import { app, forEver, ledgerId, people, policyNamed } from './world.ts'

/** Bytes in lines of at most 64. */
function dump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let start = 0; start < bytes.length; start += 64) lines.push(toHex(bytes.subarray(start, start + 64)))
  return lines.join(`\n${' '.repeat(14)}`)
}

function line(name: string, ...rest: readonly string[]): string {
  return `${name.padEnd(14)}${rest.join(`\n${' '.repeat(14)}`)}`
}

/** What `seal` of base/seal.ts would write if its nonce were 24 bytes c3: `open` must take it. */
function onDisk(payload: Uint8Array): Uint8Array {
  const key = {
    id: new Uint8Array(8).fill(0xc1),
    algorithm: 'xchacha20-poly1305',
    secret: new Uint8Array(32).fill(0xc2),
  } as const
  const aad = utf8('place in the store')
  const nonce = new Uint8Array(24).fill(0xc3)
  const header = seal(key, aad, payload).subarray(0, 9)
  const body = new Uint8Array(payload.length + 16)
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(body, payload, concat(header, aad), null, nonce, key.secret)
  const sealed = concat(header, nonce, body)
  if (!equal(open(key, aad, sealed), payload)) throw new RangeError('the example must open')
  return sealed
}

export async function exampleText(): Promise<string> {
  let drawn = 0
  const built = await buildData({
    ledger: ledgerId,
    key: signerOf(app),
    sequence: 1,
    expires: forEver,
    items: [
      {
        graph: graphId(people),
        policy: policyNamed('personal'),
        subjects: ['urn:person:ada'],
        terms: [
          { type: 'iri', value: 'urn:person:ada' },
          { type: 'iri', value: 'urn:v:name' },
          { type: 'language', value: 'Ada', language: 'en' },
        ],
        triples: [{ subject: 0, predicate: 1, object: 2 }],
        retractions: [],
      },
    ],
    base: [],
    randomBytes: (length) => new Uint8Array(length).fill(0xa0 + drawn++),
  })
  const transaction = decodeTransaction(built.bytes)
  const payload = decode(payloadSchema, built.payload)
  const [parts] = payload.items
  const [header] = transaction.act.type === 'data' ? transaction.act.items : []
  if (parts === undefined || header === undefined) throw new RangeError('the example has one item')
  if (openPayload(ledgerId, transaction, payload).type !== 'opens') throw new RangeError('the example must open')
  const content = unpadPart(parts.assertions.padded)
  return [
    line('RDF', '<urn:person:ada> <urn:v:name> "Ada"@en .       in the graph urn:g:people, whose policy is personal'),
    line(
      'terms',
      '0 <urn:person:ada>   1 <urn:v:name>   2 "Ada"@en     row 0 is (0, 1, 2)     data subject <urn:person:ada>',
    ),
    line(
      'assertions',
      `${content.length} bytes of CBOR: [16 random bytes, data subjects, terms, triples]`,
      dump(content),
    ),
    line('padded', `then 80, then zeros up to ${parts.assertions.padded.length} bytes: size class ${header.sizeClass}`),
    line(
      'commitment',
      'mB + rH on edwards25519: m from the padded bytes and their place, r from an opening of 64 random bytes (here a1, a1, ...)',
      toHex(header.assertions),
    ),
    line('transaction', `H(ledger, key id, 1) = ${built.tx}`),
    line('item', `H(transaction, 0)    = ${itemIdFor(built.tx, 0)}`),
    line(
      'public header',
      '[graph, policy, size class, algorithm, both commitments, carriage]',
      dump(encode(itemHeaderSchema, header)),
    ),
    line(
      'payload',
      `${built.payload.length} bytes beside it, for those who hold the item: opening and padded bytes of both parts`,
    ),
    line(
      'on disk',
      'XChaCha20-Poly1305 under a key of this item alone: key id, nonce, ciphertext; to erase it is to destroy that key',
      `${toHex(onDisk(encode(itemPayloadSchema, parts)).subarray(0, 56))}...`,
    ),
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${await exampleText()}\n`)
