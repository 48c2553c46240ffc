// What a node does with the evidence that it keeps: into the log with it, once, whatever stands in the way for a while.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../demo/processes.ts'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import { type Digest, digestOf, type Epoch, type Round, sequenceOf } from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { contradictionSchema } from '../../src/consensus/contradiction.ts'
import type { KeptEvidence } from '../../src/node/evidence-files.ts'
import { Reports, type ReportsOptions } from '../../src/node/reports.ts'
import type { Submission } from '../../src/node/submissions.ts'
import { simLedger, simRoster } from '../sim/roster.ts'

const roster = simRoster(4)
const [, liar, other] = roster.validators.map(({ node }) => node)

function kept(culprit: typeof liar, epoch = 0): KeptEvidence {
  assert.ok(culprit !== undefined)
  const said = (digest: Digest) => ({
    statement: { ledger: simLedger, epoch: epoch as Epoch, round: 0 as Round, sequence: sequenceOf(3), digest },
    signature: new Uint8Array(64),
  })
  const [first, second] = [said(digestOf('11'.repeat(32))), said(digestOf('22'.repeat(32)))]
  const evidence = encode(contradictionSchema, { type: 'commit', culprit, first, second })
  return { document: { evidence } } as KeptEvidence
}

interface Sent {
  readonly reports: Reports
  readonly acts: Parameters<ReportsOptions['acts']['send']>[0][]
  readonly convicted: (readonly [typeof liar, { readonly epoch: number }])[]
}

/** `answers`: to one act after another; the last one again and again. */
function reporting(evidence: readonly KeptEvidence[], answers: readonly (ErrorCode | 'OK')[]): Sent {
  const acts: Sent['acts'] = []
  const convicted: Sent['convicted'] = []
  const options = {
    machine: { ledger: { convictions: () => convicted }, succession: { inForce: [roster], known: [roster] } },
    evidence: { list: () => evidence },
    acts: {
      send: async (act: Sent['acts'][number]) => {
        acts.push(act)
        const code = answers[Math.min(acts.length, answers.length) - 1]
        if (code === 'NOT_FINAL') throw new LedgerError(code)
        return { code } as Submission
      },
    },
    random: () => 0,
    onFailure: (error: unknown) => assert.fail(String(error)),
  }
  const reports = new Reports(options as unknown as ReportsOptions)
  return { reports, acts, convicted }
}

describe('The evidence that a node keeps', () => {
  it('P2 goes into the log under the key that its culprit had, again until it is there', async () => {
    const { reports, acts } = reporting([kept(liar)], ['NOT_FINAL', 'OK'])
    reports.wake()
    await eventually('it was sent twice', async () => acts.length === 2 || undefined)
    await sleep(50)
    await reports.stop()
    assert.equal(acts.length, 2)
    const [act] = acts
    assert.ok(act?.type === 'evidence')
    assert.deepEqual(
      [act.contradiction.culprit, act.key],
      [liar, roster.validators.find(({ node }) => node === liar)?.key],
    )
  })

  it('is not sent when the log convicts its culprit already, was faster, or can take it no more', async () => {
    const late = kept(other, 7)
    const { reports, acts, convicted } = reporting([kept(liar), kept(other), late], ['EVIDENCE_KNOWN'])
    convicted.push([liar, { epoch: 0 }])
    reports.wake()
    await eventually('the other is reported', async () => acts.length === 1 || undefined)
    await sleep(50)
    await reports.stop()
    assert.equal(acts.length, 1, 'nobody knows the validators of epoch 7')
  })
})
