// Everything a server knows, as one record (Figure 3.1 of the thesis, and what its later chapters add), and the few questions
// that all rules ask of it. Rules change it; they stand in the other files. `out` gathers the effects of the step under way.

import type { Digest, NodeId, Sequence, Term, Time } from '../base/ids.ts'
import type { RequestId } from '../consensus/batch.ts'
import type { NodeSignature, ResultCertificate } from '../consensus/certificate.ts'
import type { Effect, Outcome, Parameters, ReadId, Setup, Token } from '../consensus/contract.ts'
import { majority } from '../consensus/quorum.ts'
import type { Roster } from '../consensus/roster.ts'
import { type Configuration, configurationAt, type Log, lastIndex, newLog } from './log.ts'
import type { CommitProof, RaftMessage, RaftMessageOf } from './messages.ts'

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** What a leader knows of another server (section 3.5; flow control as in section 10.2). */
export interface Progress {
  /** Its log is known to be the leader's up to here. */
  match: Sequence
  /** The first entry to be sent next. */
  next: Sequence
  /** Looking for where the logs agree; sending ahead; or waiting for blocks to be fetched. */
  mode: 'probing' | 'replicating' | 'installing'
  /** Last index of each append under way, ascending. */
  inflight: Sequence[]
  sentAt: Time
  heardAt: Time
  /** The last round of heartbeats that it answered. */
  round: number
  /** The commit index that it was told of. */
  told: Sequence
}

/** A request that is not committed yet. */
export interface Waiting {
  readonly id: RequestId
  readonly bytes: Uint8Array
  /** Whose client asked: this node itself, or the peer that forwarded it. */
  readonly origin: NodeId
  since: Time
  sentAt: Time
  /** May stand in blocks that were fetched: it is forgotten after a while. */
  doubtful: boolean
}

/** A read that a leader confirms: for itself or for a follower. */
export interface ReadAsked {
  readonly from: NodeId
  readonly id: Uint8Array
  /** The commit index when it came, once an entry of this term is committed; and the round that must be answered. */
  index: Sequence | undefined
  round: number
}

export interface State {
  readonly setup: Setup
  readonly out: Effect<RaftMessage>[]
  /** Of the last tick; undefined before the first. */
  now: Time | undefined
  nextToken: Token

  // What the ledger's state says after `applied`.
  parameters: Parameters
  /** The last sequence of the epoch, once an act has set it. */
  until: Sequence | undefined

  // Persistent (Figure 3.1).
  term: Term
  vote: NodeId | undefined
  readonly log: Log
  /** Whether the journal says where the log begins. */
  hasBase: boolean
  /** The highest index that a journal record is about: one that truncates must outlive what it truncates. */
  recorded: Sequence

  // Volatile.
  role: Role
  leader: NodeId | undefined
  /** Committed, and delivered: the same here, because a commitment comes with its proof. */
  commit: Sequence
  /**
   * Up to here the log is what was committed. It may lag behind `commit` when blocks were fetched: what the log holds above it was
   * perhaps overwritten elsewhere.
   */
  settled: Sequence
  applied: Outcome
  checkpoint: Outcome
  /** Proof of the highest commitment known; and one of entries that are not here yet. */
  proof: CommitProof | undefined
  ahead: CommitProof | undefined

  // Elections (sections 3.4, 4.2.3, 9.6, 3.10).
  /** When to stand for election. */
  electionAt: Time
  /** When a leader was heard last. */
  heardAt: Time
  readonly granted: Set<NodeId>
  /** To whom this leader is handing over, and since when. */
  transfer: { readonly to: NodeId; readonly since: Time } | undefined

  // A follower's.
  /** Appends whose batches are being checked, in the order that they came. */
  held: { readonly from: NodeId; readonly message: RaftMessageOf<'append'> }[]
  readonly verdicts: Map<Digest, 'asked' | 'valid' | 'invalid'>
  readonly checks: Map<Token, Digest>
  /** The blocks that a leader told to fetch. */
  installing: RaftMessageOf<'install'> | undefined
  fetching: { readonly token: Token; readonly sequence: Sequence } | undefined

  // A leader's.
  readonly progress: Map<NodeId, Progress>
  /** Acknowledgements of entries of this term that are not committed. */
  readonly acknowledged: Map<Sequence, Map<NodeId, Uint8Array>>
  /** Its first entry: what it may answer reads from (section 6.4). */
  termStart: Sequence
  proposedAt: Time
  heartbeatAt: Time
  round: number
  roundSent: number
  /** A set of validators that is to take over, and that learns first (section 4.2.1). */
  next: Roster | undefined

