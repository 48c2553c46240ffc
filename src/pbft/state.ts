// Everything a replica knows, as one record, and the few questions that all rules ask of it. Rules change it; they stand in
// the other files, grouped as in the paper. `out` gathers the effects of the step under way.

import type { Digest, Epoch, NodeId, Sequence, Time, View } from '../base/ids.ts'
import { type Batch, batchDigest, nullBatch, type RequestId } from '../consensus/batch.ts'
import type { CommitCertificate, NodeSignature, ResultCertificate } from '../consensus/certificate.ts'
import type { Effect, Mandate, Outcome, ReadId, RoundReason, Setup, Token } from '../consensus/contract.ts'
import type { Roster } from '../consensus/roster.ts'
import type {
  NewView,
  PbftMessage,
  PbftMessageOf,
  PreparedCertificate,
  SignedResult,
  ViewChange,
  Vote,
} from './messages.ts'
import { newTally, type Tally } from './tally.ts'

/** What is voted on at one sequence in the current view. */
export interface Proposal {
  /** The leader's PRE-PREPARE. */
  readonly vote: Vote
  /** First proposed in this view, rather than carried over by its NEW-VIEW: only such may be withheld a PREPARE. */
  readonly first: boolean
  /** Of `check`: is this batch good by static rules? */
  verdict: 'unasked' | 'asked' | 'valid' | 'invalid'
  /** Its journal record is written. */
  recorded: boolean
}

/** One sequence above the stable checkpoint. */
export interface Slot {
  readonly sequence: Sequence
  proposal: Proposal | undefined
  /** The PRE-PREPARE of a view that is not entered here: one, of the highest view. Its batch may be wanted. */
  heard: PbftMessageOf<'pre-prepare'> | undefined
  readonly prepares: Tally<Vote>
  readonly commits: Tally<Vote>
  /** The latest view in which it prepared here. */
  prepared: PreparedCertificate | undefined
  /** Proof that it was agreed, of whatever view. */
  certificate: CommitCertificate | undefined
  /** Own votes of the current view, to be sent again. */
  ownPrepare: PbftMessageOf<'prepare'> | undefined
  ownCommit: PbftMessageOf<'commit'> | undefined
  sentAt: Time
}

/** A batch that something may still need, by its digest. */
export interface KnownBatch {
  readonly batch: Batch
  readonly ids: readonly RequestId[]
  /** The highest sequence that it was proposed at: it is forgotten when that is stable. */
  sequence: Sequence
  /** The sequence under which the journal has it; 0 while it does not. */
  recordedAt: Sequence
  /** The PRE-PREPARE that brought it, to be sent again. */
  message: PbftMessageOf<'pre-prepare'> | undefined
}

/** A request that is not delivered yet. */
export interface Waiting {
  readonly id: RequestId
  readonly bytes: Uint8Array
  /** Whose client asked: this node itself, or the peer that sent it. */
  readonly origin: NodeId
  /** Waits in this view since. */
  since: Time
  sentAt: Time
  /** All validators were told, not only the leader. */
  relayed: boolean
  /** Stands in a proposal of the current view. */
  proposed: boolean
  /** May have been delivered in blocks that were fetched: suspects nobody, and is forgotten after a while. */
  doubtful: boolean
}

export interface NamedChange {
  readonly change: ViewChange
  readonly digest: Digest
}

export interface PendingView {
  readonly newView: NewView
  /** Equal iff both NEW-VIEWs say the same. */
  readonly key: Digest
}

/** What a peer said of itself last. */
export interface PeerView {
  readonly view: View
  readonly active: boolean
  readonly delivered: Sequence
  readonly final: Sequence
  readonly stable: Sequence
  /** When it was helped last, and up to where. */
  helpedAt: Time
  helpedTo: Sequence
}

/**
 * Whether this node votes in this epoch: it is no validator of it (`follows`), does not know yet what it signed before
 * (`asking`), does (`votes`), or finds that it signed what it does not remember (`forgot`), and votes in it no more.
 */
export type Voting = 'follows' | 'asking' | 'votes' | 'forgot'

