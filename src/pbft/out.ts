// How rules speak to the world: they append effects to the step's list. Saves stand before what rests on them.

import type { ErrorCode } from '../base/errors.ts'
import type { Digest, NodeId, Sequence, Time } from '../base/ids.ts'
import type { RequestId } from '../consensus/batch.ts'
import { voteBytes } from './claims.ts'
import type { PbftMessage, Phase, Vote } from './messages.ts'
import { journalRecord, type PbftRecord } from './records.ts'
import { clock, type PeerView, type State } from './state.ts'

const none: readonly RequestId[] = []

export function save(state: State, sequence: Sequence, record: PbftRecord): void {
  state.out.push({ type: 'save', record: journalRecord(sequence, record) })
}

export function send(state: State, to: NodeId, message: PbftMessage, carries: readonly RequestId[] = none): void {
  state.out.push({ type: 'send', to, message, carries })
}

export function broadcast(state: State, message: PbftMessage, carries: readonly RequestId[] = none): void {
  for (const to of state.others) send(state, to, message, carries)
}

/** For what no correct peer sends. */
export function refuse(state: State, from: NodeId, code: ErrorCode): void {
  state.out.push({ type: 'refuse', from, code })
}

/** For what came too late or from too far ahead. */
export function drop(state: State, from: NodeId, code: 'STALE_MESSAGE' | 'OUTSIDE_WINDOW'): void {
  state.out.push({ type: 'drop', from, code })
}

/** Signs a vote of the current view. Whoever calls this saves the vote before it is sent. */
export function signedVote(state: State, phase: Phase, sequence: Sequence, digest: Digest): Vote {
  const { setup, epoch, view } = state
  const about = { epoch, view, sequence, digest }
  remember(state, phase, about)
  return { signer: setup.self, ...about, signature: setup.sign(phase, voteBytes(setup.ledger, about), epoch) }
}

/** Own votes are known again when somebody shows them. */
export function remember(state: State, phase: Phase, vote: Pick<Vote, 'view' | 'sequence' | 'digest'>): void {
  const votes = state.own.get(vote.sequence) ?? new Set()
  state.own.set(vote.sequence, votes.add(ownKey(phase, vote)))
}

export function ownKey(phase: Phase, { view, digest }: Pick<Vote, 'view' | 'digest'>): string {
  return `${phase}/${view}/${digest}`
}

/** Whether `from` may be helped now: at once when help got it further, else not too often. */
export function mayHelp(state: State, peer: PeerView): boolean {
  const waited = clock(state) - peer.helpedAt
  return peer.delivered > peer.helpedTo || waited * 2 >= state.setup.parameters.resendMs
}

export function elapsed(state: State, since: Time, ms: number): boolean {
  return clock(state) - since >= ms
}