  // Clients (chapter 6).
  readonly waiting: Map<RequestId, Waiting>
  /** Of these, what is in no entry of the log, oldest first. */
  readonly queue: Set<RequestId>
  /** In entries that are not committed. */
  readonly underway: Set<RequestId>
  /** Committed lately, by id and by index. */
  readonly recent: Map<RequestId, Sequence>
  readonly recentAt: Map<Sequence, readonly RequestId[]>
  reads: ReadId[]
  ownRead: { readonly id: Uint8Array; readonly reads: readonly ReadId[]; index: Sequence | undefined } | undefined
  readSentAt: Time
  asked: ReadAsked[]

  // Results.
  final: ResultCertificate | undefined
  stable: Sequence
  /** A quorum has this result of a block that is not executed here. */
  finalAhead: ResultCertificate | undefined
  readonly results: Map<Sequence, Map<NodeId, RaftMessageOf<'result'>>>
  resultsAt: Time
  fenced: boolean
}

export function newState(setup: Setup): State {
  const zero = 0 as Time
  const none = 0 as Sequence
  return {
    setup,
    out: [],
    now: undefined,
    nextToken: 1,
    parameters: setup.parameters,
    until: setup.until,
    term: 0 as Term,
    vote: undefined,
    log: newLog(setup.ledger, setup.roster),
    hasBase: false,
    recorded: none,
    role: 'follower',
    leader: undefined,
    commit: setup.applied.sequence,
    settled: none,
    applied: setup.applied,
    checkpoint: setup.checkpoint,
    proof: undefined,
    ahead: undefined,
    electionAt: zero,
    heardAt: zero,
    granted: new Set(),
    transfer: undefined,
    held: [],
    verdicts: new Map(),
    checks: new Map(),
    installing: undefined,
    fetching: undefined,
    progress: new Map(),
    acknowledged: new Map(),
    termStart: none,
    proposedAt: zero,
    heartbeatAt: zero,
    round: 0,
    roundSent: 0,
    next: undefined,
    waiting: new Map(),
    queue: new Set(),
    underway: new Set(),
    recent: new Map(),
    recentAt: new Map(),
    reads: [],
    ownRead: undefined,
    readSentAt: zero,
    asked: [],
    final: undefined,
    stable: none,
    finalAhead: undefined,
    results: new Map(),
    resultsAt: zero,
    fenced: false,
  }
}

export function clock(state: State): Time {
  return state.now ?? (0 as Time)
}

export function elapsed(state: State, since: Time, ms: number): boolean {
  return clock(state) - since >= ms
}

/** A server uses the latest configuration in its log, committed or not (section 4.1). */
export function configuration(state: State): Configuration {
  return configurationAt(state.log, lastIndex(state.log))
}

/** What is to take over and stands in no entry of the log; it comes back when its entry is overwritten. */
export function nextRoster(state: State): Roster | undefined {
  const { next } = state
  return next !== undefined && configuration(state).every(({ epoch }) => epoch < next.epoch) ? next : undefined
}

/** Every other server that takes part: voters, and those that learn before they vote. */
export function others(state: State): readonly NodeId[] {
  const next = nextRoster(state)
  const rosters = next === undefined ? configuration(state) : [...configuration(state), next]
  const nodes = new Set(rosters.flatMap(({ validators }) => validators.map(({ node }) => node)))
  nodes.delete(state.setup.self)
  return [...nodes]
}

export function isVoter(rosters: Configuration, node: NodeId): boolean {
  return rosters.some(({ validators }) => validators.some((each) => each.node === node))
}

/** A voter. Where entries that others committed lie in blocks and not in the log, a majority has a longer one. */
export function mayStand(state: State): boolean {
  return isVoter(configuration(state), state.setup.self) && lastIndex(state.log) >= state.commit
}

/** A majority of each: while joint, of both (section 4.3). */
export function isQuorum(rosters: Configuration, has: (node: NodeId) => boolean): boolean {
  return rosters.every(
    ({ validators }) => validators.filter(({ node }) => has(node)).length >= majority(validators.length),
  )
}

/** Different voters in ascending order, and a quorum of them. */
export function areQuorum(rosters: Configuration, signatures: readonly NodeSignature[]): boolean {
  const ordered = signatures.every(({ node }, i) => i === 0 || (signatures[i - 1] as NodeSignature).node < node)
  const nodes = new Set(signatures.map(({ node }) => node))
  const voters = signatures.every(({ node }) => isVoter(rosters, node))
  return ordered && voters && isQuorum(rosters, (node) => nodes.has(node))
}

export function finalSequence(state: State): Sequence {
  return state.final?.result.sequence ?? (0 as Sequence)
}
