// What passes of messages that quote: words of the parsers themselves.

import assert from 'node:assert/strict'
import { plainWords } from '../../src/base/plain-words.ts'

describe('Words of a parser', () => {
  it('E5 pass without what they quote, in whatever way', () => {
    for (const [message, plain] of [
      ['Expected punctuation to follow "https://people.example/ada"', 'Expected punctuation to follow \u2026'],
      ['Undefined prefix "ada:"', 'Undefined prefix \u2026'],
      ["Found illegal @type 'Ada Okafor, 12'", 'Found illegal @type \u2026'],
      ['Invalid predicate IRI: urn:person:ada', 'Invalid predicate IRI: \u2026'],
      ['rdf:parseType is not allowed on property elements with rdf:resource (ada)', undefined],
      ['Expected entity but got eof', 'Expected entity but got eof'],
      ['ada@mail.example 1970', '\u2026'],
    ] as const) {
      const told = plainWords(message)
      assert.doesNotMatch(told, /ada|okafor|1970/i)
      if (plain !== undefined) assert.equal(told, plain)
      else assert.match(told, /^rdf:parseType is not allowed on property elements with rdf:resource \u2026$/)
    }
  })

  it('are cut where they are many', () => {
    assert.equal(plainWords('expected '.repeat(100)).length, 160)
  })
})
