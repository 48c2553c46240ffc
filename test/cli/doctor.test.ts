// quadrille doctor: who is missing and which quorum that makes short, and every other trouble that a node can tell of itself.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { eventually } from '../../demo/processes.ts'
import { Histogram } from '../../src/base/histogram.ts'
import { diagnose } from '../../src/cli/diagnosis.ts'
import type { NodeHealth, PeerHealth } from '../../src/node/health.ts'
import type { NodeStatus } from '../../src/node/node.ts'
import { foundConsortium, memberIds } from './consortium.ts'
import { ended, openWorkplace, type Workplace } from './process.ts'

const peer: PeerHealth = {
  name: 'beta-1',
  organisation: 'beta',
  validator: true,
  connected: true,
  height: 100,
  software: '0.1.0',
  clockAheadMs: 2,
  refusal: null,
}
const figures = new Histogram().figures()
const well: NodeHealth = {
  software: '0.1.0',
  runtime: 'v20.19.0',
  upSeconds: 60,
  peers: [
    peer,
    { ...peer, name: 'gamma-1', organisation: 'gamma' },
    { ...peer, name: 'delta-1', organisation: 'delta' },
  ],
  clock: { aheadMs: 1, skewed: false },
  rounds: { changes: { started: 1 }, last: [] },
  refused: {},
  dropped: {},
  evidence: 0,
  mismatches: 0,
  fenced: null,
  commits: figures,
  disk: {
    freeBytes: 50_000_000_000,
    low: false,
    secondsLeft: null,
    bytes: { journal: 1, blocks: 1, log: 1, store: 1 },
    syncs: figures,
  },
  store: { segments: 1, backlogBytes: 0, cache: { hits: 0, misses: 0 } },
  local: { leaves: 9, anchored: 9, ageSeconds: 60, everySeconds: 600, failure: null },
  erasures: { open: [], count: 0, purgeFailure: null },
}
const status = {
  height: 100,
  validators: 4,
  quorum: 3,
  connected: ['beta-1', 'gamma-1', 'delta-1'],
  missing: [],
  quorumConnected: true,
  serves: true,
  heights: { 'beta-1': 100 },
  note: '',
  accused: [],
  convicted: [],
  diverged: [],
  differing: [],
} as unknown as NodeStatus

const said = (health: Partial<NodeHealth>, more: Partial<NodeStatus> = {}): readonly string[] =>
  diagnose({ ...status, ...more }, { ...well, ...health }).map(
    ({ weight, code, says }) => `${weight} ${code ?? '-'} ${says}`,
  )

describe('a diagnosis', () => {
  it('of a node that is well is empty', () => {
    assert.deepEqual(said({}), [])
  })

  it('says which quorum is short by whom, and how many more may fail', () => {
    assert.match(
      said({}, { connected: ['beta-1', 'gamma-1'], missing: ['delta-1'] })[0] ?? '',
      /^wrong PEER_UNREACHABLE delta-1 \(delta\) is not connected\. 3 of 4 validators are connected and 3 must agree: if one more fails, nothing is ordered\.$/,
    )
    assert.match(
      said({}, { connected: ['beta-1'], missing: ['gamma-1', 'delta-1'], quorumConnected: false })[0] ?? '',
      /^wrong QUORUM_AWAY gamma-1 \(gamma\) and delta-1 \(delta\) are not connected\. 2 of 4 .* 3 must agree: 1 more is needed/,
    )
  })

  it('N1 N15 names peers that do not talk with this node, that lag, and whose clock is off', () => {
    const peers = [
      { ...peer, connected: false, refusal: 'PEER_NOT_ADMITTED' as const },
      { ...peer, name: 'gamma-1', height: 20 },
      { ...peer, name: 'delta-1', clockAheadMs: -3_600_000 },
    ]
    const [admitted, lag, clock] = said({ peers })
    assert.match(
      admitted ?? '',
      /^wrong PEER_NOT_ADMITTED beta-1 does not talk with this node: the peer is not in the member/,
    )
    assert.match(lag ?? '', /^note - gamma-1 is 80 blocks behind/)
    assert.match(clock ?? '', /^note - The clock of delta-1 is 60 min behind\.$/)
  })

  it('N15 S6 tells a wrong clock and a disk that is full or soon will be', () => {
    assert.match(
      said({ clock: { aheadMs: 3_600_000, skewed: true } })[0] ?? '',
      /^wrong CLOCK_SKEW .* is 60 min ahead of those/,
    )
    const disk = { ...well.disk, freeBytes: 500_000_000 }
    assert.match(said({ disk: { ...disk, low: true } })[0] ?? '', /^wrong DISK_LOW 0\.5 GiB are free/)
    assert.match(said({ disk: { ...disk, secondsLeft: 7_200 } })[0] ?? '', /^note - 0\.5 GiB .* last 2 h/)
  })

  it('tells when the local log is not anchored any more, and whether that is on purpose', () => {
    const behind = { leaves: 9, anchored: 3, ageSeconds: 2_000, everySeconds: 600, failure: 'QUORUM_AWAY' } as const
    assert.match(said({ local: behind }).join(' '), /6 leaves .* 33 min/)
    assert.match(said({ local: { ...behind, ageSeconds: null } }).join(' '), /never/)
    assert.deepEqual(said({ local: { ...behind, ageSeconds: 700, failure: null } }), [])
    assert.deepEqual(said({ local: { ...behind, anchored: 9 } }), [])
    assert.match(said({ local: { ...behind, everySeconds: 0 } }).join(' '), /not anchored: nothing/)
  })

  it('tells what concerns all members: a fence, evidence, another result, erasures that are not complete', () => {
    assert.match(said({ fenced: 'RESULT_DIVERGED' })[0] ?? '', /^wrong RESULT_DIVERGED This node signs nothing: /)
    const convicted = [{ name: 'beta-1', epoch: 0, height: 17 }]
    assert.match(
      said({}, { accused: ['beta-1'] })[0] ?? '',
      /^wrong - .* evidence, .* that beta-1 contradicted itself\./,
    )
    assert.deepEqual(
      said({}, { accused: ['beta-1'], convicted }).map((line) => line.slice(0, 71)),
      ['wrong - beta-1 contradicted itself in epoch 0: the evidence stands in b'],
    )
    assert.match(said({ mismatches: 1 })[0] ?? '', /^wrong RESULT_DIVERGED/)
    const order = 'ab'.repeat(32) as NodeHealth['erasures']['open'][number]['order']
    const open = (seconds: number): string =>
      said({ erasures: { open: [{ order, seconds, missing: ['delta-1'] }], count: 1, purgeFailure: null } })[0] ?? ''
    assert.match(open(60), /^note - 1 erasure order is not complete, the oldest for 60 s; missing: delta-1\.$/)
    assert.match(open(200_000), /^wrong - 1 erasure order .* 2 days; missing: delta-1/)
    const purge = said({ erasures: { open: [], count: 0, purgeFailure: 'PURGE_INCOMPLETE' } })
    assert.match(purge[0] ?? '', /^wrong PURGE_INCOMPLETE /)
  })

  it('notes round changes with their reason, other versions, and refused messages', () => {
    const last = [{ secondsAgo: 90, round: 4, leader: 'beta-1', reason: 'leader silent' as const }]
    assert.match(
      said({ rounds: { changes: { 'leader silent': 1 }, last } })[0] ?? '',
      /^note - The leader changed once within the last hour, last 90 s ago to beta-1 in round 4: leader silent\.$/,
    )
    assert.match(
      said({ peers: [{ ...peer, software: '0.2.0' }] })[0] ?? '',
      /^note - This node runs 0\.1\.0; beta-1 runs 0\.2\.0/,
    )
    assert.match(said({ refused: { SIGNATURE_INVALID: 3 } })[0] ?? '', /^note - 3 messages .*: 3 SIGNATURE_INVALID/)
  })
})

