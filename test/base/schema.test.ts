// Typed schemas: what they encode they decode, from bytes and from JSON, and everything else has a stable code and a path.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { concat, fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { encodeCbor } from '../../src/base/cbor.ts'
import { InvariantError, LedgerError } from '../../src/base/errors.ts'
import { type NodeId, nodeIdOf, type OrganisationId, organisationIdOf } from '../../src/base/ids.ts'
import {
  bool,
  bytes,
  bytesUpTo,
  decode,
  encode,
  id,
  type JsonValue,
  list,
  named,
  record,
  type Schema,
  text,
  uint,
  variant,
  word,
} from '../../src/base/schema.ts'
import { codeOf, hasCode } from './codes.ts'
import { matchesFrozen } from './frozen.ts'

type Shape = { readonly type: 'dot' } | { readonly type: 'box'; readonly width: number; readonly label: string }

interface Sample {
  readonly node: NodeId
  readonly owner: OrganisationId
  readonly size: number
  readonly open: boolean
  readonly key: Uint8Array
  readonly body: Uint8Array
  readonly colour: 'red' | 'green'
  readonly shapes: readonly Shape[]
}

const shapeSchema: Schema<Shape> = named(
  'shape',
  variant<Shape>({ dot: [1, {}], box: [2, { width: uint(9), label: text(12) }] }),
)

const sampleSchema: Schema<Sample> = named(
  'sample',
  record<Sample>({
    node: id(16, nodeIdOf),
    owner: text(32, organisationIdOf),
    size: uint(),
    open: bool,
    key: bytes(4),
    body: bytesUpTo(20),
    colour: word('red', 'green'),
    shapes: list(shapeSchema, 3, 1),
  }),
)

const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.constant<Shape>({ type: 'dot' }),
  fc.record(
    { type: fc.constant('box' as const), width: fc.nat(9), label: fc.string({ unit: 'binary', maxLength: 3 }) },
    { noNullPrototype: true },
  ),
)
const sample: fc.Arbitrary<Sample> = fc.record(
  {
    node: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((each) => nodeIdOf(each)),
    owner: fc.constantFrom('acme', 'b-2').map(organisationIdOf),
    size: fc.maxSafeNat(),
    open: fc.boolean(),
    key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    body: fc.uint8Array({ maxLength: 20 }),
    colour: fc.constantFrom('red' as const, 'green' as const),
    shapes: fc.array(shape, { minLength: 1, maxLength: 3 }),
  },
  { noNullPrototype: true },
)

const one: Sample = {
  node: nodeIdOf('00112233445566778899aabbccddeeff'),
  owner: organisationIdOf('acme'),
  size: 7,
  open: true,
  key: Uint8Array.of(1, 2, 3, 4),
  body: utf8('body'),
  colour: 'green',
  shapes: [{ type: 'box', width: 3, label: 'ü' }, { type: 'dot' }],
}
const oneJson = sampleSchema.toJson(one) as Record<string, JsonValue>

function fault(act: () => unknown): LedgerError {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof LedgerError)
    return error
  }
  assert.fail('nothing was refused')
}

