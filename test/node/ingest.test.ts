import assert from 'node:assert/strict'
import { DataFactory } from 'n3'
import { LedgerError } from '../../src/base/errors.ts'
import { organisationIdOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { encode } from '../../src/base/schema.ts'
import { padPart } from '../../src/ledger/items.ts'
import { assertionsSchema } from '../../src/ledger/payload.ts'
import type { Policy } from '../../src/ledger/records.ts'
import { assertionsFault, skolemIri } from '../../src/ledger/terms.ts'
import { type Draft, type IngestOptions, ingest } from '../../src/node/ingest.ts'
import { openPacker } from '../../src/node/ingest-pack.ts'
import { formatOf, parseRdf, type RdfFormat } from '../../src/node/ingest-parse.ts'
import { itLong } from '../long.ts'

const policy = (name: string, policyClass: Policy['class']): Policy => ({
  name,
  controller: organisationIdOf('acme'),
  purpose: 'trace food',
  legalBasis: 'art6-1-f',
  retentionDays: 0,
  class: policyClass,
  audience: [],
  algorithm: policyClass === 'personal' ? 'pedersen' : 'sha256',
  carriage: 'proposal',
})

const open = policy('open', 'open')
const personal = policy('people', 'personal')
const policyOf: IngestOptions['policyOf'] = (graph) =>
  graph === 'urn:g:people' ? personal : graph.startsWith('urn:g:') ? open : undefined

async function* chunks(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function drafts(
  text: string | Uint8Array,
  options: Partial<IngestOptions> = {},
  format: RdfFormat = 'turtle',
): Promise<readonly Draft[]> {
  const all: Draft[] = []
  for await (const draft of ingest(parseRdf(chunks(text), { format, file: 'in.ttl' }), {
    graph: 'urn:g:a',
    policyOf,
    ...options,
  })) {
    all.push(draft)
  }
  return all
}

async function refused(attempt: Promise<unknown>): Promise<LedgerError> {
  const error = await attempt.then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof LedgerError, String(error))
  return error
}

/** What the drafts assert, as lines of N-Quads with Skolem IRIs. */
function lines(all: readonly Draft[]): readonly string[] {
  return all.flatMap(({ skolem, items }) =>
    items.flatMap(({ graph, terms, triples }) => {
      const written = terms.map((term) => {
        if (term.type === 'iri') return `<${term.value}>`
        if (term.type === 'blank') return `<${skolemIri(skolem, term.number)}>`
        return term.type === 'language' ? `"${term.value}"@${term.language}` : `"${term.value}"^^<${term.datatype}>`
      })
      return triples.map(({ subject, predicate, object }) =>
        [written[subject], written[predicate], written[object], `<${graph}>`].join(' '),
      )
    }),
  )
}

const prefixes = '@prefix : <urn:x:> . @prefix s: <https://schema.org/> .\n'

describe('ingest', () => {
  it('reads all four formats to the same quads', async () => {
    const expected = [
      '<urn:x:a> <urn:x:p> "x"@en-gb <urn:g:a>',
      '<urn:x:a> <urn:x:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> <urn:g:b>',
    ]
    const one = '<urn:x:a> <urn:x:p> "1"^^<http://www.w3.org/2001/XMLSchema#integer>'
    const quads = `<urn:x:a> <urn:x:p> "x"@en-GB .\n${one} <urn:g:b> .\n`
    assert.deepEqual(lines(await drafts(quads, {}, 'nquads')), expected)
    assert.deepEqual(lines(await drafts(`${prefixes}:a :p "x"@en-GB . <urn:g:b> { :a :p 1 }`, {}, 'trig')), expected)
    const triples = '<urn:x:a> <urn:x:p> "x"@en-GB .\n'
    assert.deepEqual(lines(await drafts(triples, {}, 'ntriples')), expected.slice(0, 1))
    assert.deepEqual(lines(await drafts(triples, {}, 'turtle')), expected.slice(0, 1))
  })

  it('knows a format by its extension, below .gz too, and asks when there is none', () => {
    assert.deepEqual(['a.ttl', 'b.trig', 'c.nt.gz', 'd.nq'].map(formatOf), ['turtle', 'trig', 'ntriples', 'nquads'])
    assert.throws(() => formatOf('data.txt'), { code: 'FORMAT_UNKNOWN' })
  })

  it('cuts into transactions of bounded size, and one blank node stays one across them', async () => {
    const text = `${prefixes}${Array.from({ length: 25 }, (_, i) => `_:hub :p _:n${i} .`).join('\n')}`
    const all = await drafts(text, { quadsPerTransaction: 10 })
    assert.deepEqual(
      all.map(({ quads }) => quads),
      [10, 10, 5],
    )
    assert.equal(new Set(lines(all).map((line) => line.split(' ')[0])).size, 1)
    assert.equal(new Set(lines(all).map((line) => line.split(' ')[2])).size, 25)
    assert.equal(new Set(all.map(({ skolem }) => skolem.join())).size, 3)
  })

  it('makes assertions that the ledger finds well-formed, without a triple or a term twice', async () => {
    const text = `${prefixes}:a :p :b, "b", "b"@en, 1 ; :q [ :r :a ] . :a :p :b .`
    for (const { skolem, items } of await drafts(text)) {
      for (const { subjects, terms, triples } of items) {
        assert.equal(assertionsFault({ skolem, subjects, terms, triples }), undefined)
        assert.equal(triples.length, 6)
      }
    }
  })

  it('keeps each item and each payload inside their bounds whatever the literals weigh', async () => {
    const literal = 'x'.repeat(400_000)
    const text = `${prefixes}${Array.from({ length: 8 }, (_, i) => `:a :p "${i}${literal}" .`).join('\n')}`
    const all: Draft[] = []
    for await (const draft of ingest(parseRdf(chunks(text, 65_536), { format: 'turtle' }), {
      graph: 'urn:g:a',
      policyOf,
    }))
      all.push(draft)
    assert.ok(all.length > 1)
    for (const { skolem, items } of all) {
      const sizes = items.map(
        ({ subjects, terms, triples }) =>
          padPart(encode(assertionsSchema, { skolem, subjects, terms, triples })).length,
      )
      assert.ok(sizes.every((size) => size <= limits.itemBytesMax))
      assert.ok(sizes.reduce((sum, size) => sum + size + 256, 0) <= limits.payloadBytesMax)
    }
    assert.equal(lines(all).length, 8)
  })

  describe('in a personal graph', () => {
    const subjectsOf = (all: readonly Draft[]): readonly (readonly string[])[] =>
      all.flatMap(({ items }) => items.map(({ subjects }) => subjects))

    it('gives each person an item, with all that hangs from them', async () => {
      const all = await drafts(
        `${prefixes}:ann a s:Person ; s:address [ s:street "A 1" ; s:geo [ s:lat 1 ] ] . :bob a s:Person ; s:name "Bob" .`,
        { graph: 'urn:g:people' },
      )
      const sizes = all.flatMap(({ items }) => items.map(({ subjects, triples }) => [...subjects, triples.length]))
      assert.deepEqual(
        new Map(sizes as [string, number][]),
        new Map([
          ['urn:x:ann', 5],
          ['urn:x:bob', 2],
        ]),
      )
    })

    it('a node that two persons share concerns both', async () => {
      const all = await drafts(
        `${prefixes}:ann a s:Person ; s:home _:h . :bob a s:Person ; s:home _:h . _:h s:street "A 1" .`,
        { graph: 'urn:g:people' },
      )
      assert.deepEqual(new Set(subjectsOf(all).map(String)), new Set(['urn:x:ann', 'urn:x:bob', 'urn:x:ann,urn:x:bob']))
    })

    it('what belongs to no person has its own subject, a blank node that hangs from nothing included', async () => {
      const all = await drafts(
        `${prefixes}:acme s:name "Acme" . [] s:agent :ann . :ann a s:Person . [] s:name "nobody" .`,
        { graph: 'urn:g:people' },
      )
      const subjects = subjectsOf(all).map(String)
      assert.ok(subjects.includes('urn:x:acme') && subjects.includes('urn:x:ann'))
      const [skolem] = subjects.filter((subject) => subject.startsWith('urn:quadrille:skolem:'))
      assert.ok(lines(all).some((line) => line.startsWith(`<${skolem}>`)))
      assert.equal(subjects.length, 3)
    })

    it('a loop of blank nodes ends', async () => {
      const all = await drafts(`${prefixes}:ann a s:Person ; :p _:a . _:a :p _:b . _:b :p _:a .`, {
        graph: 'urn:g:people',
      })
      assert.deepEqual(subjectsOf(all), [['urn:x:ann']])
    })
  })

  it('refuses a graph that the ledger does not have, and a statement without one', async () => {
    const unknown = await refused(drafts('<urn:x:a> <urn:x:p> <urn:x:b> <urn:other:g> .', {}, 'nquads'))
    assert.deepEqual([unknown.code, unknown.details['graph']], ['GRAPH_UNKNOWN', 'urn:other:g'])
    const source = parseRdf(chunks('<urn:x:a> <urn:x:p> <urn:x:b> .'), { format: 'nquads' })
    assert.equal((await refused(ingest(source, { policyOf }).next())).code, 'GRAPH_MISSING')
  })

  describe('D4', () => {
    const lead = '<urn:x:a> <urn:x:p> <urn:x:b> .\n'.repeat(4710)

    it('D4 bad RDF at line 4711 is refused with its file and line', async () => {
      const broken = await refused(drafts(`${lead}<urn:x:a> <urn:x:p> .\n`, {}, 'ntriples'))
      assert.deepEqual([broken.code, broken.details['file'], broken.details['line']], ['PARSE_ERROR', 'in.ttl', 4711])
    })

    it('D4 an IRI with a newline, a > or a space is refused with its line', async () => {
      for (const written of ['\\u000A', '\\u003E', '\\u0020', '\\u0000', '\\u0085']) {
        const error = await refused(drafts(`${lead}<urn:x:${written}> <urn:x:p> <urn:x:b> .\n`, {}, 'ntriples'))
        assert.deepEqual([error.code, error.details['line']], ['PARSE_ERROR', 4711], written)
        assert.doesNotMatch(error.message, /\p{Cc}/u)
      }
    })

    it('D4 a relative IRI without a base is refused', async () => {
      assert.equal((await refused(drafts('<a> <b> <c> .'))).code, 'PARSE_ERROR')
    })

    it('D4 bad UTF-8 is refused with its line, also in the last bytes', async () => {
      const bytes = new TextEncoder().encode(`${lead}<urn:x:a> <urn:x:p> "\xff" .\n`)
      const place = bytes.length - 6
      bytes.set([0xff, 0xfe], place)
      const error = await refused(drafts(bytes, {}, 'ntriples'))
      assert.deepEqual([error.code, error.details['line'], error.details['reason']], ['PARSE_ERROR', 4711, 'not UTF-8'])
      const torn = Uint8Array.of(...new TextEncoder().encode('<urn:x:a> <urn:x:p> "'), 0xe2, 0x82)
      assert.equal((await refused(drafts(torn))).details['reason'], 'not UTF-8')
    })

    it('D4 a literal above the bound, and a statement that never ends, are refused with little held in memory', async () => {
      const literal = `<urn:x:a> <urn:x:p> "${'x'.repeat(limits.ingestLiteralBytesMax + 1)}" .`
      const whole = parseRdf(chunks(literal, 65_536), { format: 'turtle' })
      assert.equal((await refused(ingest(whole, { graph: 'urn:g:a', policyOf }).next())).code, 'INPUT_TOO_LARGE')
      let given = 0
      async function* endless(): AsyncGenerator<Uint8Array> {
        yield new TextEncoder().encode('<urn:x:a> <urn:x:p> "')
        for (; given < 1600; given++) yield new Uint8Array(65_536).fill(120)
      }
      const source = parseRdf(endless(), { format: 'turtle' })
      assert.equal((await refused(ingest(source, { graph: 'urn:g:a', policyOf }).next())).code, 'INPUT_TOO_LARGE')
      assert.ok(given < 50, `${given} chunks were read`)
    })

    itLong('D4 of a million blank nodes no more are remembered than the bound', async function () {
      this.timeout(60_000)
      const packer = openPacker({ quadsMax: 5_000, randomBytes: (length) => new Uint8Array(length) })
      const place = { graph: 'urn:g:a', policy: open, subjects: [] }
      const [predicate, object] = [DataFactory.namedNode('urn:x:p'), DataFactory.namedNode('urn:x:o')]
      let given = 0
      const all = (): void => {
        for (; given < 1_000_000; given++) {
          packer.add(place, DataFactory.quad(DataFactory.blankNode(`n${given}`), predicate, object))
        }
      }
      assert.throws(all, { code: 'INPUT_TOO_LARGE' })
      assert.equal(given, limits.ingestBlankNodesMax)
    })

    it('D4 an IRI above the bound and a lone surrogate are refused', async () => {
      const long = await refused(drafts(`<urn:x:${'a'.repeat(limits.iriBytesMax)}> <urn:x:p> <urn:x:b> .`))
      assert.equal(long.code, 'INPUT_TOO_LARGE')
      assert.equal((await refused(drafts('<urn:x:a> <urn:x:p> "\\uD800" .'))).code, 'PARSE_ERROR')
    })

    it('D4 a quoted triple is refused', async () => {
      assert.equal((await refused(drafts(`${prefixes}:a :p <<( :a :b :c )>> .`))).code, 'PARSE_ERROR')
    })

    it('D4 names such as __proto__ and constructor are names like others', async () => {
      const text = '<urn:x:__proto__> <urn:x:constructor> "__proto__" . _:__proto__ <urn:x:p> _:constructor .'
      assert.equal(lines(await drafts(text)).length, 2)
    })
  })
})
