// Liars who know PBFT's messages. What they forge is signed with their own keys, and so passes for theirs.

import type { Digest, NodeId, Time, View } from '../../src/base/ids.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import { digestBytes, newViewBytes, viewChangeDigest, voteBytes } from '../../src/pbft/claims.ts'
import type { PbftMessage, PbftMessageOf, Phase, ViewChange, Vote } from '../../src/pbft/messages.ts'
import { nullDigest } from '../../src/pbft/state.ts'
import type { Liar, LiarContext, LiarFactory } from './liars.ts'

type Context = LiarContext<PbftMessage>

function votedAgain({ ledger, self, signAs }: Context, phase: Phase, vote: Vote, digest: Digest): Vote {
  const about = { epoch: vote.epoch, view: vote.view, sequence: vote.sequence, digest }
  return { signer: self, ...about, signature: signAs(self, phase, voteBytes(ledger, about), vote.epoch) }
}

function changedAgain({ ledger, self, signAs }: Context, change: ViewChange): PbftMessage {
  const signature = signAs(self, 'view-change', digestBytes(viewChangeDigest(ledger, change)), change.epoch)
  return { type: 'view-change', change: { ...change, signature } }
}

function proposing(context: Context, message: PbftMessageOf<'pre-prepare'>, batch: typeof message.batch): PbftMessage {
  return { type: 'pre-prepare', vote: votedAgain(context, 'pre-prepare', message.vote, batchDigest(batch)), batch }
}

/** Tells one half of the others one thing and the other half another, and votes for both (P1, P2). */
function equivocating(context: Context): Liar<PbftMessage> {
  const { random, roster, self } = context
  const deceived = new Set<NodeId>(roster.validators.map(({ node }) => node).filter(() => random.chance(0.5)))
  const twins = new Map<Digest, Digest>()
  return {
    rewrite: (to, message) => {
      if (!deceived.has(to)) return [message]
      if (message.type === 'pre-prepare' && message.vote.signer === self) {
        const batch = { ...message.batch, time: (message.batch.time + 1) as Time }
        twins.set(message.vote.digest, batchDigest(batch))
        return [proposing(context, message, batch)]
      }
      if (message.type !== 'prepare' && message.type !== 'commit') return [message]
      const digest = twins.get(message.vote.digest) ?? message.vote.digest
      return [{ type: message.type, vote: votedAgain(context, message.type, message.vote, digest) }]
    },
  }
}

/** Votes for whatever it hears of and for what nobody proposed, in any order and any phase. */
function doubleVoting(context: Context): Liar<PbftMessage> {
  const { random, self } = context
  const heard: Digest[] = [nullDigest]
  return {
    rewrite: (_to, message) => {
      if (message.type !== 'prepare' && message.type !== 'commit') return [message]
      if (message.vote.signer !== self) return [message]
      heard.push(message.vote.digest)
      const phase = random.pick(['prepare', 'commit'] as const)
      return [message, { type: phase, vote: votedAgain(context, phase, message.vote, random.pick(heard)) }]
    },
  }
}

/**
 * As leader proposes what no rule allows: an invalid transaction, a time far off, one batch under another's digest. To all
 * the same: only then could it pass.
 */
function proposingNonsense(context: Context): Liar<PbftMessage> {
  const { random, self } = context
  const said = new WeakMap<PbftMessage, PbftMessage>()
  const nonsense = (message: PbftMessageOf<'pre-prepare'>): PbftMessage => {
    const { batch } = message
    const invalid = { ...batch, transactions: [...batch.transactions, new Uint8Array([0xff, random.below(256)])] }
    const untimely = { ...batch, time: (batch.time + 10 ** 9) as Time }
    return random.pick<() => PbftMessage>([
      () => message,
      () => proposing(context, message, invalid),
      () => proposing(context, message, untimely),
      () => ({ ...message, batch: { ...batch, time: (batch.time + random.between(1, 2)) as Time } }),
    ])()
  }
  return {
    rewrite: (_to, message) => {
      if (message.type !== 'pre-prepare' || message.vote.signer !== self) return [message]
      const known = said.get(message) ?? nonsense(message)
      said.set(message, known)
      return [known]
    },
  }
}

