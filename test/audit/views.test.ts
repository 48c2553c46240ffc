// Tables, provenance and the report of a bundle: what a filter does and does not do, and that nothing in them runs.

import assert from 'node:assert/strict'
import { Parser } from 'n3'
import { csvCell } from '../../src/audit/csv.ts'
import { verifyBundle } from '../../src/audit/verify.ts'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { exported, type Files, type Fixture, ledger, makeFixture, readerOver, startReplay } from './bundle-fixture.ts'

describe('The views of a bundle', () => {
  let fixture: Fixture
  let whole: Files
  const textOf = (files: Files, path: string): string => fromUtf8(files.get(path) ?? assert.fail(path))

  before(async () => {
    fixture = makeFixture()
    whole = await exported(fixture.source)
  })

  it('D6 hold no formula and no markup that text of the ledger could smuggle in', () => {
    const register = textOf(whole, 'register.csv')
    assert.match(register, /,"'=HYPERLINK\(""http:\/\/evil\.example""\)",/)
    const report = textOf(whole, 'report.html')
    assert.ok(report.includes('&#60;script&#62;alert(1)&#60;/script&#62;'))
    assert.ok(!/<script|<[^>]*\son[a-z]+=|javascript:|<(?:img|link|iframe|object)/i.test(report))
    assert.match(report, /Content-Security-Policy" content="default-src 'none'/)
    for (const start of ['=', '+', '-', '@', '\t=', '\r', ' =', '|', '%']) {
      assert.match(csvCell(`${start}1+1`), /^"?'/, JSON.stringify(start))
    }
    assert.deepEqual(
      [csvCell('a"b'), csvCell('a,b'), csvCell(-5), csvCell('plain')],
      ['"a""b"', '"a,b"', '-5', 'plain'],
    )
  })

  it('leave the log whole under any filter, say what they left out, and verify', async () => {
    const filter = [
      { field: 'from', value: '1970-01-01T00:00:12.000Z' },
      { field: 'organisation', value: 'org-1' },
      { field: 'type', value: 'data' },
      { field: 'graph', value: 'urn:g:open' },
    ] as const
    const files = await exported(fixture.source, { filter })
    const rows = textOf(files, 'csv/000000.csv').trim().split('\r\n').slice(1)
    assert.ok(rows.length > 10 && rows.every((row) => row.includes(',org-1,') && row.includes('urn:g:open')))
    for (const [path, bytes] of whole) {
      if (/^(?:tile|events|blocks|results|acts|payloads)/.test(path)) assert.deepEqual(files.get(path), bytes, path)
    }
    assert.match(textOf(files, 'report.html'), new RegExp(`left ${302 - rows.length} of 302 transactions out`))
    const report = await verifyBundle(readerOver(files), { ledger }, startReplay)
    assert.deepEqual(report.findings, [])
  })

  it('say whose act each was in PROV-O that parses, and who validated from when on', () => {
    const quads = new Parser({ format: 'N-Quads' }).parse(textOf(whole, 'provenance/000000.nq'))
    const activities = quads.filter(({ object }) => object.value === 'http://www.w3.org/ns/prov#Activity')
    assert.equal(activities.length, 302)
    const validators = textOf(whole, 'validators.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      validators.map(({ epoch, from }) => [epoch, from]),
      [
        [0, 1],
        [1, 21],
      ],
    )
    assert.deepEqual(
      textOf(whole, 'acts/000000.jsonl')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).act),
      ['erase', 'roster'],
    )
  })
})
