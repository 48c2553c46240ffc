// Keeps the example of docs/concepts.md true.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { exampleText } from './example.ts'

describe('docs/concepts.md', () => {
  it('shows the bytes that the code makes (print them with test/ledger/example.ts)', async () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../docs/concepts.md'), 'utf8')
    const [, shown] = /```text\n(RDF [^`]*)\n```/.exec(text) ?? []
    assert.equal(shown, await exampleText())
  })
})
