// What a validator votes for, and remembers having judged.

import assert from 'node:assert/strict'
import { requestId } from '../../src/consensus/batch.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { Verdicts } from '../../src/node/verdicts.ts'
import { type Founded, foundFour, statement } from './consortium.ts'

describe('The verdicts of a validator', () => {
  let founded: Founded
  before(async () => {
    founded = await foundFour()
  })
  after(() => founded.remove())

  it('are the same object for the same transaction', async () => {
    const verdicts = new Verdicts(ledgerIdFor(founded.genesis.genesis))
    const { bytes } = await statement(founded, 1)
    const verdict = verdicts.of(bytes)
    assert.equal(verdict.type, 'valid')
    assert.equal(verdicts.of(bytes.slice()), verdict)
  })

  it('are remembered until it is executed', async () => {
    const verdicts = new Verdicts(ledgerIdFor(founded.genesis.genesis))
    const { bytes } = await statement(founded, 1)
    const verdict = verdicts.of(bytes)
    verdicts.executed([requestId(bytes)])
    assert.equal(verdicts.size, 0)
    assert.notEqual(verdicts.of(bytes), verdict)
    assert.deepEqual(verdicts.of(bytes), verdict)
  })

  it('take bounded memory, whatever is sent: the oldest go', async () => {
    const verdicts = new Verdicts(ledgerIdFor(founded.genesis.genesis), 4_096)
    const first = verdicts.of(Uint8Array.of(0))
    for (let byte = 1; byte < 100; byte++) verdicts.of(Uint8Array.of(byte))
    assert.equal(verdicts.size, 15)
    assert.notEqual(verdicts.of(Uint8Array.of(0)), first)
    for (let turn = 0; turn < 4; turn++) verdicts.of(new Uint8Array(2_000).fill(turn))
    assert.equal(verdicts.size, 1)
  })
})
