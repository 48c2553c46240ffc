// What `quadrille person find` and the preview of an erasure say in words, above all of copies that no erasure reaches.

import assert from 'node:assert/strict'
import { type Found, foundSchema, inWords } from '../../src/cli/commands/person.ts'

const copies = ['acme-1', 'beta-1', 'gamma-1']
const handedOut = { listed: [], count: 0, node: 'acme-1', unasked: ['beta-1', 'gamma-1'] }
const found: Found = { items: [], references: [{ graph: 'urn:g:others', quads: 3 }], copies, handedOut }

describe('what is held about a person, in words', () => {
  it('names the node whose local log was asked for exports and backups, and those that were not', () => {
    const said = inWords(found)
    assert.ok(said.includes('The local log of acme-1 tells of no export or backup since the first of these items.'))
    assert.ok(said.some((line) => line.startsWith('What left the others was not asked: beta-1, gamma-1.')))
    assert.ok(said.includes('3 quads of other items in urn:g:others name the person; they stay.'))
  })

  it('lists what left that node, and says nothing of others where there are none', () => {
    const listed = [{ time: 1_800_000_000_000, kind: 'backup' as const }]
    const alone = { ...found, copies: ['acme-1'], handedOut: { listed, count: 7, node: 'acme-1', unasked: [] } }
    const said = inWords(foundSchema.fromJson(foundSchema.toJson(alone), ''))
    assert.ok(said.includes('Since the first of these items 7 exports and backups left acme-1, the newest first:'))
    assert.ok(said.includes('  2027-01-15T08:00:00.000Z  a backup'))
    assert.ok(!said.some((line) => line.includes('was not asked')))
  })
})
