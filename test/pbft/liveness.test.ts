// Attacks on liveness and load, by their numbers, against one replica. What takes many replicas and time is in test/sim.

import assert from 'node:assert/strict'
import type { Epoch, Sequence, View } from '../../src/base/ids.ts'
import { batchDigest, requestId } from '../../src/consensus/batch.ts'
import type { PbftMessage } from '../../src/pbft/messages.ts'
import { readRecord } from '../../src/pbft/records.ts'
import { batchOf, only, Puppet, parameters, sent, someDigest, transaction } from './puppet.ts'

const status = (
  delivered: number,
  changed: Partial<{ view: number; active: boolean; stable: number; final: number; help: boolean }> = {},
): PbftMessage => ({
  type: 'status',
  epoch: 0 as Epoch,
  view: (changed.view ?? 0) as View,
  active: changed.active ?? true,
  delivered: delivered as Sequence,
  final: (changed.final ?? delivered) as Sequence,
  stable: (changed.stable ?? 0) as Sequence,
  help: changed.help ?? true,
})

describe('PBFT under attacks on liveness', () => {
  it('L1 a request goes to the leader, then to everybody, and a leader that orders only others loses its view', () => {
    const puppet = new Puppet()
    const [first] = only(puppet.request('ignored'), 'send')
    assert.equal(first?.to, puppet.node(0))
    assert.deepEqual(first.carries, [requestId(transaction('ignored'))])
    const told = new Set(
      only(puppet.tick(1_000), 'send').flatMap(({ to, message }) => (message.type === 'request' ? [to] : [])),
    )
    assert.deepEqual(
      [...told].sort(),
      puppet.others().map((place) => puppet.node(place)),
    )
    let sequence = 1
    for (let ms = 0; ms < 10 * parameters.suspectMs && puppet.core.status().state === 'normal'; ms += 500) {
      puppet.agree(0, sequence, batchOf(puppet, `of another client ${sequence++}`))
      for (const place of [0, 2, 3]) {
        puppet.receive(place, { type: 'result', signed: puppet.result(place, sequence - 1) })
      }
      puppet.tick(500)
    }
    assert.equal(puppet.core.status().state, 'changing')
  })

  it('L2 a request that came after its proposal, or after its delivery, suspects nobody', () => {
    const puppet = new Puppet()
    puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'early')))
    puppet.request('early')
    puppet.agree(0, 1, batchOf(puppet, 'early'))
    puppet.request('early')
    assert.equal(puppet.core.status().waiting, 0)
    puppet.tick(5 * parameters.suspectMs)
    assert.equal(puppet.core.status().state, 'normal')
  })

  it('L3 a request is proposed once, however often and from whomever it comes, in later views and after delivery', () => {
    const puppet = new Puppet(0)
    const proposed = sent([...puppet.request('once'), ...puppet.request('once')], 'pre-prepare')
    assert.equal(proposed.length, 1)
    const again = puppet.receive(2, { type: 'request', transactions: [transaction('once')] })
    assert.equal(sent(again, 'pre-prepare').length, 0)
    const digest = proposed[0]?.vote.digest ?? someDigest('')
    for (const place of [1, 2]) puppet.receive(place, puppet.prepare(place, 0, 1, digest))
    for (const place of [1, 2]) puppet.receive(place, puppet.commit(place, 0, 1, digest))
    assert.equal(puppet.core.status().delivered, 1)
    assert.equal(sent(puppet.request('once'), 'pre-prepare').length, 0)
    puppet.restart()
    assert.equal(sent(puppet.request('once'), 'pre-prepare').length, 0, 'the journal remembers')
  })

  it('L4 request 5 before request 4 of one client: both are ordered', () => {
    const puppet = new Puppet(0)
    const texts = sent([...puppet.request('5'), ...puppet.request('4')], 'pre-prepare').flatMap(
      ({ batch }) => batch.transactions,
    )
    assert.deepEqual(texts, [transaction('5'), transaction('4')])
  })

  it('L6 a leader cannot be blamed for what it was given: invalid batches are refused before a vote, and only then', () => {
    const puppet = new Puppet()
    puppet.helpful = false
    const [asked] = only(puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'bad'))), 'check')
    assert.ok(asked !== undefined)
    const effects = puppet.give({ type: 'checked', token: asked.token, verdict: 'invalid' })
    assert.equal(only(effects, 'refuse')[0]?.code, 'PROPOSAL_INVALID')
    assert.equal(sent(effects, 'prepare').length, 0)
    assert.deepEqual(puppet.give({ type: 'checked', token: 99, verdict: 'valid' }), [])
  })

  it('L8 a view change for a view far ahead moves nobody, and each validator has one slot', () => {
    const puppet = new Puppet()
    for (let i = 0; i < 100; i++) {
      const effects = puppet.receive(3, { type: 'view-change', change: puppet.viewChange(3, 10 ** 9 + i) })
      assert.deepEqual(effects, [])
    }
    assert.equal(puppet.core.status().round, 0)
    puppet.receive(2, { type: 'view-change', change: puppet.viewChange(2, 3) })
    assert.equal(puppet.core.status().round, 3, 'the least of f+1 wishes is a correct one')
  })

  it('L9 a view change that came already costs nothing again', () => {
    const puppet = new Puppet()
    const prepared = Array.from({ length: 8 }, (_, i) => puppet.prepared(0, i + 1, someDigest(`${i}`)))
    const message: PbftMessage = { type: 'view-change', change: puppet.viewChange(3, 1, prepared) }
    puppet.receive(3, message)
    for (let i = 0; i < 50; i++) assert.deepEqual(puppet.receive(3, message), [])
  })

  it('L10 the time for a leader doubles only after f+1 failed in a row, has a cap, and progress resets it', () => {
    const puppet = new Puppet()
    const waits: number[] = []
    puppet.request('never ordered')
    while (waits.length < 14) {
      const view = puppet.core.status().round
      const [led, wanted] = [view % 4 === 1, view % 4 === 1 ? view + 1 : view]
      // Nobody begins a view here; the replica's own turn is passed over by the others.
      for (const place of view === 0 ? [] : puppet.others()) {
        puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, wanted) })
      }
      if (led) continue
      const began = puppet.now
      for (let ms = 0; ms < 60_000 && puppet.core.status().round === view; ms += 100) puppet.tick(100)
      waits.push(puppet.now - began)
    }
    assert.ok((waits[0] ?? 0) <= parameters.suspectMs + 200, `${waits}`)
    assert.ok(Math.max(...waits) <= parameters.suspectMsMax + 200, `${waits}`)
    assert.ok(Math.max(...waits) > 2 * parameters.suspectMs, `${waits}`)
    const [view, before] = [puppet.core.status().round, puppet.core.status().delivered]
    const leader = view % 4 === 1 ? view + 1 : view
    puppet.enter(leader)
    puppet.agree(leader, before + 1, batchOf(puppet, 'progress'))
    const began = puppet.now
    for (let ms = 0; ms < 60_000 && puppet.core.status().round === leader; ms += 100) puppet.tick(100)
    assert.ok(puppet.now - began <= parameters.suspectMs + 200, `${puppet.now - began} ms after progress`)
  })

  it('L12 a replica whose timer did not run joins when f+1 left', () => {
    const puppet = new Puppet()
    assert.deepEqual(puppet.receive(2, { type: 'view-change', change: puppet.viewChange(2, 1) }), [])
    const effects = puppet.receive(3, { type: 'view-change', change: puppet.viewChange(3, 1) })
    assert.equal(sent(effects, 'view-change')[0]?.change.signer, puppet.self)
  })

  it('L12 a NEW-VIEW counts for its leader when nobody has its view changes any more', () => {
    const puppet = new Puppet(0)
    const newView = puppet.newView(
      1,
      [1, 2, 3].map((place) => puppet.viewChange(place, 1)),
    )
    const asked = puppet.receive(1, { type: 'new-view', newView })
    assert.deepEqual([sent(asked, 'view-change').length, puppet.core.status().round], [0, 0], 'one may lie')
    const effects = puppet.receive(3, { type: 'view-change', change: puppet.viewChange(3, 2) })
    assert.equal(sent(effects, 'view-change')[0]?.change.view, 1)
    const late = puppet.tick(parameters.suspectMs)
    assert.equal(sent(late, 'view-change').at(-1)?.change.view, 2, 'a quorum left, and view 1 does not begin')
  })

  it('L13 view changes that a new view names are fetched by digest, from whoever has them', () => {
    const puppet = new Puppet(3)
    const batch = batchOf(puppet, 'a')
    const changes = [0, 1, 2].map((place) => puppet.viewChange(place, 1, [puppet.prepared(0, 1, batchDigest(batch))]))
    const effects = puppet.receive(1, { type: 'new-view', newView: puppet.newView(1, changes) })
    const [want] = sent(effects, 'want')
    assert.equal(want?.changes.length, 3)
    assert.equal(puppet.core.status().round, 0)
    for (const change of changes) puppet.receive(2, { type: 'view-change', change })
    assert.deepEqual([puppet.core.status().round, puppet.core.status().state], [1, 'normal'])
    const served = puppet.receive(2, { type: 'want', changes: want.changes, batches: [] })
    assert.equal(sent(served, 'view-change').length, 3, 'and it serves them in turn')
  })

  it('L13 a new view that f+1 peers entered is believed without its view changes', () => {
    const puppet = new Puppet(3)
    const newView = puppet.newView(
      1,
      [0, 1, 2].map((place) => puppet.viewChange(place, 1)),
    )
    puppet.receive(1, { type: 'new-view', newView })
    assert.equal(puppet.core.status().round, 0)
    puppet.receive(2, { type: 'new-view', newView })
    assert.deepEqual([puppet.core.status().round, puppet.core.status().state], [1, 'normal'])
  })

  it('L14 a restart in the middle of a view change resumes with the saved view and the same VIEW-CHANGE', () => {
    const puppet = new Puppet()
    puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'a')))
    puppet.receive(2, puppet.prepare(2, 0, 1, batchDigest(batchOf(puppet, 'a'))))
    const [before] = sent(
      [2, 3].flatMap((place) => [
        ...puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, 6) }),
      ]),
      'view-change',
    )
    assert.equal(before?.change.prepared.length, 1)
    puppet.restart()
    assert.deepEqual([puppet.core.status().round, puppet.core.status().state], [6, 'changing'])
    const [after] = sent(puppet.tick(500), 'view-change')
    assert.deepEqual(after?.change, before?.change)
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 2, batchOf(puppet, 'b'))), 'prepare').length, 0)
  })

  it('L16 a proposal above the high watermark waits for the stable checkpoint and is not lost', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 8; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    const early = batchOf(puppet, 'early')
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 9, early)), 'prepare').length, 0)
    puppet.receive(2, { type: 'certified', certificate: puppet.certificate(8, [0, 2, 3]) })
    assert.equal(sent(puppet.tick(100), 'prepare')[0]?.vote.sequence, 9)
  })

  it('L17 a leader that jumps to the high end of the window gets no vote', () => {
    const puppet = new Puppet()
    for (const sequence of [8, 7, 5, 3]) {
      const effects = puppet.receive(0, puppet.prePrepare(0, sequence, batchOf(puppet, `${sequence}`)))
      assert.equal(sent(effects, 'prepare').length, 0)
    }
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, '1'))), 'prepare').length, 1)
    const rest = puppet.receive(0, puppet.prePrepare(0, 2, batchOf(puppet, '2')))
    assert.deepEqual(
      sent(rest, 'prepare')
        .map(({ vote }) => vote.sequence)
        .sort(),
      [2, 3],
      'up to the gap',
    )
  })

  it('L28 an unmet PREPARE, COMMIT and RESULT is sent again byte for byte until it is met', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'a')
    const digest = batchDigest(batch)
    const [prepare] = sent(puppet.receive(0, puppet.prePrepare(0, 1, batch)), 'prepare')
    assert.deepEqual(sent(puppet.tick(400), 'prepare'), [prepare])
    const [commit] = sent(puppet.receive(2, puppet.prepare(2, 0, 1, digest)), 'commit')
    assert.deepEqual(sent(puppet.tick(400), 'commit'), [commit])
    const delivered = [0, 2].flatMap((place) => [...puppet.receive(place, puppet.commit(place, 0, 1, digest))])
    const [result] = sent(delivered, 'result')
    assert.deepEqual(sent(puppet.tick(400), 'result')[0], result)
    assert.equal(sent(puppet.tick(400), 'commit').length, 0, 'what is delivered is met')
    puppet.restart()
    assert.deepEqual(sent(puppet.tick(600), 'result')[0], result)
  })

  it('L28 a peer that lags is helped with proofs, and not more often than it asks', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 6; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    const effects = puppet.receive(3, status(2, { final: 0 }))
    assert.deepEqual(
      sent(effects, 'decided').map(({ certificate }) => certificate.agreement.sequence),
      [3, 4, 5, 6],
    )
    assert.deepEqual(puppet.receive(3, status(2, { final: 0 })), [])
  })

  it('L19 nothing is fetched for the word of f validators, however far ahead they claim to be, and all goes on', () => {
    const puppet = new Puppet()
    const claim = status(Number.MAX_SAFE_INTEGER)
    for (let sequence = 1; sequence <= 3; sequence++) {
      puppet.receive(3, claim)
      assert.equal(only(puppet.tick(3_000), 'fetch').length, 0)
      assert.equal(puppet.core.status().state, 'normal')
      assert.equal(only(puppet.agree(0, sequence, batchOf(puppet, `${sequence}`)), 'deliver').length, 1)
    }
    puppet.receive(3, claim)
    puppet.request('never ordered')
    puppet.tick(2 * parameters.suspectMs)
    assert.equal(puppet.core.status().state, 'changing', 'a silent leader is still suspected')
  })

  it('L19 the word of f+1 is fetched for, no further than the least of them and the window, while batches are delivered', () => {
    const puppet = new Puppet()
    puppet.receive(3, status(Number.MAX_SAFE_INTEGER))
    puppet.receive(2, status(3))
    const [first] = only(puppet.tick(3_000), 'fetch')
    assert.equal(first?.sequence, 3)
    assert.equal(only(puppet.agree(0, 1, batchOf(puppet, 'a')), 'deliver').length, 1)
    const far = new Puppet()
    for (const place of [2, 3]) far.receive(place, status(1_000))
    assert.equal(only(far.tick(3_000), 'fetch')[0]?.sequence, parameters.window)
  })

  it('L19 a fetch that failed is tried again later and later, with another source first, and excuses no leader', () => {
    const puppet = new Puppet()
    for (const place of [2, 3]) puppet.receive(place, status(3))
    const [firsts, waits]: [Set<unknown>, number[]] = [new Set(), []]
    let since = puppet.now
    while (waits.length < 5) {
      for (const fetch of only(puppet.tick(100), 'fetch')) {
        firsts.add(fetch.from[0])
        waits.push(puppet.now - since)
        since = puppet.now
        puppet.give({ type: 'fetchFailed', token: fetch.token })
      }
    }
    assert.equal(firsts.size, 2)
    assert.ok((waits[4] ?? 0) >= 4 * (waits[1] ?? 0), `${waits}`)
    const silent = new Puppet()
    for (const place of [2, 3]) silent.receive(place, status(3))
    silent.request('never ordered')
    for (const { token } of only(silent.tick(1_300), 'fetch')) silent.give({ type: 'fetchFailed', token })
    assert.equal(sent(silent.tick(200), 'view-change').length, 1)
  })

  it('L28 after a restart, votes on what is executed here help those who lack it: its certificate is in the block only', () => {
    const puppet = new Puppet()
    puppet.agree(0, 1, batchOf(puppet, 'a'))
    puppet.restart()
    const effects = puppet.receive(3, status(0))
    assert.deepEqual(
      [...sent(effects, 'prepare'), ...sent(effects, 'commit')].map(({ vote }) => vote.sequence),
      [1, 1],
    )
  })

  it('L28 a checkpoint that was executed, and a block after it, before a result was saved: both are signed after a restart', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 5; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    const unsaved = puppet.journal.findIndex((record) => {
      const read = readRecord(record)
      return read.type === 'result' && read.signed.result.sequence === 4
    })
    puppet.effects.length = 0
    puppet.restart(puppet.journal.slice(0, unsaved))
    assert.deepEqual(
      sent(puppet.effects, 'result').map(({ signed }) => signed.result.sequence),
      [4, 5],
    )
  })

  it('L28 a fetch over a checkpoint and beyond signs both, and what it brought before it failed, too', () => {
    const ahead = new Puppet(3)
    for (let sequence = 1; sequence <= 5; sequence++) ahead.agree(0, sequence, batchOf(ahead, `${sequence}`))
    const puppet = new Puppet()
    for (const place of [2, 3]) puppet.receive(place, status(7))
    const [fetch] = only(puppet.tick(3_000), 'fetch')
    assert.ok(fetch !== undefined)
    const { applied: outcome, checkpoint, mandate } = ahead.machine
    const effects = puppet.give({ type: 'installed', outcome, checkpoint, mandate })
    assert.deepEqual(
      sent(effects, 'result').map(({ signed }) => signed.result.sequence),
      [4, 5],
    )
    assert.equal(puppet.core.status().state, 'recovering', 'the rest is on its way')
    puppet.give({ type: 'fetchFailed', token: fetch.token })
    assert.equal(puppet.core.status().state, 'normal')
  })

  it('L19 a replica that comes late to an idle ledger gets the certified checkpoint, and fetches', () => {
    const early = new Puppet()
    for (let sequence = 1; sequence <= 4; sequence++) early.agree(0, sequence, batchOf(early, `${sequence}`))
    early.receive(2, { type: 'certified', certificate: early.certificate(4, [0, 2, 3]) })
    const [certified] = sent(early.receive(3, status(0)), 'certified')
    assert.ok(certified !== undefined)
    const late = new Puppet(3)
    late.receive(1, certified)
    const [fetch] = only(late.tick(1_000), 'fetch')
    assert.equal(fetch?.sequence, 4)
    assert.deepEqual(fetch.checkpoint, certified.certificate.result.checkpoint)
    const failed = late.give({ type: 'fetchFailed', token: fetch.token })
    assert.deepEqual(failed, [])
    assert.equal(only(late.tick(1_000), 'fetch').length, 1, 'and tries again')
  })

  it('answers TOO_BUSY when as many requests wait as may, for its own clients and for each peer apart', () => {
    const puppet = new Puppet()
    for (let i = 0; i < parameters.requestsMax; i++) assert.equal(only(puppet.request(`${i}`), 'reject').length, 0)
    assert.equal(only(puppet.request('one more'), 'reject')[0]?.code, 'TOO_BUSY')
    for (let i = 0; i < 100; i++) puppet.receive(2, { type: 'request', transactions: [transaction(`of 2: ${i}`)] })
    assert.equal(puppet.core.status().waiting, 2 * parameters.requestsMax)
  })

  it('takes turns between those who asked, so that a flood from one does not starve the others', () => {
    const puppet = new Puppet(0)
    const { batchTransactionsMax, pipelineMax } = parameters
    const several = (name: string, count: number): readonly Uint8Array[] =>
      Array.from({ length: count }, (_, i) => transaction(`${name} ${i}`))
    for (let i = 0; i < 2; i++) puppet.request(`fills the pipeline ${i}`)
    for (const name of ['full', 'full too']) {
      puppet.receive(3, { type: 'request', transactions: several(name, batchTransactionsMax) })
    }
    assert.equal(sent(puppet.effects, 'pre-prepare').length, pipelineMax)
    puppet.receive(1, { type: 'request', transactions: several('flood', 12) })
    puppet.receive(2, { type: 'request', transactions: [transaction('alone')] })
    const digest = sent(puppet.effects, 'pre-prepare')[0]?.vote.digest ?? someDigest('')
    for (const place of [1, 2]) puppet.receive(place, puppet.prepare(place, 0, 1, digest))
    const effects = [1, 2].flatMap((place) => [...puppet.receive(place, puppet.commit(place, 0, 1, digest))])
    const [next] = sent(effects, 'pre-prepare')
    assert.ok(next?.batch.transactions.some((bytes) => String(bytes) === String(transaction('alone'))))
  })
})
