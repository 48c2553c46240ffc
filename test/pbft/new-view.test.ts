// What a new view carries over: the pure rule over every quorum, and what a backup believes of a leader that says otherwise.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Digest, Sequence, View } from '../../src/base/ids.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import { byzantineQuorum, faultsMax } from '../../src/consensus/quorum.ts'
import type { PreparedCertificate, ViewChange } from '../../src/pbft/messages.ts'
import { computeO } from '../../src/pbft/new-view.ts'
import { nullDigest } from '../../src/pbft/state.ts'
import { batchOf, only, Puppet, sent, someDigest } from './puppet.ts'

function subsets<T>(of: readonly T[], size: number): readonly (readonly T[])[] {
  if (size === 0) return [[]]
  return of.flatMap((first, i) => subsets(of.slice(i + 1), size - 1).map((rest) => [first, ...rest]))
}

const genesis = 0 as Sequence

const digestsOf = (changes: readonly ViewChange[]): readonly Digest[] =>
  computeO(changes, nullDigest, genesis).proposals.map(({ digest }) => digest)

const [a, b, c] = ['a', 'b', 'c'].map(someDigest) as [Digest, Digest, Digest]

describe('What a new view carries over', () => {
  it('P5 a committed batch is proposed again, whichever quorum commits and whichever shows view changes, for n of 4 to 8', () => {
    for (const n of [4, 5, 6, 7, 8]) {
      const puppet = new Puppet(1, n)
      const [q, f] = [byzantineQuorum(n), faultsMax(n)]
      const all = puppet.nodes.map((_, place) => place)
      const empty = all.map((place) => puppet.viewChange(place, 1))
      const showing = all.map((place) => puppet.viewChange(place, 1, [puppet.prepared(0, 1, a)]))
      for (const committers of subsets(all, q)) {
        // Any f of those who committed lie and show nothing; nobody else prepared it.
        for (const liars of subsets(committers, f)) {
          const shows = (place: number): boolean => committers.includes(place) && !liars.includes(place)
          const changes = all.map((place) => (shows(place) ? showing : empty)[place] as ViewChange)
          for (const picked of subsets(changes, q)) assert.deepEqual(digestsOf(picked), [a])
        }
      }
    }
  })

  it('P4 of several certificates for one sequence the one of the highest view wins', () => {
    const puppet = new Puppet()
    const stale = puppet.viewChange(0, 3, [puppet.prepared(0, 1, a)])
    const later = puppet.viewChange(2, 3, [puppet.prepared(1, 1, b)])
    const latest = puppet.viewChange(3, 3, [puppet.prepared(2, 1, c)])
    for (const order of [
      [stale, later, latest],
      [latest, later, stale],
      [later, latest, stale],
    ]) {
      assert.deepEqual(digestsOf(order), [c])
    }
  })

  it('P6 a committed s+1 stays although s alone was prepared again in a later view', () => {
    const puppet = new Puppet()
    const committed = [puppet.prepared(0, 1, a), puppet.prepared(0, 2, b)]
    const again = [puppet.prepared(2, 1, a), puppet.prepared(0, 2, b)]
    const changes = [puppet.viewChange(0, 3, committed), puppet.viewChange(2, 3, again), puppet.viewChange(3, 3, [])]
    assert.deepEqual(digestsOf(changes), [a, b])
  })

  it('P12 gaps become null batches, and the order has no gap', () => {
    const puppet = new Puppet()
    const changes = [0, 2, 3].map((place) => puppet.viewChange(place, 1, [puppet.prepared(0, 3, a)]))
    const { proposals } = computeO(changes, nullDigest, genesis)
    assert.deepEqual(
      proposals.map(({ sequence, digest }) => [sequence, digest]),
      [
        [1, nullDigest],
        [2, nullDigest],
        [3, a],
      ],
    )
  })

  it('begins after the latest stable checkpoint that any view change proves, and never carries over what is below', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 4; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    const stable = puppet.certificate(4, [0, 2, 3])
    const changes = [
      puppet.viewChange(0, 1, [puppet.prepared(0, 3, a), puppet.prepared(0, 5, b)]),
      puppet.viewChange(2, 1, [], [stable]),
      puppet.viewChange(3, 1),
    ]
    const { from, proposals } = computeO(changes, nullDigest, genesis)
    assert.equal(from, 4)
    assert.deepEqual(proposals, [{ sequence: 5, digest: b }])
  })

  it('P14 over random histories of views: once a quorum committed a batch no later view can carry over another', () => {
    const history = fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 6 })
    const picks = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 })
    fc.assert(
      fc.property(history, picks, (views, lacking) => {
        const puppet = new Puppet()
        const held: PreparedCertificate[][] = [[], [], [], []]
        let carried: Digest | undefined
        let committed: Digest | undefined
        for (const [view, prepares] of views.entries()) {
          // The rule decides what this view proposes at sequence 1; a free leader proposes something of its own.
          if (view > 0) {
            const changes = held.map((prepared, place) => puppet.viewChange(place, view, prepared))
            carried = digestsOf(changes.filter((_, place) => place !== lacking[view]))[0]
          }
          const digest = carried ?? someDigest(`of view ${view}`)
          if (committed !== undefined) assert.equal(digest, committed)
          for (const [place, does] of prepares.entries()) if (does) held[place] = [puppet.prepared(view, 1, digest)]
          if (prepares.filter(Boolean).length >= puppet.q) committed ??= digest
        }
      }),
      { seed: 4, numRuns: 200 },
    )
  })

  it('P4 a backup recomputes what a new view carries over and refuses a leader that says otherwise', () => {
    for (const wrong of [[], [nullDigest], [b], [a, b]]) {
      const puppet = new Puppet()
      const changes = [0, 2, 3].map((place) => puppet.viewChange(place, 2, [puppet.prepared(0, 1, a)]))
      for (const [i, change] of changes.entries())
        puppet.receive([0, 2, 3][i] as number, { type: 'view-change', change })
      const effects = puppet.receive(2, { type: 'new-view', newView: puppet.newView(2, changes, wrong) })
      assert.equal(only(effects, 'refuse')[0]?.code, 'VIEW_UNJUSTIFIED')
      assert.equal(puppet.core.status().state, 'changing')
      assert.equal(sent(effects, 'prepare').length, 0)
      const [next] = sent(puppet.tick(200), 'view-change')
      assert.equal(next?.change.view, 3, 'it goes on at once')
    }
  })

  it('refuses a new view by less than a quorum, by one that does not lead it, or with a validator twice', () => {
    const puppet = new Puppet()
    const changes = [0, 2, 3].map((place) => puppet.viewChange(place, 2))
    const good = puppet.newView(2, changes)
    const [first, second] = changes as [ViewChange, ViewChange]
    for (const wrong of [puppet.newView(2, [first, second]), puppet.newView(2, [first, first, second])]) {
      const effects = puppet.receive(2, { type: 'new-view', newView: wrong })
      assert.equal(only(effects, 'refuse')[0]?.code, 'VIEW_UNJUSTIFIED')
    }
    assert.ok(!puppet.verifies({ type: 'new-view', newView: { ...good, signer: puppet.node(3) } }))
    assert.ok(!puppet.verifies({ type: 'new-view', newView: { ...good, view: 6 as View } }))
  })

  it('L15 a view change ends although only one replica can prove the stable checkpoint', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 5; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    const last = puppet.prepared(0, 5, batchDigest(batchOf(puppet, '5')))
    const changes = [
      puppet.viewChange(0, 2, [last], [puppet.certificate(4, [0, 2, 3])]),
      puppet.viewChange(2, 2),
      puppet.viewChange(3, 2),
    ]
    assert.equal(puppet.core.status().stable, 0)
    for (const [i, change] of changes.entries()) puppet.receive([0, 2, 3][i] as number, { type: 'view-change', change })
    const effects = puppet.receive(2, { type: 'new-view', newView: puppet.newView(2, changes) })
    assert.deepEqual([puppet.core.status().stable, puppet.core.status().state], [4, 'normal'])
    assert.deepEqual(
      sent(effects, 'prepare').map(({ vote }) => vote.sequence),
      [5],
    )
  })

  it('P13 two on A, one on B, one silent: a later view decides', () => {
    const puppet = new Puppet()
    const [batchA, batchB] = [batchOf(puppet, 'A'), batchOf(puppet, 'B')]
    puppet.receive(0, puppet.prePrepare(0, 1, batchA))
    puppet.receive(2, puppet.prepare(2, 0, 1, batchDigest(batchB)))
    const effects = puppet.enter(2)
    assert.equal(puppet.core.status().state, 'normal')
    assert.equal(sent(effects, 'prepare').length, 0, 'neither had prepared')
    assert.equal(only(puppet.agree(2, 1, batchB), 'deliver').length, 1)
  })

  it('P15 a certificate that only a slow replica holds is carried over by the first view that hears of it', () => {
    const puppet = new Puppet()
    const without = [0, 2, 3].map((place) => puppet.viewChange(place, 2))
    assert.deepEqual(digestsOf(without), [])
    const slow = puppet.viewChange(3, 5, [puppet.prepared(0, 1, a)])
    const changes = [puppet.viewChange(0, 5), puppet.viewChange(2, 5), slow]
    assert.deepEqual(digestsOf(changes), [a])
  })

  it('refuses a view change that shows a certificate with too few signers, of the wrong leader, of its own view, or twice', () => {
    const good = (puppet: Puppet): PreparedCertificate => puppet.prepared(0, 1, a)
    const spoil: readonly ((puppet: Puppet) => readonly PreparedCertificate[])[] = [
      (puppet) => [puppet.prepared(0, 1, a, [2])],
      (puppet) => [puppet.prepared(0, 1, a, [2, 2])],
      (puppet) => [puppet.prepared(0, 1, a, [0, 2])],
      (puppet) => [{ ...good(puppet), proposal: puppet.prepared(1, 1, a).proposal }],
      (puppet) => [puppet.prepared(2, 1, a)],
      (puppet) => [good(puppet), good(puppet)],
      (puppet) => [puppet.prepared(0, 9, a)],
    ]
    for (const [i, make] of spoil.entries()) {
      const puppet = new Puppet()
      const change = puppet.viewChange(3, 2, make(puppet))
      const message = { type: 'view-change', change } as const
      const effects = puppet.receive(3, message)
      if (puppet.verifies(message)) assert.equal(only(effects, 'refuse')[0]?.code, 'MALFORMED', `case ${i}`)
      else assert.deepEqual(effects, [])
    }
  })
})
