// Results that peers show: what a node that does not vote takes as final, a copy that diverged, and a ledger that forked.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  digestOf,
  epochOf,
  ledgerIdOf,
  type NodeId,
  nodeIdOf,
  organisationIdOf,
  sequenceOf,
  timeOf,
  viewOf,
} from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { generateSigningKey, sign } from '../../src/base/signature.ts'
import { type BlockHeader, blockHash, blockRecordSchema } from '../../src/consensus/block.ts'
import { type ResultCertificate, resultCertificateSchema } from '../../src/consensus/certificate.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { type Result, resultBytes } from '../../src/consensus/statements.ts'
import { isFork, keepFork, readFork } from '../../src/node/fork.ts'
import { Lag } from '../../src/node/lag.ts'
import { type Conflict, ToldResults, type ToldResultsOptions } from '../../src/node/told-results.ts'

const ledger = ledgerIdOf('aa'.repeat(32))
const some = digestOf('11'.repeat(32))
const keys = Array.from({ length: 4 }, () => generateSigningKey())
const node = (place: number): NodeId => nodeIdOf(`0${place}`.repeat(16))
const roster: Roster = {
  epoch: epochOf(0),
  validators: keys.map(({ publicKey }, place) => ({
    node: node(place),
    organisation: organisationIdOf(`org-${place}`),
    key: publicKey,
  })),
}
const learner = node(9)

const header: BlockHeader = {
  ledger,
  epoch: epochOf(0),
  sequence: sequenceOf(5),
  previous: some,
  batch: some,
  time: timeOf(1),
}
const block = encode(blockRecordSchema, {
  header,
  tokens: some,
  batchTime: timeOf(1),
  transactions: [],
  certificate: {
    type: 'pbft',
    agreement: { ledger, epoch: epochOf(0), round: viewOf(0), sequence: sequenceOf(5), digest: some },
    signatures: [],
  },
})
const root = digestOf('22'.repeat(32))
const result: Result = {
  ledger,
  epoch: epochOf(0),
  sequence: sequenceOf(5),
  block: blockHash(header),
  logSize: 9,
  logRoot: root,
  checkpoint: [],
}

function certificate(of: Partial<Result> = {}, signers: readonly number[] = [0, 1, 2]): ResultCertificate {
  const whole = { ...result, ...of }
  const signed = resultBytes(whole)
  const signatures = signers.map((place) => ({
    node: node(place),
    signature: sign('result', signed, keys[place]?.seed as Uint8Array),
  }))
  return { result: whole, signatures }
}

interface Heard {
  readonly told: ToldResults
  readonly final: ResultCertificate[]
  readonly conflicts: Conflict[]
}

function hearing(self: NodeId, ours?: ResultCertificate): Heard {
  const final: ResultCertificate[] = []
  const conflicts: Conflict[] = []
  const outcome = { sequence: sequenceOf(5), block: result.block, logSize: 9, logRoot: root, checkpoint: [] }
  const machine = {
    ledger: { id: ledger, genesis: { protocol: 'pbft/1' } },
    applied: outcome,
    checkpoint: outcome,
    succession: { inForce: [roster], known: [roster] },
  } as unknown as ToldResultsOptions['machine']
  const told = new ToldResults({
    self,
    machine,
    blocks: {
      read: async () => block,
      result: async () => ours && encode(resultCertificateSchema, ours),
    },
    log: { size: 9, rootAt: () => new Uint8Array(32).fill(0x22) as never },
    final: () => final.at(-1) ?? ours,
    onFinal: async (each) => void final.push(each),
    onConflict: async (each) => void conflicts.push(each),
  })
  return { told, final, conflicts }
}

describe('Results that peers show', () => {
  it('N14 tell a node that does not vote what is final, and those that vote nothing', async () => {
    for (const [self, expected] of [
      [learner, 1],
      [node(0), 0],
    ] as const) {
      const { told, final, conflicts } = hearing(self)
      await told.heard(certificate())
      await told.heard(certificate())
      assert.deepEqual([final.length, conflicts.length], [expected, 0])
    }
  })

  it('count for nothing without a quorum, with a bad signature, or of another ledger', async () => {
    const { told, final, conflicts } = hearing(learner)
    const good = certificate({ logRoot: some })
    await told.heard(certificate({ logRoot: some }, [0, 1]))
    await told.heard({
      ...good,
      signatures: good.signatures.map((each) => ({ ...each, signature: new Uint8Array(64) })),
    })
    await told.heard(certificate({ ledger: ledgerIdOf('bb'.repeat(32)), logRoot: some }))
    await told.heard(certificate({ epoch: epochOf(1), logRoot: some }))
    await told.heard(certificate({ sequence: sequenceOf(6), logRoot: some }))
    assert.deepEqual([final.length, conflicts.length], [0, 0])
  })

  it('L18 show that the copy here diverged when only one side has a quorum', async () => {
    const { told, conflicts } = hearing(learner)
    await told.heard(certificate({ logRoot: some }))
    assert.deepEqual(
      conflicts.map(({ code }) => code),
      ['RESULT_DIVERGED'],
    )
  })

  it('N11 show a fork when both sides have one, with proof that anybody checks', async () => {
    const { told, conflicts } = hearing(node(0), certificate())
    await told.heard(certificate({ logRoot: some }))
    const [fork] = conflicts
    assert.ok(fork?.code === 'FORK_DETECTED')
    const document = {
      kind: 'quadrille forked results 1',
      ledger,
      certificates: [fork.ours, fork.theirs],
      epochs: [],
    } as const
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-fork-'))
    try {
      const path = join(folder, 'fork.json')
      await keepFork(path, document)
      const first = await readFile(path, 'utf8')
      // The first proof stays.
      await keepFork(path, { ...document, certificates: [fork.theirs, fork.theirs] })
      assert.equal(await readFile(path, 'utf8'), first)
      const found = await readFork(path)
      assert.ok(found !== undefined)
      assert.equal(isFork(found, 'pbft/1', [roster]), true)
      assert.equal(isFork({ ...found, certificates: [fork.ours, fork.ours] }, 'pbft/1', [roster]), false)
      assert.equal(isFork(found, 'pbft/1', []), false)
      assert.equal(isFork({ ...found, ledger: ledgerIdOf('bb'.repeat(32)) }, 'pbft/1', [roster]), false)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('A node that is behind', () => {
  const at = (applied: number, reached: number, now: number, self: NodeId) => ({
    self,
    succession: { inForce: [roster] as const, known: [roster] as const },
    applied: sequenceOf(applied),
    reached,
    now,
  })

  it('fetches at once when it does not vote, and when it votes only after it was stuck for a while', () => {
    assert.equal(new Lag().isToFetch(at(1, 5, 0, learner)), true)
    const lag = new Lag()
    assert.equal(lag.isToFetch(at(1, 5, 0, node(0))), false)
    assert.equal(lag.isToFetch(at(2, 6, 3_900, node(0))), false)
    assert.equal(lag.isToFetch(at(2, 7, 7_000, node(0))), false)
    assert.equal(lag.isToFetch(at(2, 7, 8_000, node(0))), true)
    assert.equal(lag.isToFetch(at(7, 7, 9_000, node(0))), false)
  })
})
