// The simulator itself: the same seed plays the same run, the toy survives, planted bugs do not.

import assert from 'node:assert/strict'
import { hunt, runCampaign, seedsFrom } from './campaign.ts'
import { mutants } from './mutants/toy.ts'
import { Random } from './random.ts'
import { simRoster } from './roster.ts'
import { play } from './run.ts'
import { toySign, toyVerify } from './signatures.ts'
import { VirtualTime } from './time.ts'
import { toySubject } from './toy.ts'
import { calm } from './weather.ts'

const campaign = { protocol: 'toy', subject: toySubject } as const

describe('The simulator', function () {
  this.timeout(60_000)

  it('plays the same run for the same seed, and another one for another seed', () => {
    const options = { subject: toySubject, nodes: 4, liars: 1 }
    const lines: string[] = []
    const first = play({ ...options, seed: 11, sink: (line) => lines.push(line) })
    assert.deepEqual(play({ ...options, seed: 11 }), first)
    assert.notEqual(play({ ...options, seed: 12 }).traceHash, first.traceHash)
    assert.ok(lines.length > 100, `${lines.length} events`)
  })

  it('brings the toy through loss, reordering, partitions, torn disks and crashes', () => {
    const result = runCampaign({ ...campaign, nodes: 4, liars: 0, seeds: seedsFrom(1, 8) })
    assert.equal(result.failures, 0)
    assert.ok(result.delivered > 8 * 5, `${result.delivered} batches`)
  })

  it('brings the toy through f liars besides, for n of 4, 5 and 7', () => {
    for (const [nodes, liars] of [
      [4, 1],
      [5, 1],
      [7, 2],
    ] as const) {
      const result = runCampaign({ ...campaign, nodes, liars, seeds: seedsFrom(100, 2) })
      assert.equal(result.failures, 0, `${nodes} nodes, ${liars} liars`)
    }
  })

  it('P17 a power cut at each boundary between two effects, in turn, breaks nothing', () => {
    const options = { subject: toySubject, nodes: 4, liars: 0, seed: 5, weather: calm }
    const quiet = play(options)
    assert.equal(quiet.failure, undefined)
    const step = Math.ceil(quiet.boundaries / 20)
    for (let crashAt = 0; crashAt < quiet.boundaries; crashAt += step) {
      const { failure } = play({ ...options, crashAt })
      assert.equal(failure, undefined, `boundary ${crashAt} of ${quiet.boundaries}`)
    }
  })

  for (const mutant of mutants) {
    it(`catches a toy that ${mutant.name}`, () => {
      const { seed, failure } = hunt(mutant, 4, 60)
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
