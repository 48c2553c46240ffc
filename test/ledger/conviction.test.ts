// Evidence in the log: who may show it, what it must prove, and that it stays.

import assert from 'node:assert/strict'
import { digestOf, type Epoch, type LedgerId, ledgerIdOf, type Sequence, sequenceOf } from '../../src/base/ids.ts'
import { type SigningKey, sign } from '../../src/base/signature.ts'
import type { Contradiction } from '../../src/consensus/contradiction.ts'
import { type Agreement, agreementBytes } from '../../src/consensus/statements.ts'
import { buildAct, signerOf } from '../../src/ledger/build.ts'
import { Ledger } from '../../src/ledger/ledger.ts'
import { forEver, genesis, ledgerId, testKey, testNode, World } from './world.ts'

const liar = testKey('bolt-1 consensus')
const culprit = testNode('bolt', 'bolt-1').id

interface Told {
  readonly by?: SigningKey
  readonly epoch?: number
  readonly ledger?: LedgerId
  readonly rounds?: readonly [number, number]
  readonly digests?: readonly [string, string]
  readonly sequences?: readonly [number, number]
}

function contradiction(told: Told = {}): Contradiction {
  const { by = liar, epoch = 0, ledger = ledgerId, rounds = [3, 3], digests = ['11', '22'], sequences = [7, 7] } = told
  const said = (place: 0 | 1): Contradiction['first'] & { readonly statement: Agreement } => {
    const statement = {
      ledger,
      epoch: epoch as Epoch,
      round: rounds[place] as Agreement['round'],
      sequence: sequences[place] as Sequence,
      digest: digestOf(digests[place].repeat(32)),
    }
    return { statement, signature: sign('commit', agreementBytes(statement), by.seed) }
  }
  return { type: 'commit', culprit, first: said(0), second: said(1) }
}

let used = 0
async function evidence(
  what: Contradiction,
  reporter: SigningKey = testKey('acme-1 consensus'),
  key: Uint8Array = liar.publicKey,
): Promise<Uint8Array> {
  const act = { type: 'evidence' as const, key, contradiction: what }
  const envelope = { ledger: ledgerId, key: signerOf(reporter), sequence: ++used, expires: forEver }
  return (await buildAct({ ...envelope, act })).bytes
}

describe('Evidence in the log', () => {
  it('P1 P2 convicts a validator once for each epoch, whoever of the nodes shows it', async () => {
    const world = new World()
    world.skip(4)
    const [first, second] = [await evidence(contradiction()), await evidence(contradiction({ digests: ['33', '44'] }))]
    const third = await evidence(contradiction(), testKey('crux-1 consensus'))
    assert.deepEqual(world.deliver([first, second, third]), ['OK', 'EVIDENCE_KNOWN', 'EVIDENCE_KNOWN'])
    assert.deepEqual(world.ledger.convictions(), [[culprit, { epoch: 0, height: 5 }]])
    const again = Ledger.fromRecords(genesis, [...world.ledger.records()], {
      header: new World().ledger.apply(sequenceOf(1), world.batches[0] ?? assert.fail('no batch')).header,
    })
    assert.deepEqual(again.convictions(), world.ledger.convictions())
  })

  it('is refused when it proves nothing', async () => {
    const world = new World()
    const forged = contradiction()
    const nothing: readonly Contradiction[] = [
      contradiction({ digests: ['11', '11'] }),
      contradiction({ rounds: [3, 4] }),
      contradiction({ sequences: [7, 8] }),
      contradiction({ ledger: ledgerIdOf('ab'.repeat(32)) }),
      contradiction({ by: testKey('acme-1 consensus') }),
      contradiction({ epoch: 1 }),
      { ...forged, type: 'prepare' } as Contradiction,
    ]
    for (const each of nothing) assert.deepEqual(world.deliver([await evidence(each)]), ['EVIDENCE_EMPTY'])
    assert.deepEqual(world.ledger.convictions(), [])
  })

  it('is taken from nodes only, and under no key but the one that its culprit has', async () => {
    const world = new World()
    const [organisation, other] = [testKey('organisation acme'), testKey('acme-1 consensus')]
    assert.deepEqual(world.deliver([await evidence(contradiction(), organisation)]), ['NOT_PERMITTED'])
    const framed = await evidence(contradiction({ by: other }), testKey('crux-1 consensus'), other.publicKey)
    assert.deepEqual(world.deliver([framed]), ['KEY_UNKNOWN'])
  })
})
