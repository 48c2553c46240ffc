// Attacks on safety, by their numbers, against one replica whose peers say whatever the test wants.

import assert from 'node:assert/strict'
import type { Digest, Sequence, Time } from '../../src/base/ids.ts'
import { idBytes } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { batchDigest, nullBatch } from '../../src/consensus/batch.ts'
import { commitCertificateFault } from '../../src/consensus/certificate.ts'
import { contradictionSchema } from '../../src/consensus/contradiction.ts'
import { byzantineQuorum, faultsMax, oneCorrect } from '../../src/consensus/quorum.ts'
import { provesAgainst } from '../../src/pbft/evidence.ts'
import type { PbftMessageOf } from '../../src/pbft/messages.ts'
import { readRecord } from '../../src/pbft/records.ts'
import { simLedger } from '../sim/roster.ts'
import { toyVerify } from '../sim/signatures.ts'
import { batchOf, only, type PbftEffect, Puppet, sent, someDigest } from './puppet.ts'

const digestOf = (puppet: Puppet, text: string): Digest => batchDigest(batchOf(puppet, text))

/** Whether exactly one accusation stands in `effects`, and convicts `place` wherever it is shown. */
function assertConvicted(puppet: Puppet, effects: readonly PbftEffect[], place: number): void {
  const [accusation, ...more] = only(effects, 'accuse')
  assert.ok(accusation !== undefined && more.length === 0)
  assert.equal(accusation.culprit, puppet.node(place))
  assert.ok(provesAgainst(accusation.evidence, simLedger, puppet.roster, toyVerify))
  const evidence = decode(contradictionSchema, accusation.evidence)
  const framed = encode(contradictionSchema, { ...evidence, culprit: puppet.node((place + 1) % 4) })
  assert.ok(!provesAgainst(framed, simLedger, puppet.roster, toyVerify), 'evidence must not convict anybody else')
}