describe('A schema', () => {
  it('gives back from bytes what it encoded', () => {
    fc.assert(
      fc.property(sample, (value) => assert.deepEqual(decode(sampleSchema, encode(sampleSchema, value)), value)),
      { seed: 4, numRuns: 300 },
    )
  })

  it('gives back from JSON text what it wrote', () => {
    fc.assert(
      fc.property(sample, (value) => {
        const json = JSON.parse(JSON.stringify(sampleSchema.toJson(value))) as JsonValue
        assert.deepEqual(sampleSchema.fromJson(json, ''), value)
      }),
      { seed: 5, numRuns: 300 },
    )
  })

  it('N6 with any byte changed decodes to another value with these bytes, or has a stable code', () => {
    const codes = ['MALFORMED', 'NON_CANONICAL', 'UNKNOWN_MESSAGE', 'fine']
    fc.assert(
      fc.property(sample, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, flip) => {
        const encoded = encode(sampleSchema, value)
        encoded[place % encoded.length] = (encoded[place % encoded.length] ?? 0) ^ flip
        const code = codeOf(() => decode(sampleSchema, encoded))
        assert.ok(codes.includes(code), code)
        if (code === 'fine') assert.deepEqual(encode(sampleSchema, decode(sampleSchema, encoded)), encoded)
      }),
      { seed: 6, numRuns: 2000 },
    )
  })

  it('N6 with a bit flipped, cut short or continued never decodes to what it was', () => {
    const encoded = encode(sampleSchema, one)
    for (let length = 0; length < encoded.length; length++) {
      assert.throws(() => decode(sampleSchema, encoded.subarray(0, length)), hasCode('MALFORMED'))
    }
    assert.throws(() => decode(sampleSchema, concat(encoded, Uint8Array.of(0))), hasCode('NON_CANONICAL'))
  })

  it('N6 names an unknown variant UNKNOWN_MESSAGE in bytes and in JSON', () => {
    assert.throws(() => decode(shapeSchema, encodeCbor([3])), hasCode('UNKNOWN_MESSAGE'))
    assert.throws(() => decode(shapeSchema, encodeCbor(['1'])), hasCode('UNKNOWN_MESSAGE'))
    assert.throws(() => decode(shapeSchema, encodeCbor([])), hasCode('UNKNOWN_MESSAGE'))
    assert.throws(() => decode(shapeSchema, encodeCbor(1)), hasCode('MALFORMED'))
    for (const type of ['circle', '__proto__', 'toString', 1, null]) {
      assert.throws(() => shapeSchema.fromJson({ type }, ''), hasCode('UNKNOWN_MESSAGE'))
    }
  })

  it('says where something is wrong', () => {
    const bad = { ...oneJson, shapes: [{ type: 'dot' }, { type: 'box', width: 10, label: '' }] }
    assert.deepEqual(fault(() => sampleSchema.fromJson(bad, '')).details, {
      at: 'shapes[1].width',
      expected: 'a whole number from 0 to 9',
    })
  })

  it('refuses JSON with a field too many, too few, or inherited', () => {
    const { key: _key, ...without } = oneJson
    const strange = [
      { ...oneJson, extra: 1 },
      without,
      { ...oneJson, toString: 1 },
      JSON.parse(JSON.stringify(oneJson).replace('{', '{"__proto__":{"polluted":1},')) as JsonValue,
      [],
      null,
      'text',
    ]
    for (const each of strange)
      assert.equal(
        codeOf(() => sampleSchema.fromJson(each as JsonValue, '')),
        'MALFORMED',
      )
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  it('refuses to encode what it would not decode', () => {
    const wrongs: readonly Partial<Record<keyof Sample, unknown>>[] = [
      { size: -1 },
      { size: 1.5 },
      { size: 2 ** 53 },
      { key: new Uint8Array(3) },
      { body: new Uint8Array(21) },
      { colour: 'blue' },
      { shapes: [] },
      { shapes: Array.from({ length: 4 }, () => ({ type: 'dot' })) },
      { shapes: [{ type: 'box', width: 1, label: '\ud800' }] },
      { shapes: [{ type: 'box', width: 1, label: 'ü'.repeat(7) }] },
      { owner: 'ACME' },
      { node: '00' },
    ]
    for (const wrong of wrongs) {
      assert.equal(
        codeOf(() => encode(sampleSchema, { ...one, ...wrong } as Sample)),
        'MALFORMED',
        JSON.stringify(wrong),
      )
    }
  })

  it('measures text in bytes of UTF-8 and takes only well-formed text', () => {
    assert.equal(decode(text(4), encodeCbor('üü')), 'üü')
    assert.throws(() => decode(text(4), encodeCbor('üüü')), hasCode('MALFORMED'))
    assert.throws(() => text(9).fromJson('\udc00', ''), hasCode('MALFORMED'))
  })

  it('lets a name mean one thing only', () => {
    const other = named('shape', uint())
    assert.throws(() => record<{ a: Shape; b: number }>({ a: shapeSchema, b: other }), InvariantError)
    assert.throws(() => named('shape', list(shapeSchema, 2)), InvariantError)
  })

  it('has a frozen encoding, JSON and CDDL', () => {
    matchesFrozen('schema.json', {
      bytes: toHex(encode(sampleSchema, one)),
      json: oneJson,
      cddl: Object.fromEntries(sampleSchema.rules),
    })
    assert.deepEqual(decode(sampleSchema, fromHex(toHex(encode(sampleSchema, one)))), one)
  })
})
