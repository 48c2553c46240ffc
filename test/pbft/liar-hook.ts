// Loaded into a node before its command line: makes it one of the faulty builds that QUADRILLE_LIE names. It wraps what the built
// files in the folder QUADRILLE_BUILT export; the node itself knows nothing of it, and signs with its own key only.

import type { NodeId } from '../../src/base/ids.ts'
import type { Core, Effect, Setup } from '../../src/consensus/contract.ts'
import type { PbftMessage } from '../../src/pbft/messages.ts'
import { genericLiars, type LiarFactory } from '../sim/liars.ts'
import { pbftLiars } from '../sim/pbft-liars.ts'
import { Random } from '../sim/random.ts'

/** Talks with everybody but the first of the others. */
const shunning: LiarFactory<PbftMessage> = {
  name: 'shuns one peer',
  make: ({ roster, self }) => {
    const shunned = roster.validators.find(({ node }) => node !== self)?.node
    return { rewrite: (to: NodeId, message) => (to === shunned ? [] : [message]) }
  },
}

/** Takes part in nothing, and stays connected. */
const stalling: LiarFactory<PbftMessage> = { name: 'stalls', make: () => ({ rewrite: () => [] }) }

const factories: readonly LiarFactory<PbftMessage>[] = [
  ...pbftLiars,
  ...genericLiars<PbftMessage>(),
  shunning,
  stalling,
]

const lie = process.env['QUADRILLE_LIE']
const built = process.env['QUADRILLE_BUILT']

/** Deals with every second peer in another way, whatever its own place among four. */
function unfair(): Random {
  for (let seed = 1; ; seed++) {
    const first = new Random(seed, lie)
    if ([true, false, true, false].every((wanted) => first.chance(0.5) === wanted)) return new Random(seed, lie)
  }
}

/** The same core, of which every message goes through the liar. */
function lyingCore(core: Core<PbftMessage>, setup: Setup, factory: LiarFactory<PbftMessage>): Core<PbftMessage> {
  const { self, ledger, roster, sign } = setup
  const liar = factory.make({
    self,
    liars: [self],
    ledger,
    roster,
    protocol: pbft,
    random: unfair(),
    signAs: (_liar, domain, bytes) => sign(domain, bytes, roster.epoch),
  })
  const told = (effect: Effect<PbftMessage>): readonly Effect<PbftMessage>[] =>
    effect.type === 'send'
      ? liar.rewrite(effect.to, effect.message).map((message) => ({ ...effect, message }))
      : [effect]
  return {
    step: (input) => core.step(input).flatMap(told),
    status: () => core.status(),
    rosters: (epoch) => core.rosters(epoch),
  }
}

type Pbft = typeof import('../../src/pbft/pbft.ts')
const { pbft } = (await import(`${built}/pbft/pbft.js`)) as Pbft

if (lie === 'lies in state transfer') {
  const { BlockServer } = (await import(`${built}/node/serve.js`)) as typeof import('../../src/node/serve.ts')
  const serve = BlockServer.prototype.serve
  BlockServer.prototype.serve = async function (peer, wanted) {
    const answer = await serve.call(this, peer, wanted)
    return (
      answer && {
        ...answer,
        blocks: answer.blocks.map((served) => {
          const block = served.block.slice()
          const middle = block.length >> 1
          block[middle] = (block[middle] as number) ^ 1
          return { ...served, block }
        }),
      }
    )
  }
} else {
  const factory = factories.find(({ name }) => name === lie)
  if (factory === undefined)
    throw new Error(`there is no lie "${lie}": ${factories.map(({ name }) => name).join(', ')}`)
  const start = pbft.start
  ;(pbft as { start: Pbft['pbft']['start'] }).start = (setup) => lyingCore(start(setup), setup, factory)
}
