// docs/wire.cddl is what the code does: it is printed from the schemas, complete, and a checker that shares no code with
// them accepts what they encode and refuses what they refuse.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/base/bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../../src/base/cbor.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { type Digest, digestOf, type NodeId, sequenceOf } from '../../src/base/ids.ts'
import { decode, encode, type Schema } from '../../src/base/schema.ts'
import { batchSchema, batchSummarySchema, summarize } from '../../src/consensus/batch.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { assertionsSchema, payloadSchema } from '../../src/ledger/payload.ts'
import { signedTransactionSchema, transactionSchema } from '../../src/ledger/transaction.ts'
import { envelopeSchema } from '../../src/node/wire.ts'
import { messageSchema } from '../../src/pbft/messages.ts'
import { batch, data, genesis, openItem, personalItem, signedBy, testKey, testNode } from '../ledger/world.ts'
import { chapters } from './all-schemas.ts'
import { anyOf, change, changed } from './arbitrary.ts'
import { conforms, readCddl } from './cddl.ts'
import { printErrors } from './errors.ts'
import { printWire, rulesOf } from './print.ts'
import { sentences } from './sentences.ts'

const root = resolve(import.meta.dirname, '../..')
const file = readFileSync(join(root, 'docs/wire.cddl'), 'utf8')
const grammar = readCddl(file)
const schemas: readonly Schema<never>[] = chapters.flatMap((chapter) => chapter.schemas)

function sourceText(): string {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n')
}

/** Whether the schema takes the value; 'narrower' when only the content of a text is refused, which CDDL does not say. */
function verdict(schema: Schema<never>, value: CborValue): 'takes' | 'refuses' | 'narrower' {
  try {
    schema.fromCbor(value, '')
    return 'takes'
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    return String(error.details['expected']).startsWith('text of at most') ? 'narrower' : 'refuses'
  }
}

