// What a validator votes for, and remembers having judged.

import assert from 'node:assert/strict'
import { timeOf } from '../../src/base/ids.ts'
import type { SigningKey } from '../../src/base/signature.ts'
import { buildAct, signerOf } from '../../src/ledger/build.ts'
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

  it('are no to acts that this version of the node does not carry out, though the rules know them', async () => {
    const ledger = ledgerIdFor(founded.genesis.genesis)
    const { bytes } = await buildAct({
      ledger,
      key: signerOf(founded.organisationKeys[0] as SigningKey),
      sequence: 1,
      expires: timeOf(Date.now() + 60_000),
      act: { type: 'announce', version: 2 },
    })
    const verdict = createVerdicts(ledger).of(bytes)
    assert.deepEqual(verdict, { type: 'invalid', code: 'ACT_UNSUPPORTED' })
  })
})
