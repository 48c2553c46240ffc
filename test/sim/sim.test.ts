// The simulator itself: the same seed plays the same run, the toy survives, planted bugs do not.

import assert from 'node:assert/strict'
import type { Sequence, Time } from '../../src/base/ids.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import { actBytes } from './acts.ts'
import { hunt, runCampaign, seedsFrom, showsWith } from './campaign.ts'
import { drawParameters } from './drawing.ts'
import { genericLiars } from './liars.ts'
import { SimMachine } from './machine.ts'
import { mutants } from './mutants/toy.ts'
import { Random } from './random.ts'
import { simLedger, simMandate, simRoster, simValidator } from './roster.ts'
import { play } from './run.ts'
import { toySign, toyVerify } from './signatures.ts'
import { VirtualTime } from './time.ts'
import { type ToyMessage, toySubject } from './toy.ts'
import { lineOf, type TraceEvent } from './trace.ts'
import { calm } from './weather.ts'

const campaign = { protocol: 'toy', subject: toySubject } as const

describe('The simulator', function () {
  this.timeout(240_000)

  it('plays the same run for the same seed, and another one for another seed', () => {
    const options = { subject: toySubject, nodes: 4, liars: 1 }
    const lines: string[] = []
    const first = play({ ...options, seed: 11, sink: (event) => lines.length < 300 && lines.push(lineOf(event)) })
    assert.deepEqual(play({ ...options, seed: 11 }), first)
    assert.notEqual(play({ ...options, seed: 12 }).traceHash, first.traceHash)
    assert.equal(lines.length, 300)
    assert.ok(lines.some((line) => / n\d +receive from n0\d: \{"type":/.test(line)))
  })

  it('brings the toy through a storm that leaves nothing out: every kind of mishap and of liar turns up', () => {
    const happened = new Set<string>()
    const sink = ({ what, detail }: TraceEvent): void => {
      happened.add(what)
      if (what === 'crashes' || what === 'lies:') happened.add(`${what} ${detail}`)
    }
    for (const seed of seedsFrom(5, 6)) {
      assert.equal(play({ subject: toySubject, nodes: 4, liars: 0, seed, sink }).failure, undefined, `seed ${seed}`)
    }
    for (const lie of genericLiars<ToyMessage>()) {
      const { failure } = play({ subject: toySubject, nodes: 4, liars: 1, seed: 1, lies: [lie], sink })
      assert.equal(failure, undefined, lie.name)
    }
    const events = ['starts', 'saved', 'delivers', 'applied', 'final', 'fetches', 'installed', 'fetchFailed', 'forgery']
    const crashes = ['before send', 'before deliver', 'while it saves', 'at the end of a turn', 'for good']
    const lies = genericLiars().map(({ name }) => name)
    const expected = [...events, ...crashes.map((where) => `crashes ${where}`), ...lies.map((lie) => `lies: ${lie}`)]
    assert.deepEqual(
      expected.filter((what) => !happened.has(what)),
      [],
    )
  })

  it('brings the toy through f liars of 5 and of 7', () => {
    for (const [nodes, liars] of [
      [5, 1],
      [7, 2],
    ] as const) {
      const result = runCampaign({ ...campaign, nodes, liars, seeds: seedsFrom(100, 2) })
      assert.equal(result.failures, 0, `${nodes} nodes, ${liars} liars`)
      assert.ok(result.delivered > 10, `${result.delivered} batches`)
    }
  })

  it('P17 a power cut at each boundary between two effects, in turn, breaks nothing', () => {
    const options = { subject: toySubject, nodes: 4, liars: 0, seed: 5, weather: calm }
    const quiet = play(options)
    assert.equal(quiet.failure, undefined)
    const step = Math.ceil(quiet.boundaries / 8)
    for (let crashAt = 0; crashAt < quiet.boundaries; crashAt += step) {
      const { failure } = play({ ...options, crashAt })
      assert.equal(failure, undefined, `boundary ${crashAt} of ${quiet.boundaries}`)
    }
  })

  for (const mutant of mutants) {
    it(`catches a toy that ${mutant.name}`, () => {
      const { seed, failure } = hunt(mutant, 4, 300, showsWith[mutant.name])
      assert.ok(seed !== undefined)
      assert.doesNotMatch(failure, /core threw/)
    })
  }

  it('refuses more liars than the protocol can survive', () => {
    assert.throws(() => play({ subject: toySubject, nodes: 4, liars: 2, seed: 1 }), RangeError)
  })
})

describe('The parts of the simulator', () => {
  it('give equal numbers for equal seeds, and other numbers for each fork', () => {
    const draw = (random: Random): readonly number[] => Array.from({ length: 20 }, () => random.below(1000))
    assert.deepEqual(draw(new Random(7)), draw(new Random(7)))
    assert.notDeepEqual(draw(new Random(7)), draw(new Random(8)))
    assert.notDeepEqual(draw(new Random(7).fork('a')), draw(new Random(7).fork('b')))
    const even = draw(new Random(3)).every((number) => number >= 0 && number < 1000)
    assert.ok(even)
  })

  it('let things happen in order of time, and in the order asked for within a millisecond', () => {
    const time = new VirtualTime()
    const random = new Random(1)
    const asked = Array.from({ length: 200 }, (_, order) => ({ at: random.below(50), order }))
    const happened: { at: number; order: number }[] = []
    for (const each of asked) time.after(each.at, () => happened.push(each))
    while (time.advance(1_000));
    assert.deepEqual(
      happened,
      [...asked].sort((a, b) => a.at - b.at || a.order - b.order),
    )
  })

  it('let an act come into force after the first checkpoint at or above s + window, and later acts join it', () => {
    const parameters = { ...drawParameters(new Random(1)), checkpointInterval: 4, window: 8 }
    const machine = new SimMachine(simLedger, simMandate(simRoster(4), parameters))
    const acts = new Map([
      [3, actBytes({ join: [[4, 5]], leave: [0] })],
      [5, actBytes({ join: [[1, 77]], parameters: { window: 16 } })],
      [6, actBytes({ leave: [1, 2] })],
    ])
    for (let sequence = 1; sequence <= 13; sequence++) {
      const batch = { time: 0 as Time, tokens: [], transactions: [acts.get(sequence) ?? new Uint8Array([1, sequence])] }
      const about = { ledger: simLedger, epoch: 0, round: 0, sequence, digest: batchDigest(batch) } as never
      machine.execute(sequence as Sequence, batch, { type: 'pbft', agreement: about, signatures: [] })
      const { roster, until, since } = machine.mandate
      assert.deepEqual(
        [roster.epoch, since, until],
        sequence < 12 ? [0, 0, sequence < 3 ? undefined : 12] : [1, 12, undefined],
        `${sequence}`,
      )
    }
    const { roster, parameters: later } = machine.mandate
    assert.deepEqual(roster.validators, [simValidator(1, 77), simValidator(2), simValidator(3), simValidator(4)])
    assert.equal(later.window, 16)
    assert.deepEqual(
      machine.records(0 as Sequence, 13 as Sequence).map(({ header }) => header.epoch),
      [...Array.from({ length: 12 }, () => 0), 1],
    )
  })

  it('sign so that neither another key, domain nor message verifies', () => {
    const [a, b] = simRoster(4).validators.map(({ key }) => key) as [Uint8Array, Uint8Array]
    const message = new Uint8Array([1, 2, 3])
    const signature = toySign(a, 'commit', message)
    assert.equal(signature.length, 64)
    assert.ok(toyVerify('commit', message, signature, a))
    assert.ok(!toyVerify('commit', message, signature, b))
    assert.ok(!toyVerify('prepare', message, signature, a))
    assert.ok(!toyVerify('commit', new Uint8Array([1, 2, 4]), signature, a))
    assert.ok(!toyVerify('commit', new Uint8Array([1, 2, 3, 0]), signature, a))
  })
})