describe('docs/wire.cddl', () => {
  it('is what `npm run docs` prints', () => assert.equal(file, printWire()))

  it('has a rule for every named schema of the sources', () => {
    const names = [...sourceText().matchAll(/\bnamed\(\s*'([^']+)'/g)].map(([, name]) => name ?? '')
    assert.ok(names.length > 40)
    assert.deepEqual(
      names.filter((name) => !grammar.has(name)),
      [],
    )
  })

  it('says one sentence about every rule, and about no other', () => {
    const rules = [...rulesOf(chapters).keys()]
    assert.deepEqual(
      rules.filter((name) => sentences[name] === undefined),
      [],
    )
    assert.deepEqual(
      Object.keys(sentences).filter((name) => !grammar.has(name)),
      [],
    )
  })

  for (const schema of schemas) {
    it(`describes ${schema.cddl}: what it says is taken, and what the schema encodes is what it says`, () => {
      let taken = 0
      fc.assert(
        fc.property(anyOf(grammar, schema.cddl), (value) => {
          const bytes = encodeCbor(value)
          assert.ok(conforms(grammar, schema.cddl, decodeCbor(bytes)))
          const said = verdict(schema, value)
          assert.notEqual(said, 'refuses')
          if (said === 'narrower') return
          taken += 1
          assert.deepEqual(encode(schema, decode(schema, bytes)), bytes)
        }),
        { seed: 21, numRuns: 40 },
      )
      assert.ok(taken > 20, `${taken} of 40 values were taken`)
    })

    it(`describes ${schema.cddl}: a changed value is refused by both or by neither`, () => {
      fc.assert(
        fc.property(anyOf(grammar, schema.cddl), change, (value, how) => {
          const other = changed(value, how)
          const said = verdict(schema, other)
          if (said !== 'narrower') assert.equal(conforms(grammar, schema.cddl, other), said === 'takes')
        }),
        { seed: 22, numRuns: 120 },
      )
    })
  }
})

const digest: Digest = digestOf('ab'.repeat(32))
const node: NodeId = testNode('acme', 'acme-1').id

async function realBytes(): Promise<readonly (readonly [string, Uint8Array])[]> {
  const { bytes, payload } = await data(testKey('app'), 7, [openItem(), personalItem()])
  const { body } = decode(signedTransactionSchema, bytes)
  const proposed = batch([bytes])
  const vote = { signer: node, epoch: 0, view: 0, sequence: 1, digest, signature: new Uint8Array(64) }
  const message = encode(messageSchema, { type: 'pre-prepare', vote, batch: proposed } as never)
  const payloads = [{ id: digest, payload }]
  return [
    ['signed-transaction', bytes],
    ['transaction', body],
    ['payload', payload],
    ['signed-genesis', encode(signedGenesisSchema, signedBy(genesis))],
    ['batch', encode(batchSchema, proposed)],
    ['batch-summary', encode(batchSummarySchema, summarize(proposed))],
    ['pbft-message', message],
    ['envelope', encode(envelopeSchema, { type: 'protocol', message, payloads })],
    ['envelope', encode(envelopeSchema, { type: 'blocks-wanted', from: sequenceOf(4), count: 2 })],
  ]
}

describe('Real bytes', () => {
  it('conform to docs/wire.cddl, and to no other of their rules', async () => {
    for (const [rule, bytes] of await realBytes()) {
      assert.ok(conforms(grammar, rule, decodeCbor(bytes)), rule)
      const others = ['roster', 'node-card', 'contradiction', 'sequence-window'].filter((other) => other !== rule)
      for (const other of others) assert.ok(!conforms(grammar, other, decodeCbor(bytes)), `${rule} is no ${other}`)
    }
  })

  it('that are a part of others conform too', async () => {
    const { payload } = await data(testKey('app'), 7)
    const [item] = decode(payloadSchema, payload).items
    const padded = item?.assertions.padded ?? assert.fail('no item')
    const content = padded.subarray(0, padded.lastIndexOf(0x80))
    assert.ok(conforms(grammar, 'assertions', decodeCbor(content)))
    assert.ok(decode(assertionsSchema, content).triples.length > 0)
    assert.ok(!conforms(grammar, 'retractions', decodeCbor(content)))
  })

  it('do not conform when a field is longer, shorter, missing, added or of another kind', async () => {
    const { bytes } = await data(testKey('app'), 7)
    const { body } = decode(signedTransactionSchema, bytes)
    const [ledger, key, sequence, expires, act] = decodeCbor(body) as readonly CborValue[]
    assert.ok(
      ledger !== undefined && key !== undefined && sequence !== undefined && expires !== undefined && act !== undefined,
    )
    const wrong: readonly CborValue[] = [
      [ledger, key, sequence, expires],
      [ledger, key, sequence, expires, act, 0],
      [ledger, key, 'seven', expires, act],
      [ledger, (key as Uint8Array).subarray(1), sequence, expires, act],
      [ledger, key, sequence, expires, [99]],
      [key, sequence, ledger, expires, act],
      sequence,
      body,
    ]
    for (const each of wrong) assert.ok(!conforms(grammar, 'transaction', each))
    assert.throws(() => decode(transactionSchema, encodeCbor(wrong[0] as CborValue)), LedgerError)
  })
})

describe('The reader of CDDL', () => {
  const small = readCddl(
    'a = [n: 0..3, t: tstr .size (1..2), rest: [0*2 b]] ; a comment = [\nb = bstr .size 2 / &(x: 5, y: 7) / bool\n',
  )

  it('takes what the rules say', () => {
    for (const value of [
      [0, 'a', []],
      [3, 'ü', [Uint8Array.of(1, 2), 5]],
      [1, 'ab', [7, true]],
    ]) {
      assert.ok(conforms(small, 'a', value as CborValue), JSON.stringify(value))
    }
  })

  it('refuses what they do not say', () => {
    const wrong: readonly CborValue[] = [
      [4, 'a', []],
      [0, '', []],
      [0, 'abc', []],
      [0, 'üü', []],
      [0, 'a'],
      [0, 'a', [], 0],
      [0, 'a', [5, 5, 5]],
      [0, 'a', [6]],
      [0, 'a', [Uint8Array.of(1)]],
      [0, utf8('a'), []],
      [true, 'a', []],
      [0.5, 'a', []],
      0,
      'a',
    ]
    for (const value of wrong) assert.ok(!conforms(small, 'a', value), JSON.stringify(value))
  })

  it('refuses a grammar that it does not understand whole', () => {
    for (const text of [
      'a = ',
      'a = [',
      'a = b',
      'a = 1 a = 2',
      'a = {b: 1}',
      'a = tstr .regexp "x"',
      'a = [* 1]',
      '= 1',
      'a 1',
      'a = 1 ]',
    ]) {
      assert.throws(() => readCddl(text), SyntaxError, text)
    }
    assert.throws(() => conforms(small, 'missing', 0), RangeError)
  })
})

describe('docs/errors.md', () => {
  it('is what `npm run docs` prints', () => {
    assert.equal(readFileSync(join(root, 'docs/errors.md'), 'utf8'), printErrors())
  })
})