/** What is known of one epoch: the next one begins with a fresh record. */
export interface State {
  /** Of this epoch. */
  readonly setup: Setup
  readonly epoch: Epoch
  readonly roster: Roster
  readonly validators: ReadonlySet<NodeId>
  readonly others: readonly NodeId[]
  readonly f: number
  readonly q: number
  out: Effect<PbftMessage>[]

  /** The last sequence of this epoch, once an act that was executed here has set it. */
  until: Sequence | undefined
  /** Who votes after it, once that was executed. */
  successor: Mandate | undefined
  /** The stable checkpoint that ended the epoch before, for those who are still in it. */
  readonly ending: ResultCertificate | undefined
  /** Validators who say that they are in a later epoch, and how far. */
  readonly later: Map<NodeId, Sequence>
  /** The journal knows of this epoch. */
  recorded: boolean

  // Own votes of former lives.
  voting: Voting
  /** Of the question that is answered by `answered`. */
  readonly nonce: number
  readonly answered: Set<NodeId>
  askedAt: Time
  /** Own votes above the stable checkpoint, by sequence. */
  readonly own: Map<Sequence, Set<string>>
  /** A stable checkpoint that an answer showed: nothing at or below it is voted on. */
  floor: Sequence

  /** Of the last tick; undefined before the first. */
  now: Time | undefined
  nextToken: Token

  // Section 4.2, the normal case.
  view: View
  /** False between the own VIEW-CHANGE for `view` and its NEW-VIEW. */
  active: boolean
  readonly slots: Map<Sequence, Slot>
  readonly batches: Map<Digest, KnownBatch>
  readonly checks: Map<Token, { readonly view: View; readonly sequence: Sequence }>
  /** All between `delivered` and this one are proposed in this view. */
  contiguous: Sequence
  /** The leader's: the last sequence that it proposed. */
  proposed: Sequence
  proposedAt: Time

  // Execution.
  delivered: Sequence
  applied: Outcome
  /** Of the last checkpoint at or below it. */
  checkpoint: Outcome
  /** Time of the last delivery, or of the beginning of this view. */
  progressAt: Time

  // Section 4.3, checkpoints, and results in general.
  final: ResultCertificate | undefined
  stable: ResultCertificate | undefined
  /** A stable checkpoint of others that lies ahead of what is delivered here. */
  ahead: ResultCertificate | undefined
  readonly results: Map<Sequence, Tally<SignedResult>>
  /** When own results were sent again. */
  resultsAt: Time
  fetching: { readonly token: Token; readonly sequence: Sequence } | undefined
  fetchedAt: Time
  /** Since the last progress. */
  fetchesFailed: number
  /** The result of a quorum that this replica does not have: it signs nothing until it has it. */
  fenced: ResultCertificate | undefined
  /** Own results at or below this one may be wrong, signed before a repair: none is given there a second time. */
  disowned: Sequence
  /** So many executed this one differently that no quorum can agree on its result: more than f are wrong, and all stop. */
  split: Sequence | undefined

  // Section 4.1, requests, and reads.
  readonly waiting: Map<RequestId, Waiting>
  /** By origin, what is not proposed yet, oldest first. */
  readonly queues: Map<NodeId, Set<RequestId>>
  /** By origin, how many wait: a bound for each. */
  readonly held: Map<NodeId, number>
  /** Requests in proposals of this view that are not delivered. */
  readonly underway: Set<RequestId>
  /** Origins take turns in batches. */
  turn: number
  /** Requests delivered lately, and the same by sequence. */
  readonly recent: Map<RequestId, Sequence>
  readonly recentAt: Map<Sequence, readonly RequestId[]>
  /** What a leader is to order, by who sent it and whose it is. */
  readonly tokens: Map<string, { readonly owner: NodeId; readonly token: Uint8Array; proposed: boolean }>
  /** Tokens that their owners could not get ordered, by owner: the leader owes them to everybody. */
  readonly relayed: Map<NodeId, { readonly token: Uint8Array; since: Time }>
  reads: ReadId[]
  ownToken: { readonly token: Uint8Array; readonly reads: readonly ReadId[]; since: Time; sentAt: Time } | undefined