describe('PBFT under attacks on safety', () => {
  it('P1 of two proposals at one place only one is voted for, and both together are evidence against the leader', () => {
    const puppet = new Puppet()
    const [a, b] = [batchOf(puppet, 'a'), batchOf(puppet, 'b')]
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 1, a)), 'prepare')[0]?.vote.digest, batchDigest(a))
    const effects = puppet.receive(0, puppet.prePrepare(0, 1, b))
    assert.equal(sent(effects, 'prepare').length, 0)
    assertConvicted(puppet, effects, 0)
    assert.equal(only(puppet.receive(0, puppet.prePrepare(0, 1, b)), 'accuse').length, 0, 'once is enough')
  })

  it('P1 whoever prepares another batch of the same leader is shown the leader’s words, so that both hold evidence', () => {
    const other = new Puppet(2)
    const [a, b] = [batchOf(other, 'a'), batchOf(other, 'b')]
    const prepare = sent(other.receive(0, other.prePrepare(0, 1, b)), 'prepare')[0] as PbftMessageOf<'prepare'>
    // In either order of proposal and vote.
    for (const early of [true, false]) {
      const witness = new Puppet(1)
      const before = early ? witness.receive(2, prepare) : witness.receive(0, witness.prePrepare(0, 1, a))
      assert.equal(sent(before, 'pre-prepare').length, 0)
      const after = early ? witness.receive(0, witness.prePrepare(0, 1, a)) : witness.receive(2, prepare)
      const [shown, ...more] = sent(after, 'pre-prepare')
      assert.ok(shown !== undefined && more.length === 0)
      assert.deepEqual(
        only(after, 'send')
          .filter(({ message }) => message === shown)
          .map(({ to }) => to),
        [witness.node(2)],
      )
      const receiver = new Puppet(2)
      receiver.receive(0, receiver.prePrepare(0, 1, b))
      assertConvicted(receiver, receiver.receive(1, shown), 0)
    }
  })

  for (const phase of ['prepare', 'commit'] as const) {
    it(`P2 a validator that signs two different ${phase} votes for one place is convicted, and counts once`, () => {
      const puppet = new Puppet()
      const batch = batchOf(puppet, 'a')
      puppet.receive(0, puppet.prePrepare(0, 1, batch))
      puppet.receive(2, puppet[phase](2, 0, 1, someDigest('other')))
      const effects = puppet.receive(2, puppet[phase](2, 0, 1, batchDigest(batch)))
      assertConvicted(puppet, effects, 2)
      assert.equal(sent(effects, 'commit').length, 0)
    })
  }

  it('P3 a PREPARE whose signature does not verify never counts towards a certificate', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'a')
    puppet.receive(0, puppet.prePrepare(0, 1, batch))
    const good = puppet.prepare(2, 0, 1, batchDigest(batch))
    const bad = { ...good, vote: { ...good.vote, signature: puppet.sign(3, 'prepare', new Uint8Array([1])) } }
    assert.equal(puppet.verifies(bad), false)
    assert.deepEqual(puppet.receive(2, bad), [])
    assert.equal(sent(puppet.receive(2, good), 'commit').length, 1)
  })

  it('P7 a batch that is agreed before its predecessor is delivered after it', () => {
    const puppet = new Puppet()
    const [first, second] = [batchOf(puppet, 'first'), batchOf(puppet, 'second')]
    puppet.receive(0, puppet.prePrepare(0, 1, first))
    const early = puppet.agree(0, 2, second)
    assert.equal(only(early, 'deliver').length, 0)
    const effects = puppet.agree(0, 1, first)
    assert.deepEqual(
      only(effects, 'deliver').map(({ sequence }) => sequence),
      [1, 2],
    )
  })

  it('P8 COMMITs of different views never make a certificate together', () => {
    const puppet = new Puppet(3)
    const batch = batchOf(puppet, 'a')
    const digest = batchDigest(batch)
    puppet.receive(0, puppet.prePrepare(0, 1, batch))
    const mixed = [
      puppet.receive(0, puppet.commit(0, 0, 1, digest)),
      puppet.receive(1, puppet.commit(1, 1, 1, digest)),
      puppet.receive(2, puppet.commit(2, 2, 1, digest)),
    ].flat()
    assert.equal(only(mixed, 'deliver').length, 0)
    const pure = [puppet.receive(1, puppet.commit(1, 2, 1, digest)), puppet.receive(0, puppet.commit(0, 2, 1, digest))]
    const [delivered] = only(pure.flat(), 'deliver')
    assert.equal(delivered?.certificate.agreement.round, 2)
    assert.equal(commitCertificateFault(delivered.certificate, puppet.roster, toyVerify), undefined)
  })

  it('P9 a signer counts once in a certificate, and one with a signer twice is refused', () => {
    const puppet = new Puppet(3)
    const batch = batchOf(puppet, 'a')
    const digest = batchDigest(batch)
    const signature = ({ vote }: ReturnType<Puppet['commit']>) => ({ node: vote.signer, signature: vote.signature })
    const commits = [0, 1, 2].map((place) => signature(puppet.commit(place, 0, 1, digest)))
    const agreement = { ledger: simLedger, epoch: 0, round: 0, sequence: 1, digest } as never
    const decided = (places: readonly number[]) =>
      puppet.receive(0, {
        type: 'decided',
        certificate: { type: 'pbft', agreement, signatures: places.map((place) => commits[place] as never) },
        batch,
      })
    for (const wrong of [
      [0, 0, 1],
      [0, 1],
      [2, 1, 0],
      [0, 1, 1],
    ]) {
      const effects = decided(wrong)
      assert.equal(only(effects, 'refuse')[0]?.code, 'QUORUM_NOT_MET', `${wrong}`)
      assert.equal(only(effects, 'deliver').length, 0)
    }
    assert.equal(only(decided([0, 1, 2]), 'deliver').length, 1)
  })

  it('P10 for every n to 100 two quorums share a correct validator, and the correct ones alone are a quorum', () => {
    for (let n = 1; n <= 100; n++) {
      const [q, f] = [byzantineQuorum(n), faultsMax(n)]
      assert.ok(2 * q - n >= f + 1, `n ${n}: intersection`)
      assert.ok(q <= n - f, `n ${n}: availability`)
      assert.ok(oneCorrect('byzantine', n) <= q)
    }
  })

  for (const n of [4, 5, 6, 7, 8, 9, 10]) {
    it(`P10 ${n} validators prepare and commit with exactly ${byzantineQuorum(n)} votes`, () => {
      const puppet = new Puppet(1, n)
      const batch = batchOf(puppet, 'a')
      const digest = batchDigest(batch)
      puppet.receive(0, puppet.prePrepare(0, 1, batch))
      const backups = puppet.others(0)
      const committing = backups.findIndex(
        (place) => sent(puppet.receive(place, puppet.prepare(place, 0, 1, digest)), 'commit').length > 0,
      )
      assert.equal(committing + 1 + 2, puppet.q, 'the leader, this replica and the others')
      const all = puppet.others()
      const delivering = all.findIndex(
        (place) => only(puppet.receive(place, puppet.commit(place, 0, 1, digest)), 'deliver').length > 0,
      )
      assert.equal(delivering + 1 + 1, puppet.q)
    })
  }

  it('P11 a PREPARE replayed as a COMMIT, or from another ledger, epoch or view, does not verify', () => {
    const puppet = new Puppet()
    const { vote } = puppet.prepare(2, 0, 1, someDigest('a'))
    assert.ok(puppet.verifies({ type: 'prepare', vote }))
    assert.ok(!puppet.verifies({ type: 'commit', vote }))
    assert.ok(!puppet.verifies({ type: 'prepare', vote: { ...vote, epoch: 1 as never } }))
    assert.ok(!puppet.verifies({ type: 'prepare', vote: { ...vote, view: 1 as never } }))
    assert.ok(!puppet.verifies({ type: 'prepare', vote: { ...vote, sequence: 2 as never } }))
    puppet.agree(0, 1, batchOf(puppet, 'a'))
    const foreign = puppet.result(2, 1, { ledger: simLedger.replace(/^../, 'ff') as never })
    const effects = puppet.receive(2, { type: 'result', signed: foreign })
    assert.equal(only(effects, 'refuse')[0]?.code, 'WRONG_LEDGER')
  })

  it('P19 a replica whose result differs from a quorum of equal ones fences itself, signs nothing, and says so', () => {
    const puppet = new Puppet()
    puppet.agree(0, 1, batchOf(puppet, 'a'))
    const logRoot = someDigest('another root')
    const effects = [0, 2, 3].flatMap((place) => [
      ...puppet.receive(place, { type: 'result', signed: puppet.result(place, 1, { logRoot }) }),
    ])
    assert.equal(only(effects, 'fence')[0]?.code, 'RESULT_DIVERGED')
    assert.equal(puppet.core.status().state, 'fenced')
    assert.deepEqual(puppet.agree(0, 2, batchOf(puppet, 'b')), [])
    assert.deepEqual(puppet.tick(2_000), [])
  })

  it('P19 a fence outlives a restart and an install that proves nothing, and falls with what a quorum has', () => {
    const puppet = new Puppet()
    const other = new Puppet(3)
    for (let sequence = 1; sequence <= 5; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    for (let sequence = 1; sequence <= 5; sequence++) other.agree(0, sequence, batchOf(other, `another ${sequence}`))
    const [{ mandate }, proof] = [puppet.machine, other.certificate(4, [0, 2, 3])]
    assert.equal(only(puppet.receive(2, { type: 'certified', certificate: proof }), 'fence').length, 1)
    puppet.effects.length = 0
    puppet.restart()
    assert.equal(only(puppet.effects, 'fence')[0]?.code, 'RESULT_DIVERGED', 'it says so again')
    const { applied: outcome, checkpoint } = puppet.machine
    assert.deepEqual(puppet.give({ type: 'installed', outcome, checkpoint, mandate }), [])
    assert.equal(puppet.core.status().state, 'fenced')
    const { applied, checkpoint: good } = other.machine
    const effects = puppet.give({ type: 'installed', outcome: applied, checkpoint: good, mandate })
    assert.equal(puppet.core.status().state, 'normal')
    assert.equal(sent(effects, 'result').length, 0, 'no second result where it gave a wrong one')
    puppet.receive(2, { type: 'certified', certificate: other.certificate(5, [0, 2, 3]) })
    assert.deepEqual([puppet.core.status().state, puppet.core.status().final], ['normal', 5])
    puppet.restart()
    assert.equal(puppet.core.status().state, 'normal', 'the journal knows that it fell')
  })

  it('P19 a fence falls with a later stable checkpoint, too', () => {
    const puppet = new Puppet()
    const other = new Puppet(3)
    for (let sequence = 1; sequence <= 4; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    for (let sequence = 1; sequence <= 8; sequence++) other.agree(0, sequence, batchOf(other, `another ${sequence}`))
    puppet.receive(2, { type: 'certified', certificate: other.certificate(4, [0, 2, 3]) })
    const { applied: outcome, checkpoint, mandate } = other.machine
    const installed = { type: 'installed', outcome, checkpoint, mandate } as const
    puppet.give(installed)
    assert.equal(puppet.core.status().state, 'fenced')
    puppet.receive(2, { type: 'certified', certificate: other.certificate(8, [0, 2, 3]) })
    puppet.give(installed)
    assert.deepEqual([puppet.core.status().state, puppet.core.status().stable], ['normal', 8])
  })

  it('what a new view followed from is not in the journal, which would be megabytes', () => {
    const puppet = new Puppet()
    puppet.enter(2, [puppet.prepared(0, 1, digestOf(puppet, 'a'))])
    const entered = puppet.journal.filter((record) => readRecord(record).type === 'entered')
    assert.equal(entered.length, 1)
    assert.ok((entered[0]?.bytes.length ?? 0) < 1_000, `${entered[0]?.bytes.length} bytes`)
    puppet.restart()
    assert.deepEqual([puppet.core.status().round, puppet.core.status().state], [2, 'normal'])
  })

  it('L8 a proposal of a view far ahead does not push out what is heard of the next one', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'of the next view')
    puppet.receive(2, puppet.prePrepare(2, 1, batch))
    puppet.receive(3, puppet.prePrepare(4 * 10 ** 8 + 3, 1, batchOf(puppet, 'of a view far ahead')))
    assert.equal(sent(puppet.enter(2), 'prepare')[0]?.vote.digest, batchDigest(batch))
  })

  it('P19 others whose results differ from a quorum that includes this replica do it no harm', () => {
    const puppet = new Puppet()
    puppet.agree(0, 1, batchOf(puppet, 'a'))
    puppet.receive(3, { type: 'result', signed: puppet.result(3, 1, { logRoot: someDigest('wrong') }) })
    puppet.receive(0, { type: 'result', signed: puppet.result(0, 1) })
    const effects = puppet.receive(2, { type: 'result', signed: puppet.result(2, 1) })
    assert.equal(only(effects, 'final').length, 1)
    assert.equal(puppet.core.status().state, 'normal')
  })

  it('P20 the time is in the digest, and the null batch has one', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'a')
    assert.notEqual(batchDigest(batch), batchDigest({ ...batch, time: (batch.time + 1) as Time }))
    assert.equal(batchDigest(nullBatch), batchDigest({ time: 0 as Time, tokens: [], transactions: [] }))
    assert.equal(idBytes(batchDigest(nullBatch)).length, 32)
    const effects = puppet.receive(0, { ...puppet.prePrepare(0, 1, batch), batch: { ...batch, time: 5 as Time } })
    assert.equal(only(effects, 'refuse')[0]?.code, 'PROPOSAL_INVALID')
    assert.equal(sent(effects, 'prepare').length, 0)
  })

  it('P17 after a crash at any point of the journal no vote contradicts one that may have left', () => {
    const whole = new Puppet()
    for (let sequence = 1; sequence <= 3; sequence++) whole.agree(0, sequence, batchOf(whole, `${sequence}`))
    const saved = [...whole.journal]
    for (let length = 0; length <= saved.length; length++) {
      const puppet = new Puppet()
      puppet.restart(saved.slice(0, length))
      const before = new Map<number, Digest>()
      for (const { vote } of sent(puppet.tick(400), 'prepare')) before.set(vote.sequence, vote.digest)
      const other = batchOf(puppet, 'another')
      const effects = [1, 2, 3].flatMap((sequence) => [...puppet.receive(0, puppet.prePrepare(0, sequence, other))])
      for (const { vote } of sent(effects, 'prepare')) {
        assert.ok(!before.has(vote.sequence), `journal of ${length}: two PREPAREs at ${vote.sequence}`)
      }
    }
  })

  it('P25 and P26 nothing but static validity keeps a batch from a PREPARE, and nothing at all once it is carried over', () => {
    const puppet = new Puppet()
    puppet.helpful = false
    const batch = batchOf(puppet, 'needs its payload')
    const effects = puppet.receive(0, puppet.prePrepare(0, 1, batch))
    assert.equal(only(effects, 'check').length, 1)
    assert.equal(sent(effects, 'prepare').length, 0)
    const digest = digestOf(puppet, 'needs its payload')
    const carried = puppet.enter(2, [puppet.prepared(0, 1, digest)])
    assert.equal(sent(carried, 'prepare')[0]?.vote.digest, digest)
    assert.equal(only(carried, 'check').length, 0)
  })

  it('P26 a carried-over batch that never came here is voted for, fetched from others, and delivered', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'never seen')
    const digest = batchDigest(batch)
    const effects = puppet.enter(2, [puppet.prepared(0, 1, digest)])
    assert.equal(sent(effects, 'prepare')[0]?.vote.digest, digest)
    assert.deepEqual(sent(effects, 'want')[0]?.batches, [digest])
    for (const place of [0, 2, 3]) puppet.receive(place, puppet.commit(place, 2, 1, digest))
    assert.equal(puppet.core.status().delivered, 0)
    puppet.receive(3, { type: 'batch', batch: batchOf(puppet, 'not that one') })
    assert.equal(puppet.core.status().delivered, 0)
    const [delivered] = only(puppet.receive(3, { type: 'batch', batch }), 'deliver')
    assert.equal(delivered?.sequence, 1 as Sequence)
  })

  it('P24 a read is answered by a batch that holds its token and by nothing else', () => {
    const puppet = new Puppet()
    const id = 'ab'.repeat(16)
    const [asked] = sent(puppet.give({ type: 'read', id }), 'token')
    assert.ok(asked !== undefined)
    assert.equal(only(puppet.agree(0, 1, batchOf(puppet, 'a')), 'readable').length, 0)
    for (const place of [0, 2, 3]) {
      const status = { epoch: 0, view: 0, active: true, delivered: 99, final: 99, stable: 96, help: true } as never
      const effects = puppet.receive(place, { type: 'status', ...(status as object) } as never)
      assert.equal(only(effects, 'readable').length, 0, 'claims are not believed')
    }
    const later = 'cd'.repeat(16)
    puppet.give({ type: 'read', id: later })
    const effects = puppet.agree(0, 2, { ...batchOf(puppet), tokens: [asked.token] })
    assert.deepEqual(only(effects, 'readable'), [{ type: 'readable', id, sequence: 2 }])
    assert.equal(sent(effects, 'token').length, 1, 'the later read has a token of its own')
  })

  it('P24 a validator between views that asked everybody is shown the batch with its token', () => {
    const puppet = new Puppet()
    const token = new Uint8Array(16).fill(7)
    puppet.receive(2, { type: 'token', owner: puppet.node(2), token })
    const shown = puppet.agree(0, 1, { ...batchOf(puppet), tokens: [token] }).flatMap((effect) => {
      return effect.type === 'send' && effect.message.type === 'decided' ? [effect.to] : []
    })
    assert.deepEqual(shown, [puppet.node(2)])
  })
})
