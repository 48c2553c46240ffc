// Failovers as clients see them: the leader of a loaded ledger is killed, and the time counts until something that is asked
// for after its death is acknowledged. What was acknowledged before must all be there afterwards.

import assert from 'node:assert/strict'
import { eventually } from '../../demo/processes.ts'
import type { Four, NodeProcess } from './four.ts'

async function leaderOf(ledger: Four): Promise<NodeProcess> {
  return eventually('one leads', async () => {
    const states = await Promise.all(ledger.nodes.map((node) => node.state()))
    const [first] = states
    const known = states.every(({ leader, state }) => leader === first?.leader && state === 'normal')
    return known ? ledger.nodes.find(({ name }) => `${name}-1` === first?.leader) : undefined
  })
}

/** Kills the leader so many times under load; ms of each failover, in order. @throws AssertionError when something is lost. */
export async function failovers(ledger: Four, kills: number): Promise<readonly number[]> {
  const took: number[] = []
  const load = ledger.load(2)
  for (let round = 0; round < kills; round++) {
    const leader = await leaderOf(ledger)
    leader.signal('SIGKILL')
    await leader.ended
    const began = performance.now()
    await ledger.submit(false)
    took.push(Math.round(performance.now() - began))
    leader.start()
    await ledger.ready(leader)
    const reached = ledger.acknowledged.at(-1)?.height ?? 0
    await eventually(`${leader.name} catches up`, async () => (await leader.state()).height >= reached || undefined)
  }
  await load.stop()
  await ledger.settled()
  await nothingLost(ledger)
  return took
}

/** Every acknowledged statement stands once on every node, and all nodes hold the same. */
async function nothingLost(ledger: Four): Promise<void> {
  const [first = [], ...others] = await Promise.all(ledger.nodes.map((node) => node.dump()))
  for (const other of others) assert.deepEqual(other, first)
  for (const { said } of ledger.acknowledged) {
    assert.equal(first.filter((quad) => quad.includes(`"${said}"`)).length, 1, said)
  }
  for (const { output } of ledger.nodes) assert.doesNotMatch(output, /"msg":"(misbehaviour|fenced[^"]*)"/)
}
