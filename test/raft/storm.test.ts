// Random storms over a cluster whose members change meanwhile: messages are lost, late and repeated, servers stop and start again
// from their journals, and sets of validators take over from one another. Two batches at one index, a certificate of something
// else, or a server that throws end the test; afterwards all must go on.

import assert from 'node:assert/strict'
import { long } from '../long.ts'
import { Random } from '../sim/random.ts'
import { Cluster, rosterRequest, type Server } from './cluster.ts'

const seeds = long ? 1_000 : 12
const servers = 6
const changes = 4

/** Configuration entries that were committed. */
function turnsOf(cluster: Cluster): number {
  let turns = 0
  for (const { certificate } of cluster.agreed.values()) {
    if (certificate.type === 'raft' && (certificate.links[0]?.configuration.length ?? 0) === 1) turns++
  }
  return turns
}

function weather(cluster: Cluster, random: Random): void {
  const loss = random.pick([0, 0.05, 0.2])
  const late = random.pick([0, 0.1])
  const again = random.pick([0, 0.05])
  const cut = random.chance(0.5) ? random.below(servers) : -1
  cluster.loses = (message) => {
    const apart = cut >= 0 && (message.from === cluster.server(cut).node || message.to === cluster.server(cut).node)
    if (apart && random.chance(0.9)) return true
    if (random.chance(late)) {
      cluster.later.push(message)
      return true
    }
    if (random.chance(again)) cluster.later.push(message)
    return random.chance(loss)
  }
}

/** The last roster that was asked for takes over in the end. */
function play(seed: number): number {
  const random = new Random(seed, 'storm')
  const cluster = new Cluster(servers, 3)
  const down = new Set<Server>()
  let asked = 0
  for (let round = 0; round < 40; round++) {
    weather(cluster, random)
    const up = cluster.servers.filter((server) => !down.has(server))
    const server = random.pick(up)
    if (random.chance(0.15) && down.size < 1) {
      cluster.stop(server)
      down.add(server)
    } else if (random.chance(0.5)) {
      for (const each of down) cluster.start(each)
      down.clear()
    }
    if (asked < changes && random.chance(0.2)) {
      const places = random.shuffle([0, 1, 2, 3, 4, 5]).slice(0, random.between(3, 5))
      cluster.rosters.push(cluster.roster(++asked, ...places))
      cluster.request(random.pick(up), rosterRequest(asked))
    } else cluster.request(random.pick(up), `${seed}/${round}`)
    cluster.pass(random.between(50, 800))
    for (const message of random.shuffle(cluster.later.splice(0))) cluster.arrive(message)
    cluster.settle()
  }
  for (const each of down) cluster.start(each)
  cluster.heal()
  cluster.pass(6_000)
  cluster.rosters.push(cluster.roster(asked + 1, 0, 1, 2, 3, 4, 5))
  const leader = cluster.elect()
  for (let turn = 0; turn < 20 && !cluster.texts(leader).includes(rosterRequest(asked + 1)); turn++) {
    for (const each of cluster.servers) cluster.request(each, rosterRequest(asked + 1))
    cluster.pass(1_000)
  }
  cluster.pass(6_000)
  cluster.request(cluster.elect(), 'the end')
  cluster.pass(6_000)
  for (const each of cluster.servers) {
    assert.ok(cluster.texts(each).includes('the end'), `seed ${seed}: ${each.node.slice(0, 2)} is behind`)
    assert.deepEqual(each.machine.applied.block, cluster.server(0).machine.applied.block)
  }
  return turnsOf(cluster)
}

describe('A cluster whose members change in a storm', function () {
  this.timeout(600_000)

  it(`R5 R8 R17 R20 agrees, and all of the last set go on (${seeds} seeds)`, () => {
    let turns = 0
    for (let seed = 1; seed <= seeds; seed++) turns += play(seed)
    assert.ok(turns > 2 * seeds, `${turns} changes were carried out`)
  })
})