describe('quadrille doctor', function () {
  this.timeout(120_000)
  let place: Workplace
  const nodes = new Map<string, ChildProcess>()

  const begin = (id: string): void => {
    const child = place.begin('start', '--home', id, '--genesis', 'genesis.json')
    child.stdout?.resume()
    child.stderr?.resume()
    nodes.set(id, child)
  }

  before(async () => {
    place = await openWorkplace()
    await foundConsortium(place.folder)
    for (const id of memberIds) begin(id)
    const quorum = await place.run('status', '--home', 'acme', '--wait', 'quorum')
    assert.equal(quorum.code, 0, quorum.err)
  })

  after(async () => {
    for (const child of nodes.values()) child.kill('SIGKILL')
    await place.remove()
  })

  it('finds nothing wrong while all are there, then says who is missing, and exits with 1', async () => {
    await eventually('nothing is wrong', async () => {
      const { code, out } = await place.run('doctor', '--home', 'acme')
      return (code === 0 && out.startsWith('Nothing is wrong with acme-1 of acme on "Food Trace".')) || undefined
    })
    for (const id of ['gamma', 'delta']) {
      const gone = ended(nodes.get(id) ?? assert.fail())
      nodes.get(id)?.kill('SIGKILL')
      await gone
    }
    await eventually('the quorum is short', async () => {
      const { code, out } = await place.run('doctor', '--home', 'acme')
      return (
        (code === 1 &&
          /WRONG {2}QUORUM_AWAY: (?=.*gamma-1 \(gamma\))(?=.*delta-1 \(delta\)).*3 must agree: 1 more is needed/.test(
            out,
          )) ||
        undefined
      )
    })
    const { code, out } = await place.run('doctor', '--home', 'acme', '--json')
    const answer = JSON.parse(out) as {
      readonly healthy: boolean
      readonly findings: readonly { readonly next: string }[]
    }
    assert.deepEqual([code, answer.healthy], [1, false])
    assert.match(answer.findings[0]?.next ?? '', /^Call those who run them/)
  })

  it('says of a node that does not run that it could, and of one that does not answer that it is held', async () => {
    const stopped = await place.run('doctor', '--home', 'gamma')
    assert.equal(stopped.code, 1)
    assert.match(
      stopped.out,
      /^One thing is wrong with this node:\nWRONG {2}This node does not run\.\n +Start it with `quadrille start`\.\n/,
    )
    nodes.get('beta')?.kill('SIGSTOP')
    const held = await place.run('doctor', '--home', 'beta')
    nodes.get('beta')?.kill('SIGCONT')
    assert.equal(held.code, 1)
    assert.match(held.out, /NODE_UNREACHABLE: A process has this home open and does not answer/)
    const elsewhere = await place.run('doctor', '--endpoint', 'http://127.0.0.1:1')
    assert.equal(elsewhere.code, 1)
    assert.match(elsewhere.out, /NODE_UNREACHABLE/)
  })
})
