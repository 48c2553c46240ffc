// Items: what opens, what is void, and what cannot be moved elsewhere.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { commit } from '../../src/base/commitment.ts'
import { policyId } from '../../src/base/hash.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { sign, verify } from '../../src/base/signature.ts'
import type { BuiltData, ItemInput } from '../../src/ledger/build.ts'
import { type OpenedItem, openPayload, padPart, partContext, unpadPart } from '../../src/ledger/items.ts'
import {
  type Assertions,
  assertionsSchema,
  type ItemTerm,
  type Payload,
  payloadSchema,
  type Retractions,
  retractionsSchema,
} from '../../src/ledger/payload.ts'
import { staticVerdict } from '../../src/ledger/static.ts'
import { assertionsFault, isAbsoluteIri, parseSkolemIri, skolemIri, termKey } from '../../src/ledger/terms.ts'
import {
  type ItemHeader,
  itemIdFor,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from '../../src/ledger/transaction.ts'
import {
  app,
  data,
  events,
  graphId,
  ledgerId,
  openItem,
  people,
  personalItem,
  policyNamed,
  testBytes,
} from './world.ts'

interface Sent {
  readonly transaction: Transaction
  readonly payload: Payload
}

function sent({ bytes, payload }: BuiltData): Sent {
  const verdict = staticVerdict(ledgerId, bytes, verify)
  assert.ok(verdict.type === 'valid')
  return { transaction: verdict.transaction, payload: decode(payloadSchema, payload) }
}

async function send(...items: readonly ItemInput[]): Promise<Sent> {
  return sent(await data(app, 1, items))
}

function opened({ transaction, payload }: Sent): readonly OpenedItem[] {
  const result = openPayload(ledgerId, transaction, payload)
  assert.ok(result.type === 'opens', result.type === 'fault' ? result.code : '')
  return result.items
}

/** One item whose parts are these bytes, committed to as a careless or malicious author would. */
function crafted(
  assertions: Uint8Array,
  retractions: Uint8Array,
  options: { readonly personal?: boolean; readonly sizeClass?: number } = {},
): OpenedItem {
  const policy = policyNamed(options.personal ? 'personal' : 'open')
  const tx = txIdFor({ ledger: ledgerId, key: app.publicKey, sequence: 1 })
  const place = {
    graph: graphId(options.personal ? people : events),
    policy: policyId(policy.name),
    sizeClass: options.sizeClass ?? Math.log2(assertions.length),
  }
  const openings = { assertions: testBytes(64), retractions: testBytes(64) }
  const commitTo = (part: 'assertions' | 'retractions', padded: Uint8Array): Uint8Array =>
    commit(policy.algorithm, partContext(ledgerId, itemIdFor(tx, 0), place, part), openings[part], padded)
  const header: ItemHeader = {
    ...place,
    algorithm: policy.algorithm,
    assertions: commitTo('assertions', assertions),
    retractions: commitTo('retractions', retractions),
    carriage: { type: 'proposal' },
  }
  const transaction: Transaction = {
    ledger: ledgerId,
    key: app.publicKey,
    sequence: 1,
    expires: 0 as never,
    act: { type: 'data', items: [header], base: [] },
  }
  const body = encode(transactionSchema, transaction)
  assert.equal(
    staticVerdict(
      ledgerId,
      encode(signedTransactionSchema, { body, signature: sign('transaction', body, app.seed) }),
      verify,
    ).type,
    'valid',
  )
  const payload: Payload = {
    items: [
      {
        assertions: { opening: openings.assertions, padded: assertions },
        retractions: { opening: openings.retractions, padded: retractions },
      },
    ],
  }
  const [item] = opened({ transaction, payload })
  assert.ok(item !== undefined)
  return item
}

const skolem = new Uint8Array(16)
const good: Assertions = { skolem, subjects: [], terms: openItem().terms, triples: openItem().triples }
const nothing: Assertions = { skolem, subjects: [], terms: [], triples: [] }
const paddedAssertions = (assertions: Assertions): Uint8Array => padPart(encode(assertionsSchema, assertions))
const paddedRetractions = (retractions: Retractions['retractions'] = []): Uint8Array =>
  padPart(encode(retractionsSchema, { retractions }))

describe('A payload', () => {
  it('opens the commitments of its transaction and says what the client said', async () => {
    const row = { item: itemIdFor(txIdFor({ ledger: ledgerId, key: app.publicKey, sequence: 9 }), 0), rows: [0, 4] }
    const [open, personal] = opened(await send({ ...openItem(), retractions: [row] }, personalItem()))
    assert.ok(
      open?.assertions.type === 'read' && open.retractions.type === 'read' && personal?.assertions.type === 'read',
    )
    assert.deepEqual(open.assertions.value.terms, openItem().terms)
    assert.deepEqual(open.retractions.value.retractions, [row])
    assert.deepEqual(personal.assertions.value.subjects, ['urn:person:1'])
    assert.deepEqual(personal.assertions.value.skolem, open.assertions.value.skolem)
  })

  it('does not open when any of its bytes differ, items are swapped, or one is missing', async () => {
    const { transaction, payload } = await send(openItem('a'), openItem('b'), personalItem())
    const code = (items: Payload['items']): string => {
      const result = openPayload(ledgerId, transaction, { items })
      return result.type === 'fault' ? result.code : result.type
    }
    const [a, b, c] = payload.items
    assert.ok(a !== undefined && b !== undefined && c !== undefined)
    const all: Payload['items'] = [a, b, c]
    assert.equal(code(all), 'opens')
    assert.equal(code([b, a, c]), 'PAYLOAD_MISMATCH')
    assert.equal(code([a, b]), 'PAYLOAD_MISMATCH')
    for (const part of ['assertions', 'retractions'] as const) {
      for (const field of ['opening', 'padded'] as const) {
        for (const [index, item] of all.entries()) {
          const changed = item[part][field].slice()
          changed[9] = (changed[9] ?? 0) ^ 1
          const items = all.with(index, { ...item, [part]: { ...item[part], [field]: changed } })
          assert.equal(code(items), 'PAYLOAD_MISMATCH', `${part} ${field} ${index}`)
        }
      }
    }
  })

  it('E9 does not open commitments that were copied into another transaction, item, graph, policy or ledger', async () => {
    for (const { transaction, payload } of [await send(openItem()), await send(personalItem())]) {
      assert.ok(transaction.act.type === 'data')
      const [header] = transaction.act.items
      const [parts] = payload.items
      assert.ok(header !== undefined && parts !== undefined)
      const code = (changed: Transaction, items: Payload['items'] = [parts]): string => {
        const result = openPayload(changed.ledger, changed, { items })
        return result.type === 'fault' ? result.code : result.type
      }
      const withItems = (...items: readonly ItemHeader[]): Transaction => ({
        ...transaction,
        act: { type: 'data', items, base: [] },
      })
      assert.equal(code(transaction), 'opens')
      assert.equal(code({ ...transaction, sequence: 2 }), 'PAYLOAD_MISMATCH')
      assert.equal(code({ ...transaction, key: new Uint8Array(32) }), 'PAYLOAD_MISMATCH')
      assert.equal(code({ ...transaction, ledger: '00'.repeat(32) as never }), 'PAYLOAD_MISMATCH')
      assert.equal(code(withItems(header, header), [parts, parts]), 'PAYLOAD_MISMATCH')
      assert.equal(code(withItems({ ...header, graph: graphId('urn:g:other') })), 'PAYLOAD_MISMATCH')
      assert.equal(code(withItems({ ...header, policy: policyId('other') })), 'PAYLOAD_MISMATCH')
      assert.equal(code(withItems({ ...header, sizeClass: header.sizeClass + 1 })), 'PAYLOAD_MISMATCH')
      assert.equal(
        code(withItems({ ...header, assertions: header.retractions, retractions: header.assertions })),
        'PAYLOAD_MISMATCH',
      )
    }
  })

  it('E11 is void, part by part, where it opens and is not the delta of a graph', () => {
    const [iri, other, literal] = [
      { type: 'iri', value: 'urn:a' },
      { type: 'iri', value: 'urn:b' },
      { type: 'literal', value: 'x', datatype: 'http://www.w3.org/2001/XMLSchema#string' },
    ] as const
    const triple = (subject: number, predicate: number, object: number): Assertions['triples'][number] => ({
      subject,
      predicate,
      object,
    })
    const said = (terms: readonly ItemTerm[], ...triples: Assertions['triples']): Assertions => ({
      ...nothing,
      terms,
      triples,
    })
    const wrong: Readonly<Record<string, Assertions>> = {
      'a relative IRI': said([{ type: 'iri', value: 'a' }, other], triple(0, 1, 0)),
      'a line break in an IRI': said([{ type: 'iri', value: 'urn:a\nb' }, other], triple(0, 1, 0)),
      'an angle bracket in an IRI': said([{ type: 'iri', value: 'urn:a>b' }, other], triple(0, 1, 0)),
      'a literal subject': said([literal, other], triple(0, 1, 1)),
      'a literal predicate': said([iri, literal], triple(0, 1, 0)),
      'a blank predicate': said([iri, { type: 'blank', number: 0 }], triple(0, 1, 0)),
      'a place outside': said([iri, other], triple(0, 1, 2)),
      'a triple twice': said([iri, other], triple(0, 1, 0), triple(0, 1, 0)),
      'a term twice': said([iri, other, iri], triple(0, 1, 2)),
      'a term twice by its Skolem IRI': said(
        [{ type: 'blank', number: 3 }, other, { type: 'iri', value: skolemIri(skolem, 3) }],
        triple(0, 1, 2),
      ),
      'a term without use': said([iri, other, literal], triple(0, 1, 0)),
      'a language in capitals': said([iri, other, { type: 'language', value: 'x', language: 'EN' }], triple(0, 1, 2)),
      'an empty language': said([iri, other, { type: 'language', value: 'x', language: '' }], triple(0, 1, 2)),
      'a relative datatype': said([iri, other, { type: 'literal', value: 'x', datatype: 'int' }], triple(0, 1, 2)),
      'langString without language': said(
        [
          iri,
          other,
          { type: 'literal', value: 'x', datatype: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#langString' },
        ],
        triple(0, 1, 2),
      ),
      'data subjects in an open item': { ...good, subjects: ['urn:person:1'] },
    }
    for (const [name, assertions] of Object.entries(wrong)) {
      const { assertions: read, retractions } = crafted(paddedAssertions(assertions), paddedRetractions())
      assert.equal(read.type === 'void' && read.code, 'PAYLOAD_MALFORMED', name)
      assert.equal(retractions.type, 'read', name)
    }
    assert.equal(crafted(paddedAssertions(good), paddedRetractions()).assertions.type, 'read')
  })

  it('E11 judges personal items by whom they name', () => {
    const item = personalItem()
    const said: Assertions = { skolem, subjects: item.subjects, terms: item.terms, triples: item.triples }
    const type = (assertions: Assertions): string =>
      crafted(paddedAssertions(assertions), paddedRetractions(), { personal: true }).assertions.type
    assert.equal(type(said), 'read')
    assert.equal(type({ ...said, subjects: [] }), 'void')
    assert.equal(type({ ...said, subjects: ['urn:a', 'urn:a'] }), 'void')
    assert.equal(type({ ...said, subjects: ['somebody'] }), 'void')
    assert.equal(type(nothing), 'read')
  })

  it('E11 is void for wrong padding, wrong size class, other bytes, and retractions out of order', () => {
    const id = (last: number): never => `${'00'.repeat(31)}0${last}` as never
    const bytes = paddedAssertions(good)
    const cases: readonly (readonly [Uint8Array, Uint8Array, string, string, number?])[] = [
      [
        bytes,
        paddedRetractions([
          { item: id(1), rows: [0, 1] },
          { item: id(2), rows: [0] },
        ]),
        'read',
        'read',
      ],
      [
        bytes,
        paddedRetractions([
          { item: id(2), rows: [0] },
          { item: id(1), rows: [0] },
        ]),
        'read',
        'void',
      ],
      [bytes, paddedRetractions([{ item: id(1), rows: [1, 0] }]), 'read', 'void'],
      [bytes, paddedRetractions([{ item: id(1), rows: [1, 1] }]), 'read', 'void'],
      [bytes, new Uint8Array(256), 'read', 'void'],
      [bytes, new Uint8Array(0), 'read', 'void'],
      [padPart(new Uint8Array(10)), paddedRetractions(), 'void', 'read'],
      [bytes, paddedRetractions(), 'void', 'read', 9],
      [Uint8Array.of(...bytes, ...new Uint8Array(256)), paddedRetractions(), 'void', 'read'],
    ]
    for (const [place, [assertions, retractions, first, second, sizeClass]] of cases.entries()) {
      const item = crafted(assertions, retractions, sizeClass === undefined ? {} : { sizeClass })
      assert.deepEqual([item.assertions.type, item.retractions.type], [first, second], `case ${place}`)
    }
  })

  it('is not built when it would be void or does not fit', async () => {
    await assert.rejects(data(app, 1, [{ ...openItem(), subjects: ['urn:person:1'] }]), { code: 'PAYLOAD_MALFORMED' })
    await assert.rejects(data(app, 1, [{ ...personalItem(), subjects: [] }]), { code: 'PAYLOAD_MALFORMED' })
    await assert.rejects(data(app, 1, [{ ...openItem(), terms: [] }]), { code: 'PAYLOAD_MALFORMED' })
    await assert.rejects(data(app, 1, [openItem('x'.repeat(1_048_576))]), { code: 'TOO_LARGE' })
    const large = Array.from({ length: 5 }, () => openItem('x'.repeat(600_000)))
    await assert.rejects(data(app, 1, large), { code: 'TOO_LARGE' })
    const many = Array.from({ length: 256 }, () => openItem())
    assert.equal((await send(...many)).payload.items.length, 256)
    await assert.rejects(data(app, 1, [...many, openItem()]), { code: 'TOO_LARGE' })
  })
})

describe('Padding', () => {
  it('E12 gives powers of two from 256 bytes, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (content) => {
        const padded = padPart(content)
        assert.ok(padded.length >= 256 && Number.isInteger(Math.log2(padded.length)))
        assert.ok(padded.length === 256 || padded.length / 2 < content.length + 1)
        assert.deepEqual(unpadPart(padded), content)
      }),
      { numRuns: 200, seed: 1 },
    )
    for (const length of [255, 256, 511, 512])
      assert.equal(padPart(new Uint8Array(length)).length, length + 1 > 512 ? 1024 : length + 1 > 256 ? 512 : 256)
  })

  it('has one form', () => {
    const padded = padPart(Uint8Array.of(1, 2))
    for (const wrong of [
      padded.subarray(0, 128),
      new Uint8Array(256),
      padded.with(5, 1),
      new Uint8Array(512).with(2, 0x80),
    ]) {
      assert.throws(() => unpadPart(wrong), { code: 'MALFORMED' })
    }
  })
})

