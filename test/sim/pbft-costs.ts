// What one batch costs in the normal case, counted in a quiet world: the table of docs/pbft.md.
// `node --conditions=source --import tsx -e "import { costOf } from './test/sim/pbft-costs.ts'; console.table([4, 7, 16, 31].map((n) => costOf(n)))"`

import { encode } from '../../src/base/schema.ts'
import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import { Lockstep, type Member } from '../consensus/lockstep.ts'
import { simLedger } from './roster.ts'

export interface Cost {
  readonly nodes: number
  /** Sent by all replicas together. */
  readonly messages: number
  readonly bytes: number
  /** Made and checked by all replicas together; each signature is checked once by each who receives it. */
  readonly signatures: number
  readonly verifications: number
  /** Journal records by each replica. */
  readonly records: number
}

/** Means over `batches` batches of one transaction, what is said of progress and help left out. */
export function costOf(nodes: number, batches = 16): Cost {
  const world = new Lockstep<PbftMessage>(pbft, nodes)
  world.pass(200)
  const before = { signatures: world.signatures.size, steps: world.members.map(({ steps }) => steps.length) }
  for (let i = 0; i < batches; i++) {
    world.request(world.members[0] as Member<PbftMessage>, `request ${i}`)
    world.settle()
  }
  let [messages, bytes, verifications, records] = [0, 0, 0, 0]
  for (const [place, { steps }] of world.members.entries()) {
    for (const { effects } of steps.slice(before.steps[place])) {
      for (const effect of effects) {
        if (effect.type === 'save') records++
        if (effect.type !== 'send') continue
        messages++
        bytes += encode(pbft.messages, effect.message).length
        verifications += pbft.claims(effect.message, simLedger).length
      }
    }
  }
  const mean = (sum: number): number => Math.round((10 * sum) / batches) / 10
  return {
    nodes,
    messages: mean(messages),
    bytes: Math.round(bytes / batches),
    signatures: mean(world.signatures.size - before.signatures),
    verifications: mean(verifications),
    records: mean(records / nodes),
  }
}
