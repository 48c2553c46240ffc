// Four real nodes agree: sockets, fsync, signatures and stores as in production, one process for speed.

import assert from 'node:assert/strict'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LedgerError } from '../../src/base/errors.ts'
import { homeAt } from '../../src/node/home.ts'
import type { QuadrilleNode, Submission } from '../../src/node/node.ts'
import { enrol, type Founded, foundFour, personalGraph, settled, statement } from './consortium.ts'

describe('Four nodes', function () {
  this.timeout(60_000)
  let founded: Founded
  let nodes: QuadrilleNode[]

  const submit = async (node: QuadrilleNode, sequence: number, options = {}): Promise<Submission> => {
    const { bytes, payload } = await statement(founded, sequence, options)
    return node.submit(bytes, payload, AbortSignal.timeout(20_000))
  }
  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    assert.equal((await enrol(founded, nodes)).code, 'OK')
  })

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  it('execute what an application submits to any of them, and answer when it is final', async () => {
    for (const number of [0, 1, 2, 3]) assert.equal((await submit(node(number), 1 + number)).code, 'OK')
    await settled(nodes)
    const counts = await Promise.all(nodes.map((each) => each.source().countQuads()))
    assert.deepEqual(counts, [12, 12, 12, 12])
  })

  it('keep personal items under a key of their own, and read them like the others', async () => {
    assert.equal((await submit(node(1), 10, { graph: personalGraph })).code, 'OK')
    await settled(nodes)
    assert.deepEqual(await Promise.all(nodes.map((each) => each.source().countQuads())), [15, 15, 15, 15])
  })

  it('L3 execute the same transaction once, whoever sends it again', async () => {
    const { bytes, payload } = await statement(founded, 20)
    const answers = await Promise.all(nodes.map((each) => each.submit(bytes, payload, AbortSignal.timeout(20_000))))
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
    await settled(nodes)
    assert.deepEqual(await Promise.all(nodes.map((each) => each.source().countQuads())), [18, 18, 18, 18])
  })

  it('L3 never answer one transaction with the outcome of another that took its number', async () => {
    const one = await statement(founded, 25)
    const other = await statement(founded, 25)
    const answers = await Promise.allSettled(
      [one, other].map(({ bytes, payload }, number) =>
        node(number).submit(bytes, payload, AbortSignal.timeout(20_000)),
      ),
    )
    const codes = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.code : answer.reason.code))
    assert.deepEqual(codes.sort(), ['OK', 'REPEATED'])
  })

  it('go on with three, and the fourth catches up when it returns', async () => {
    await node(3).stop()
    for (let number = 30; number < 60; number++) await submit(node(0), number)
    nodes[3] = await founded.open(3)
    await node(3).start()
    const height = await settled(nodes)
    assert.ok(height >= 30)
    const counts = await Promise.all(nodes.map((each) => each.source().countQuads()))
    assert.equal(new Set(counts).size, 1)
  })

  it('all come back from their folders, with the same heads, and go on', async () => {
    const before = await settled(nodes)
    await Promise.all(nodes.map((each) => each.stop()))
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    assert.equal(await settled(nodes, before), before)
    assert.equal((await submit(node(2), 70)).code, 'OK')
    await settled(nodes, before + 1)
  })

  it('S2 refuse to start on a store that is lost or older than what they signed, and touch nothing', async () => {
    await settled(nodes)
    await node(3).stop()
    const { store, blocks } = homeAt(founded.home(3))
    const kept = `${store}-kept`
    await rename(store, kept)
    const before = await readdir(blocks)
    const sizes = await Promise.all(before.map(async (name) => (await stat(join(blocks, name))).size))
    const lost = await founded.open(3)
    await assert.rejects(
      lost.start(),
      (error: unknown) => error instanceof LedgerError && error.code === 'STATE_BEHIND_CHECKPOINT',
    )
    assert.deepEqual(await Promise.all(before.map(async (name) => (await stat(join(blocks, name))).size)), sizes)
    await rm(store, { recursive: true })
    await rename(kept, store)
    nodes[3] = await founded.open(3)
    await node(3).start()
    await settled(nodes)
  })

  it('P24 read what another node acknowledged, however far they are behind', async () => {
    const told = () => AbortSignal.timeout(20_000)
    for (let number = 80; number < 90; number++) {
      const { sequence } = await submit(node(number % 4), number)
      const heights = await Promise.all(nodes.map((each) => each.confirmed(told())))
      for (const height of heights)
        assert.ok(height >= sequence, `read at ${height} after ${sequence} was acknowledged`)
    }
    const [many] = await Promise.all([
      Promise.all(Array.from({ length: 200 }, () => node(1).confirmed(told()))),
      submit(node(2), 90),
    ])
    assert.equal(many.length, 200)
    await settled(nodes)
  })

  it('P24 answer no linearizable read without a quorum: READ_UNCONFIRMED', async () => {
    await Promise.all([node(2).stop(), node(3).stop()])
    await assert.rejects(
      node(0).confirmed(AbortSignal.timeout(500)),
      (error: unknown) => error instanceof LedgerError && error.code === 'READ_UNCONFIRMED',
    )
    for (const number of [2, 3]) nodes[number] = await founded.open(number)
    await Promise.all([node(2).start(), node(3).start()])
    await settled(nodes)
    assert.equal(await node(0).confirmed(AbortSignal.timeout(20_000)), node(0).height)
  })

  it('take a hundred transactions at once from one application', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, number) => submit(node(number % 4), 100 + number)),
    )
    assert.deepEqual(new Set(answers.map(({ code }) => code)), new Set(['OK']))
    await settled(nodes)
  })
})