/** In view changes hides what prepared, or makes up what did not; as new leader carries over nothing of it. */
function forgettingViews(context: Context): Liar<PbftMessage> {
  const { random, self, ledger, signAs } = context
  return {
    rewrite: (_to, message) => {
      if (message.type === 'view-change' && message.change.signer === self) {
        const kept = message.change.prepared.filter(() => random.chance(0.5))
        return [changedAgain(context, { ...message.change, prepared: kept })]
      }
      if (message.type !== 'new-view' || message.newView.signer !== self) return [message]
      const { epoch, view } = message.newView
      const proposals = message.newView.proposals.map(({ sequence }) => {
        const about = { epoch, view, sequence, digest: nullDigest }
        return { sequence, digest: nullDigest, signature: signAs(self, 'pre-prepare', voteBytes(ledger, about), epoch) }
      })
      const newView = { ...message.newView, proposals }
      const signature = signAs(self, 'new-view', newViewBytes(ledger, newView), epoch)
      return [{ type: 'new-view', newView: { ...newView, signature } }]
    },
  }
}

/** Makes up certificates of what never prepared, in view changes: their signatures are its own in other names. */
function inventing(context: Context): Liar<PbftMessage> {
  const { random, self, roster, signAs } = context
  return {
    rewrite: (_to, message) => {
      if (message.type !== 'view-change' || message.change.signer !== self) return [message]
      const { change } = message
      const low = change.stable[0]?.result.sequence ?? 0
      const view = (change.view - 1) as View
      const leader = roster.validators[view % roster.validators.length]?.node ?? self
      const signature = signAs(self, 'prepare', new Uint8Array([random.below(256)]), change.epoch)
      const prepares = roster.validators.flatMap(({ node }) => (node === leader ? [] : [{ node, signature }]))
      const prepared = [1, 2, 3].map((above) => ({
        view,
        sequence: (low + above) as Vote['sequence'],
        digest: nullDigest,
        proposal: { node: leader, signature },
        prepares,
      }))
      return [changedAgain(context, { ...change, prepared })]
    },
  }
}

/** Wants views far ahead, another one each time (L8). */
function hurrying(context: Context): Liar<PbftMessage> {
  const { random, self } = context
  return {
    rewrite: (_to, message) => {
      if (message.type === 'status' || message.type === 'prepare' || message.type === 'commit') {
        const { epoch, view } = message.type === 'status' ? message : message.vote
        const ahead = (view + random.pick([1, 2, 7, 10 ** 9])) as View
        const change = { signer: self, epoch, view: ahead, stable: [], prepared: [], signature: new Uint8Array(64) }
        return [message, changedAgain(context, change)]
      }
      return [message]
    },
  }
}

/** Says that it is far ahead, or just a little, of what there is. */
function boasting({ random }: Context): Liar<PbftMessage> {
  return {
    rewrite: (_to, message) => {
      if (message.type !== 'status') return [message]
      const ahead = random.pick([1, 2, 5, 1_000, 2 ** 50])
      const [delivered, final] = [message.delivered + ahead, message.final + ahead]
      return [{ ...message, delivered, final } as PbftMessage]
    },
  }
}

/** Answers what others signed before they started with nothing, with what somebody else signed, or with half of it. */
function misremembering({ random }: Context): Liar<PbftMessage> {
  return {
    rewrite: (_to, message) => {
      if (message.type !== 'recalled') return [message]
      const nothing = { ...message, proposals: [], prepares: [], commits: [], changes: [], stable: [] }
      const half = { ...message, prepares: message.prepares.filter(() => random.chance(0.5)), stable: [] }
      const other = { ...message, nonce: message.nonce ^ 1 }
      return random.pick<readonly PbftMessage[]>([[nothing], [half], [other], [nothing, message], []])
    },
  }
}

export const pbftLiars: readonly LiarFactory<PbftMessage>[] = [
  { name: 'equivocates', make: equivocating },
  { name: 'votes twice', make: doubleVoting },
  { name: 'proposes nonsense', make: proposingNonsense },
  { name: 'forgets in view changes', make: forgettingViews },
  { name: 'invents certificates', make: inventing },
  { name: 'hurries', make: hurrying },
  { name: 'boasts', make: boasting },
  { name: 'misremembers', make: misremembering },
]