describe('Terms', () => {
  it('make Skolem IRIs that lead back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat({ max: 65_536 }), (bytes, number) => {
        const iri = skolemIri(bytes, number)
        assert.ok(isAbsoluteIri(iri))
        assert.deepEqual(parseSkolemIri(iri), { skolem: bytes, number })
      }),
      { numRuns: 100, seed: 1 },
    )
    for (const iri of [
      'urn:quadrille:skolem:00:1',
      `${skolemIri(skolem, 1)}0000000`,
      skolemIri(skolem, 1).replace(':1', ':01'),
      'urn:x',
    ]) {
      assert.equal(parseSkolemIri(iri), undefined)
    }
  })

  it('have different keys exactly when they are different', () => {
    const value = fc.constantFrom('', 'a', 'b', '"', '"@en', '"^^<urn:d>', '<urn:a>')
    const term: fc.Arbitrary<ItemTerm> = fc.oneof(
      fc.record({ type: fc.constant('iri' as const), value: fc.constantFrom('urn:a', 'urn:b') }),
      fc.record({ type: fc.constant('blank' as const), number: fc.nat({ max: 2 }) }),
      fc.record({ type: fc.constant('literal' as const), value, datatype: fc.constantFrom('urn:d', 'urn:e') }),
      fc.record({ type: fc.constant('language' as const), value, language: fc.constantFrom('en', 'de') }),
    )
    fc.assert(
      fc.property(term, term, (a, b) => {
        assert.equal(termKey(a, skolem) === termKey(b, skolem), JSON.stringify(a) === JSON.stringify(b))
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  it('know IRIs by what RFC 3987 keeps out of them', () => {
    for (const iri of ['urn:a', 'http://example.org/ä?q#f', 'a+b-c.d:', 'tag:x,2020:é'])
      assert.ok(isAbsoluteIri(iri), iri)
    for (const iri of [
      '',
      'a',
      ':a',
      '1:a',
      '//x',
      'urn:a b',
      'urn:a\n',
      'urn:<',
      'urn:"',
      'urn:{',
      'urn:|',
      'urn:\\',
      'urn:^',
      'urn:`',
      'urn:\u0085',
    ]) {
      assert.ok(!isAbsoluteIri(iri), JSON.stringify(iri))
    }
  })

  it('give a fault that says nothing of the content', () => {
    const fault = assertionsFault({ ...good, terms: [{ type: 'iri', value: 'my secret' }, ...good.terms] })
    assert.ok(fault !== undefined && !fault.includes('secret'))
  })
})