  // Section 4.4, view changes.
  /** The highest VIEW-CHANGE of each validator: one slot for each, however high it claims. */
  readonly changes: Map<NodeId, NamedChange>
  /** What made the current view, to be shown to those who missed it. */
  newView: NewView | undefined
  readonly justification: Map<Digest, ViewChange>
  /** By peer, the NEW-VIEW that it sent last and that cannot be entered yet; and the VIEW-CHANGES found for these. */
  readonly pending: Map<NodeId, PendingView>
  readonly found: Map<Digest, ViewChange>
  /** Batches that were agreed or carried over and are not here. */
  readonly missing: Map<Digest, Sequence>
  /** The NEW-VIEW of this view does not follow from what it names. */
  unjustified: boolean
  /** Why this replica left the last view: for people. */
  leaving: RoundReason
  /** Questions of each peer, counted. */
  readonly asked: Map<NodeId, { readonly since: Time; count: number }>
  /** When what is missing was asked for. */
  wantedAt: Time
  changeSentAt: Time
  /** Views that ended without progress, in a row. */
  fruitless: number
  /** When a quorum wanted this view: its leader has so long. */
  quorumAt: Time | undefined
  /** Leaders that failed, and when. */
  readonly failed: Map<NodeId, Time>

  /** Who was accused of what since the last stable checkpoint: once is enough. */
  readonly accused: Set<string>

  // Keeping in touch.
  readonly peers: Map<NodeId, PeerView>
  /** Of those who follow without voting. */
  readonly followers: Map<NodeId, PeerView>
  statusAt: Time
  statusRound: number
}

export const endless = Number.MAX_SAFE_INTEGER as Sequence
/** Of the batch that fills gaps. */
export const nullDigest: Digest = batchDigest(nullBatch)

/** The leader of view v is replica v mod n (section 4). */
export function leaderOf(state: State, view: View): NodeId {
  const { validators } = state.roster
  return (validators[view % validators.length] as { node: NodeId }).node
}

export function isLeader(state: State): boolean {
  return leaderOf(state, state.view) === state.setup.self
}

export function clock(state: State): Time {
  return state.now ?? (0 as Time)
}

/** h: the last stable checkpoint; the one that ended the epoch before counts. */
export function lowWatermark(state: State): Sequence {
  return state.stable?.result.sequence ?? state.setup.since
}

/** H = h + L: nothing above it is voted on. */
export function highWatermark(state: State): Sequence {
  return (lowWatermark(state) + state.setup.parameters.window) as Sequence
}

/**
 * Whether this replica may vote at a sequence now. An act ends its epoch a window after itself at the earliest: so up to a
 * window above what was executed here, the end of the epoch is known, or further off.
 */
export function mayVote(state: State, sequence: Sequence): boolean {
  const reach = Math.min(lowWatermark(state), state.applied.sequence) + state.setup.parameters.window
  if (state.voting !== 'votes' || state.split !== undefined) return false
  return sequence > state.floor && sequence <= Math.min(reach, state.until ?? endless)
}

export function finalSequence(state: State): Sequence {
  return state.final?.result.sequence ?? state.setup.since
}

export function isCheckpoint(state: State, sequence: Sequence): boolean {
  return sequence % state.setup.parameters.checkpointInterval === 0
}

/** The slot of a sequence within the window, or within as much again above it (votes of those who are ahead). */
export function slotAt(state: State, sequence: Sequence): Slot | undefined {
  const known = state.slots.get(sequence)
  if (known !== undefined) return known
  if (sequence <= lowWatermark(state) || sequence > highWatermark(state) + state.setup.parameters.window)
    return undefined
  const slot: Slot = {
    sequence,
    proposal: undefined,
    heard: undefined,
    prepares: newTally(),
    commits: newTally(),
    prepared: undefined,
    certificate: undefined,
    ownPrepare: undefined,
    ownCommit: undefined,
    sentAt: clock(state),
  }
  state.slots.set(sequence, slot)
  return slot
}

/** Whether these are different validators in ascending order, and how many a quorum needs. */
export function isQuorum(state: State, signatures: readonly NodeSignature[], atLeast: number = state.q): boolean {
  let last = ''
  for (const { node } of signatures) {
    if (node <= last || !state.validators.has(node)) return false
    last = node
  }
  return signatures.length >= atLeast
}
