// JSON-LD and RDF/XML in: the same quads as Turtle gives, contexts that are pinned, and every input of D4 in every format.

import assert from 'node:assert/strict'
import type { Quad, Term } from 'n3'
import { LedgerError } from '../../src/base/errors.ts'
import { limits } from '../../src/base/limits.ts'
import { type ParseOptions, parseRdf, type RdfFormat, rdfFormats } from '../../src/node/ingest-parse.ts'
import { coloured } from '../e2e/isomorphic.ts'

async function* chunks(source: string | Uint8Array | Iterable<Uint8Array>, size = 64): AsyncGenerator<Uint8Array> {
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) return yield* source
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function quadsOf(
  source: string | Uint8Array | Iterable<Uint8Array>,
  format: RdfFormat,
  options: Partial<ParseOptions> = {},
): Promise<readonly Quad[]> {
  const all: Quad[] = []
  for await (const quads of parseRdf(chunks(source), { format, file: 'in', ...options })) all.push(...quads)
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

async function assertSame(source: string, format: RdfFormat, turtle: string, options: Partial<ParseOptions> = {}) {
  const [found, expected] = coloured(await quadsOf(source, format, options), await quadsOf(turtle, 'turtle', options))
  assert.ok(expected.length > 0)
  assert.deepEqual(found, expected)
}

const rdf = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
const xml = (content: string, prolog = ''): string =>
  `<?xml version="1.0"?>\n${prolog}<rdf:RDF xmlns:rdf="${rdf}" xmlns:e="urn:x:">\n${content}\n</rdf:RDF>\n`

/** One statement about `subject` in each format, as much as the format can say; `literal` is written raw. */
function statement(format: RdfFormat, subject: string, literal: string): string {
  switch (format) {
    case 'jsonld':
      return `{"@id":"${subject}","urn:x:p":"${literal}"}`
    case 'rdfxml':
      return xml(`<rdf:Description rdf:about="${subject}"><e:p>${literal}</e:p></rdf:Description>`)
    default:
      return `<${subject}> <urn:x:p> "${literal}" .\n`
  }
}

describe('formats of RDF', () => {
  it('reads JSON-LD with its context first, last, and nested', async () => {
    const turtle = '<urn:x:a> <urn:x:p> 1, true, "x"@en, <urn:x:b>, [ <urn:x:q> ( "1" "2" ) ] .'
    const body =
      '"@id":"urn:x:a","p":[1,true,{"@value":"x","@language":"en"},{"@id":"urn:x:b"},{"q":{"@list":["1","2"]}}]'
    const context = '"@context":{"p":"urn:x:p","q":"urn:x:q"}'
    await assertSame(`{${context},${body}}`, 'jsonld', turtle)
    await assertSame(`{${body},\n${context}}`, 'jsonld', turtle)
    await assertSame(`{"@graph":[{${body}}],${context}}`, 'jsonld', turtle)
  })

  it('reads RDF/XML, with entities for namespaces', async () => {
    const content = `<rdf:Description rdf:about="&x;a"><e:p xml:lang="en">x</e:p><e:p rdf:resource="urn:x:b"/>
      <e:q rdf:parseType="Resource"><e:r>1</e:r></e:q></rdf:Description>`
    const turtle = '<urn:x:a> <urn:x:p> "x"@en, <urn:x:b> ; <urn:x:q> [ <urn:x:r> "1" ] .'
    await assertSame(xml(content, '<!DOCTYPE rdf:RDF [ <!ENTITY x "urn:x:"> ]>\n'), 'rdfxml', turtle)
  })

  it('resolves relative IRIs against --base, and refuses them without it', async () => {
    const base = 'https://example.org/d/'
    for (const format of ['jsonld', 'rdfxml'] as const) {
      await assertSame(statement(format, '../a', 'x'), format, '<../a> <urn:x:p> "x" .', { base })
      assert.equal((await refused(quadsOf(statement(format, 'a', 'x'), format))).code, 'PARSE_ERROR')
    }
  })

  it('reads events of EPCIS 2.0 by the bundled context as GS1’s ontology has them', async () => {
    const event = `{"@context":["urn:quadrille:context:epcis",{"examp":"http://ns.example.com/epcis/"}],
      "id":"urn:x:doc","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2005-07-11T11:30:47.0Z",
      "epcisBody":{"eventList":[{
        "eventID":"ni:///sha-256;87b5?ver=CBV2.0","type":"AggregationEvent","eventTime":"2013-06-08T14:58:56.591Z",
        "eventTimeZoneOffset":"+02:00","parentID":"urn:epc:id:sscc:0614141.1234567890",
        "childEPCs":["urn:epc:id:sgtin:0614141.107346.2017","urn:epc:id:sgtin:0614141.107346.2018"],
        "action":"OBSERVE","bizStep":"receiving","disposition":"in_progress",
        "readPoint":{"id":"urn:epc:id:sgln:0614141.00777.0"},"bizLocation":{"id":"urn:epc:id:sgln:0614141.00888.0"},
        "childQuantityList":[{"epcClass":"urn:epc:idpat:sgtin:4012345.098765.*","quantity":10},
          {"epcClass":"urn:epc:class:lgtin:4012345.012345.998877","quantity":200.5,"uom":"KGM"}],
        "bizTransactionList":[{"type":"po","bizTransaction":"http://transaction.acme.com/po/12345678"}],
        "sourceList":[{"type":"location","source":"urn:epc:id:sgln:952005385.481.0"}],
        "examp:myField":"Example of a vendor/user extension"}]}}`
    const turtle = `
      @prefix epcis: <https://ref.gs1.org/epcis/> . @prefix cbv: <https://ref.gs1.org/cbv/> .
      @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
      <urn:x:doc> a epcis:EPCISDocument ; owl:versionInfo "2.0" ;
        <http://purl.org/dc/terms/created> "2005-07-11T11:30:47.0Z"^^xsd:dateTime ;
        epcis:epcisBody [ epcis:eventList <ni:///sha-256;87b5?ver=CBV2.0> ] .
      <ni:///sha-256;87b5?ver=CBV2.0> a epcis:AggregationEvent ; epcis:action "OBSERVE" ;
        <http://ns.example.com/epcis/myField> "Example of a vendor/user extension" ;
        epcis:eventTime "2013-06-08T14:58:56.591Z"^^xsd:dateTimeStamp ; epcis:eventTimeZoneOffset "+02:00" ;
        epcis:parentID <urn:epc:id:sscc:0614141.1234567890> ;
        epcis:childEPCs <urn:epc:id:sgtin:0614141.107346.2017>, <urn:epc:id:sgtin:0614141.107346.2018> ;
        epcis:bizStep cbv:BizStep-receiving ; epcis:disposition cbv:Disp-in_progress ;
        epcis:readPoint <urn:epc:id:sgln:0614141.00777.0> ; epcis:bizLocation <urn:epc:id:sgln:0614141.00888.0> ;
        epcis:childQuantityList [ epcis:epcClass <urn:epc:idpat:sgtin:4012345.098765.*> ; epcis:quantity 1.0E1 ],
          [ epcis:epcClass <urn:epc:class:lgtin:4012345.012345.998877> ; epcis:quantity 2.005E2 ; epcis:uom "KGM" ] ;
        epcis:bizTransactionList <http://transaction.acme.com/po/12345678> ;
        epcis:sourceList [ epcis:sourceOrDestinationType cbv:SDT-location ;
          epcis:sourceOrDestination <urn:epc:id:sgln:952005385.481.0> ] .
      <http://transaction.acme.com/po/12345678> epcis:bizTransactionType cbv:BTT-po .`
    await assertSame(event, 'jsonld', turtle)
  })

  it('takes a context that the operator gave for its IRI', async () => {
    const contexts = new Map([['https://schema.org/', '{"@context":{"name":"https://schema.org/name"}}']])
    const text = '{"@context":"https://schema.org/","@id":"urn:x:a","name":"Ann"}'
    await assertSame(text, 'jsonld', '<urn:x:a> <https://schema.org/name> "Ann" .', { contexts })
  })

  it('refuses what JSON-LD would leave out in silence', async () => {
    const context = '"@context":{"p":"urn:x:p","b":"_:b"}'
    for (const body of [
      '"@id":"urn:x:a","unknown":1',
      '"@id":"urn:x:a b","p":1',
      '"@id":"urn:x:a","p":{"@value":"x","@type":"urn:x:a b"}',
      '"@id":"urn:x:a","p":{"@value":"x","@language":"no tag"}',
      '"@id":"urn:x:a","b":1',
    ]) {
      assert.equal((await refused(quadsOf(`{${context},${body}}`, 'jsonld'))).code, 'PARSE_ERROR', body)
    }
  })

  it('keeps or refuses what RDF 1.2 adds, in one way: triple terms and base directions are no terms of the ledger', async () => {
    const texts: readonly [RdfFormat, string][] = [
      ['ntriples', '<urn:x:a> <urn:x:p> "x"@en--ltr .'],
      ['turtle', '<urn:x:a> <urn:x:p> "x"@en--ltr .'],
      ['turtle', '<urn:x:a> <urn:x:p> <<( <urn:x:a> <urn:x:p> 1 )>> .'],
      [
        'rdfxml',
        xml(
          '<rdf:Description rdf:about="urn:x:a" rdf:version="1.2" xmlns:its="http://www.w3.org/2005/11/its" its:version="2.0"><e:p its:dir="rtl" xml:lang="ar">x</e:p></rdf:Description>',
        ),
      ],
    ]
    for (const [format, text] of texts) {
      const { code, details } = await refused(quadsOf(text, format))
      assert.deepEqual([code, /RDF 1\.1 does not have/.test(String(details['reason']))], ['PARSE_ERROR', true], text)
    }
    // JSON-LD 1.1 has a form of its own for it, which is a literal like others.
    const [quad] = await quadsOf(
      '{"@id":"urn:x:a","urn:x:p":{"@value":"x","@language":"ar","@direction":"rtl"}}',
      'jsonld',
    )
    const object = quad?.object as Term & { readonly datatype?: Term }
    assert.equal(object.datatype?.value, 'https://www.w3.org/ns/i18n#ar_rtl')
  })

  describe('D4', () => {
    it('D4 a remote context is refused, imported ones too, and nothing is fetched', async () => {
      const { fetch } = globalThis
      let fetched = 0
      globalThis.fetch = () => {
        fetched++
        return Promise.reject(new Error('no network'))
      }
      try {
        for (const context of [
          '"https://schema.org/"',
          '{"@version":1.1,"@import":"https://schema.org/"}',
          '["https://schema.org/"]',
        ]) {
          const { code, details } = await refused(quadsOf(`{\n"@context":${context},"@id":"urn:x:a"}`, 'jsonld'))
          assert.deepEqual([code, details['line']], ['REMOTE_CONTEXT_REFUSED', 2])
        }
      } finally {
        globalThis.fetch = fetch
      }
      assert.equal(fetched, 0)
    })

    it('D4 a literal of 100 MB is refused in every format with little of it read', async () => {
      for (const format of rdfFormats) {
        const text = statement(format, 'urn:x:a', '\0')
        let given = 0
        const source = function* (): Generator<Uint8Array> {
          const [before = '', after = ''] = text.split('\0')
          yield new TextEncoder().encode(before)
          for (; given < 1_600; given++) yield new Uint8Array(65_536).fill(120)
          yield new TextEncoder().encode(after)
        }
        assert.equal((await refused(quadsOf(source(), format))).code, 'INPUT_TOO_LARGE', format)
        assert.ok(given < 50, `${format}: ${given} chunks were read`)
      }
    })

    it('D4 bad UTF-8 is refused in every format with its line and column', async () => {
      for (const format of rdfFormats) {
        const text = statement(format, 'urn:x:a', '\x01')
        const bytes = new TextEncoder().encode(text)
        const at = bytes.indexOf(1)
        bytes[at] = 0xff
        const lines = text.slice(0, text.indexOf('\x01')).split('\n')
        const { code, details } = await refused(quadsOf(bytes, format))
        assert.deepEqual(
          [code, details['line'], details['column']],
          ['PARSE_ERROR', lines.length, (lines.at(-1)?.length ?? 0) + 1],
          format,
        )
      }
    })

    it('D4 an IRI with a newline, a > or a blank is refused in every format', async () => {
      for (const format of rdfFormats) {
        for (const character of ['\n', '>', ' ']) {
          const code = character.charCodeAt(0)
          const hexadecimal = code.toString(16).padStart(4, '0')
          const written = format === 'rdfxml' ? `&#${code};` : `\\u${hexadecimal}`
          const error = await refused(quadsOf(statement(format, `urn:x:${written}b`, 'x'), format))
          assert.equal(error.code, 'PARSE_ERROR', `${format} ${hexadecimal}`)
          assert.doesNotMatch(error.message, /\p{Cc}/u)
        }
      }
    })

    it('D4 __proto__ and constructor are names like others where a format allows it, and pollute nothing', async () => {
      for (const format of rdfFormats) {
        const [quad] = await quadsOf(statement(format, 'urn:x:__proto__', '__proto__'), format)
        assert.deepEqual([quad?.subject.value, quad?.object.value], ['urn:x:__proto__', '__proto__'], format)
      }
      for (const key of ['__proto__', '__pro\\u0074o__']) {
        const inside = `{"@context":{"${key}":{"@id":"urn:x:p"}},"@id":"urn:x:a"}`
        assert.equal((await refused(quadsOf(inside, 'jsonld'))).code, 'PARSE_ERROR')
      }
      assert.equal(({} as Record<string, unknown>)['@id'], undefined)
    })

    it('D4 a short text cannot unfold into a long one: entities, and nesting without end', async () => {
      const long = xml(
        '',
        `<!DOCTYPE rdf:RDF [ <!ENTITY a "<a"> <!ENTITY x "${'x'.repeat(limits.xmlEntityCharactersMax + 1)}"> ]>\n`,
      )
      assert.equal((await refused(quadsOf(long, 'rdfxml'))).code, 'INPUT_TOO_LARGE')
      const outside = xml(
        '<rdf:Description rdf:about="urn:x:a"><e:p>&x;</e:p></rdf:Description>',
        '<!DOCTYPE rdf:RDF [ <!ENTITY x SYSTEM "file:///etc/passwd"> ]>\n',
      )
      assert.equal((await refused(quadsOf(outside, 'rdfxml'))).code, 'PARSE_ERROR')
      assert.equal((await refused(quadsOf('['.repeat(100_000), 'jsonld'))).code, 'INPUT_TOO_LARGE')
    })

    it('D4 a text that was cut off is refused in every format that can tell', async () => {
      for (const format of rdfFormats) {
        const text = statement(format, 'urn:x:a', 'x').trimEnd()
        const cut = text.slice(0, -2)
        assert.equal((await refused(quadsOf(cut, format))).code, 'PARSE_ERROR', format)
      }
    })

    it('D4 E5 says where and shows how the place is built, without literals, names and IRIs', async () => {
      const secret = 'hunter2 and correct horse'
      const lead: Readonly<Record<RdfFormat, string>> = {
        turtle: '<urn:x:a> <urn:x:p> 1 .\n',
        trig: '<urn:x:a> <urn:x:p> 1 .\n',
        ntriples: '<urn:x:a> <urn:x:p> <urn:x:b> .\n',
        nquads: '<urn:x:a> <urn:x:p> <urn:x:b> .\n',
        jsonld: ' \n',
        rdfxml: '<rdf:Description rdf:about="urn:x:a"/>\n',
      }
      for (const format of rdfFormats) {
        const bad =
          format === 'jsonld'
            ? `{"@id":"urn:x:a", "urn:x:p": "${secret}",, }`
            : format === 'rdfxml'
              ? `<rdf:Description rdf:about="urn:x:a"><e:p>${secret}</e:q></rdf:Description>`
              : `<urn:x:a> <urn:x:p> "${secret}" <urn:x:q> <urn:x:r> .\n`
        const many = lead[format].repeat(format === 'rdfxml' ? 4_708 : 4_710)
        const text = format === 'rdfxml' ? xml(`${many}${bad}`) : `${many}${bad}`
        const { code, details, message } = await refused(quadsOf(text, format))
        assert.deepEqual([code, details['file'], details['line']], ['PARSE_ERROR', 'in', 4_711], `${format} ${message}`)
        assert.ok(Number(details['column']) > 1, `${format} ${message}`)
        assert.match(String(details['near']), /\u2026.*[<>{}",.]/)
        assert.doesNotMatch(message, /hunter2|horse|urn:x|e:[pq]/)
      }
    })
  })
})
