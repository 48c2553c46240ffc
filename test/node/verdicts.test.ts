// What a validator votes for, and remembers having judged.

import assert from 'node:assert/strict'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { createVerdicts } from '../../src/node/verdicts.ts'
import { type Founded, foundFour, statement } from './consortium.ts'

describe('The verdicts of a validator', () => {
  let founded: Founded
  before(async () => {
    founded = await foundFour()
  })
  after(() => founded.remove())

  it('are the same object for the same transaction', async () => {
    const verdicts = createVerdicts(ledgerIdFor(founded.genesis.genesis))
    const { bytes } = await statement(founded, 1)
    const verdict = verdicts.of(bytes)
    assert.equal(verdict.type, 'valid')
    assert.equal(verdicts.of(bytes.slice()), verdict)
  })
})
