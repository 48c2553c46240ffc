// Before its first vote a replica asks the others what it signed in this epoch, as far as they hold it (no part of the paper,
// whose replicas do not lose their disks). They cannot invent it. When q-1 answered, it votes: above what they show to be stable.
// A vote among them that it does not remember means that its journal was lost or rolled back: it votes no more in this epoch.

import type { NodeId } from '../base/ids.ts'
import { encode } from '../base/schema.ts'
import { certified, isResultCertificate, signReached } from './checkpoint.ts'
import { mayAsk } from './entering.ts'
import { epochRecord, showEnding } from './epochs.ts'
import {
  type PbftMessageOf,
  type Phase,
  type Recalled,
  type ViewChange,
  type Vote,
  viewChangeSchema,
  voteSchema,
} from './messages.ts'
import { proceed } from './normal.ts'
import { elapsed, ownKey, refuse, save, send } from './out.ts'
import { clock, lowWatermark, type Slot, type State } from './state.ts'
import { considerChanges } from './views.ts'

type Phases = Pick<Recalled, 'proposals' | 'prepares' | 'commits'>

/** Asks everybody who has not answered yet; at once when there is nobody to ask. */
export function askForOwn(state: State): void {
  if (state.voting !== 'asking') return
  state.askedAt = clock(state)
  for (const to of state.others) if (!state.answered.has(to)) ask(state, to)
  answerCounted(state)
}

function ask({ out, setup, nonce }: State, to: NodeId): void {
  out.push({ type: 'send', to, message: { type: 'recall', epoch: setup.roster.epoch, nonce }, carries: [] })
}

/** On ticks. */
export function askAgain(state: State): void {
  if (elapsed(state, state.askedAt, state.setup.parameters.resendMs)) askForOwn(state)
}

export function onRecall(state: State, from: NodeId, { epoch, nonce }: PbftMessageOf<'recall'>): void {
  if (!mayAsk(state, from)) return
  if (epoch < state.epoch) showEnding(state, from, epoch)
  if (epoch !== state.epoch || !state.validators.has(from)) return
  const change = state.changes.get(from)?.change
  send(state, from, {
    type: 'recalled',
    epoch,
    nonce,
    ...votesOf(state, from),
    changes: change === undefined ? [] : [change],
    stable: state.stable === undefined ? [] : [state.stable],
  })
  // Whoever asks has just come: what it said before it could hear may be lost.
  if (state.voting === 'asking' && !state.answered.has(from)) ask(state, from)
}

function votesOf(state: State, signer: NodeId): Phases {
  const slots = [...state.slots.values()]
  return {
    proposals: slots.flatMap(({ proposal, heard }) =>
      [proposal?.vote, heard?.vote].flatMap((vote) => (vote?.signer === signer ? [vote] : [])),
    ),
    prepares: slots.flatMap((slot) => preparesOf(state, slot, signer)),
    commits: slots.flatMap(({ commits }) => commits.votes.get(signer)?.vote ?? []),
  }
}

/** After a restart, only what prepared here tells of others' votes. */
function preparesOf(state: State, { prepares, prepared }: Slot, signer: NodeId): readonly Vote[] {
  const vote = prepares.votes.get(signer)?.vote
  if (vote !== undefined || prepared === undefined) return vote === undefined ? [] : [vote]
  const { view, sequence, digest } = prepared
  const shown = prepared.prepares.find(({ node }) => node === signer)
  if (shown === undefined) return []
  return [{ signer, epoch: state.epoch, view, sequence, digest, signature: shown.signature }]
}

export function onRecalled(state: State, from: NodeId, message: PbftMessageOf<'recalled'>): void {
  if (message.epoch !== state.epoch || message.nonce !== state.nonce || state.answered.has(from)) return
  if (!isAnswer(state, message)) {
    refuse(state, from, 'MALFORMED')
    return
  }
  state.answered.add(from)
  for (const certificate of message.stable) {
    if (certificate.result.sequence > state.floor) state.floor = certificate.result.sequence
    certified(state, certificate)
  }
  const forgotten = forgottenIn(state, message)
  if (forgotten !== undefined && (state.voting === 'asking' || state.voting === 'votes')) forget(state, forgotten)
  answerCounted(state)
}

/** It speaks of this node's own votes, and shows a proof where it names a checkpoint. */
function isAnswer(state: State, { proposals, prepares, commits, changes, stable }: Recalled): boolean {
  const { self } = state.setup
  return (
    [...proposals, ...prepares, ...commits, ...changes].every(
      ({ signer, epoch }) => signer === self && epoch === state.epoch,
    ) && stable.every((each) => isResultCertificate(state, each) && each.result.checkpoint.length === 1)
  )
}

/** Whoever left for a view, or entered it, has that in its journal before it signs anything of it. */
function forgottenIn(state: State, { proposals, prepares, commits, changes }: Recalled): Uint8Array | undefined {
  const unknown = (phase: Phase, votes: readonly Vote[]): readonly Vote[] =>
    votes.filter(
      (vote) => vote.sequence > lowWatermark(state) && state.own.get(vote.sequence)?.has(ownKey(phase, vote)) !== true,
    )
  const [vote] = [...unknown('pre-prepare', proposals), ...unknown('prepare', prepares), ...unknown('commit', commits)]
  if (vote !== undefined) return encode(voteSchema, vote)
  const change: ViewChange | undefined = changes.find(({ view }) => view > state.view)
  return change && encode(viewChangeSchema, change)
}

function forget(state: State, evidence: Uint8Array): void {
  state.voting = 'forgot'
  save(state, lowWatermark(state), epochRecord(state))
  tellForgotten(state, evidence)
}

/** At once, and again after each start. */
export function tellForgotten(state: State, evidence: Uint8Array): void {
  state.out.push({ type: 'fence', code: 'VOTES_FORGOTTEN', evidence })
}

function answerCounted(state: State): void {
  if (state.voting !== 'asking' || state.fenced || state.answered.size < state.q - 1) return
  state.voting = 'votes'
  state.progressAt = clock(state)
  resume(state)
}

/** What was executed and not signed when the node stopped, views that others left for, and proposals not yet looked at. */
export function resume(state: State): void {
  if (state.voting !== 'votes') return
  signReached(state)
  considerChanges(state)
  if (!state.active) return
  for (const slot of [...state.slots.values()]) proceed(state, slot)
}
