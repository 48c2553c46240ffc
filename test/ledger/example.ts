// The example of docs/concepts.md: one item from RDF to bytes. Run it to print the text again after a change of formats:
// node --conditions=source --import tsx test/ledger/example.ts

import { toHex } from '../../src/base/bytes.ts'
import { graphId } from '../../src/base/hash.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { buildData, signerOf } from '../../src/ledger/build.ts'
import { openPayload, unpadPart } from '../../src/ledger/items.ts'
import { payloadSchema } from '../../src/ledger/payload.ts'
import { decodeTransaction } from '../../src/ledger/static.ts'
import { itemHeaderSchema, itemIdFor } from '../../src/ledger/transaction.ts'
import { app, forEver, ledgerId, people, policyNamed } from './world.ts'

/** Bytes in lines of at most 32. */
function dump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let start = 0; start < bytes.length; start += 32) lines.push(toHex(bytes.subarray(start, start + 32)))
  return lines.join(`\n${' '.repeat(14)}`)
}

function line(name: string, ...rest: readonly string[]): string {
  return `${name.padEnd(14)}${rest.join(`\n${' '.repeat(14)}`)}`
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
    line('opening', '64 random bytes, here a1 and again a1'),
    line(
      'commitment',
      'mB + rH on edwards25519; m from the padded bytes and their place, r from the opening',
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
      `${built.payload.length} bytes beside it: opening and padded bytes of both parts; sealed on every disk, erasable`,
    ),
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${await exampleText()}\n`)
