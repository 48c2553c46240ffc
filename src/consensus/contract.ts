// The contract between a protocol and the world. A protocol core is a synchronous, deterministic function from an input
// to effects: no clock, no randomness, no I/O of its own. Everything that it will ever know arrives as an input, and
// everything that it wants done leaves as an effect, in order. A save is a barrier: no effect after it may be carried out
// before its record is durable (consensus/turn.ts plans that, node/loop.ts does it, test/sim plays it).

import type { SignatureDomain } from '../base/domains.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Digest, Epoch, LedgerId, NodeId, Round, Sequence, Time } from '../base/ids.ts'
import type { Schema } from '../base/schema.ts'
import type { Batch, RequestId } from './batch.ts'
import type { CommitCertificate, ResultCertificate } from './certificate.ts'
import type { Roster } from './roster.ts'
import type { Checkpoint, Result } from './statements.ts'

/** Names a question of the core to the world, until its answer. */
export type Token = number

/** 16 random bytes, hexadecimal: one linearizable read. */
export type ReadId = string

/** What executing a block gave; the core adds ledger and epoch and signs it. */
export type Outcome = Pick<Result, 'sequence' | 'block' | 'logSize' | 'logRoot' | 'checkpoint'>

/** Who agrees on the next block and by which numbers, since when and until when: a function of the ledger's state. */
export interface Mandate {
  readonly roster: Roster
  readonly parameters: Parameters
  /** The checkpoint that ended the epoch before; 0 in the first epoch. */
  readonly since: Sequence
  /** The checkpoint that ends this epoch, as soon as an act has set it. */
  readonly until: Sequence | undefined
}

export type Input<Message> =
  /** Time passes: several a second. */
  | { readonly type: 'tick'; readonly now: Time }
  /** A transaction from one of this node's own clients, already checked for form, size and signature. */
  | { readonly type: 'request'; readonly id: RequestId; readonly bytes: Uint8Array }
  /**
   * A message whose every claim (see Protocol.claims) was verified. `from` is the authenticated peer that sent it: a node of
   * the ledger, whether it votes or follows.
   */
  | { readonly type: 'receive'; readonly from: NodeId; readonly message: Message }
  /** Answer to `check`. It is held back until the payloads are here. */
  | { readonly type: 'checked'; readonly token: Token; readonly verdict: 'valid' | 'invalid' }
  /** A client asks for a linearizable read. */
  | { readonly type: 'read'; readonly id: ReadId }
  /** A delivered batch was executed and is durable. `mandate`: after it. */
  | { readonly type: 'applied'; readonly outcome: Outcome; readonly mandate: Mandate }
  /**
   * Certified blocks up to and including `outcome.sequence` were fetched, checked and executed: all that `fetch` asked for, or
   * less, and then `fetchFailed` follows. `checkpoint`: as in Setup. `mandate`: after them, maybe epochs later.
   */
  | { readonly type: 'installed'; readonly outcome: Outcome; readonly checkpoint: Outcome; readonly mandate: Mandate }
  /** `fetch` found no source that could serve it. */
  | { readonly type: 'fetchFailed'; readonly token: Token }

/** A durable note to oneself, dropped by a `cut` above its sequence. */
export interface JournalRecord {
  readonly sequence: Sequence
  readonly bytes: Uint8Array
}

/** Why a round began, as far as this node knows. */
export type RoundReason =
  /** This node started in it. */
  | 'started'
  /** It is the first of an epoch. */
  | 'epoch began'
  /** The leader before left a request, a read or a proposal undone, was silent, or began its round too late. */
  | 'request ignored'
  | 'read ignored'
  | 'proposal unfinished'
  | 'leader silent'
  | 'leader late'
  /** What the leader before began its round with did not follow from what others had shown. */
  | 'round unjustified'
  /** Others left the round before, or began this one. */
  | 'others moved'
  /** This node stood for election and won. */
  | 'elected'

export type Effect<Message> =
  | { readonly type: 'save'; readonly record: JournalRecord }
  /**
   * To another node of the ledger. `carries`: requests inside the message whose payloads should travel beside it. The core
   * never sees payloads.
   */
  | { readonly type: 'send'; readonly to: NodeId; readonly message: Message; readonly carries: readonly RequestId[] }
  /** Is every transaction valid by static rules, its carried payload here and durable? Answered by `checked`. */
  | { readonly type: 'check'; readonly token: Token; readonly batch: Batch }
  /** Execute this batch: in order of sequence, without gaps, each once. Answered by `applied`. */
  | {
      readonly type: 'deliver'
      readonly sequence: Sequence
      readonly batch: Batch
      readonly certificate: CommitCertificate
    }
  /** A quorum executed this block with the same result. In order of sequence where known; a later one covers earlier ones. */
  | { readonly type: 'final'; readonly certificate: ResultCertificate }
  /** Everything acknowledged before this read was asked for is at or below `sequence`. */
  | { readonly type: 'readable'; readonly id: ReadId; readonly sequence: Sequence }
  /**
   * Fetch certified blocks up to `sequence`, or to the end of an epoch if that comes first, from `from` or others, and execute
   * them. Answered by `installed` or `fetchFailed`.
   */
  | {
      readonly type: 'fetch'
      readonly token: Token
      readonly from: readonly NodeId[]
      readonly sequence: Sequence
      readonly checkpoint: readonly Checkpoint[]
    }
  /** Journal records below this sequence are no longer needed. */
  | { readonly type: 'cut'; readonly before: Sequence }
  /** A client's request that this node will not take now: TOO_BUSY, or what is wrong with it. */
  | { readonly type: 'reject'; readonly id: RequestId; readonly code: ErrorCode }
  /** A peer did something that no correct node does; the peer is scored, nothing else changes. */
  | { readonly type: 'refuse'; readonly from: NodeId; readonly code: ErrorCode }
  /** Contradictory signed statements: portable, self-verifying evidence against their signer. */
  | { readonly type: 'accuse'; readonly culprit: NodeId; readonly evidence: Uint8Array }
  /** A message that came too late or from too far ahead: dropped, and nobody's fault by itself. For metrics. */
  | { readonly type: 'drop'; readonly from: NodeId; readonly code: 'STALE_MESSAGE' | 'OUTSIDE_WINDOW' }
  /** A round began, or its leader became known. */
  | { readonly type: 'lead'; readonly round: Round; readonly leader: NodeId; readonly reason: RoundReason }
  /**
   * This node signs nothing more: its state (RESULT_DIVERGED) is not to be trusted until `installed`, or its memory
   * (VOTES_FORGOTTEN) until the next epoch, and it follows like a learner meanwhile. Or more validators than may lie have other
   * results than the rest (RESULTS_SPLIT): it votes on nothing until a quorum is known to agree.
   */
  | { readonly type: 'fence'; readonly code: ErrorCode; readonly evidence: Uint8Array }

/** A signature that a message rests on. All must verify, under the key of `signer`, before the core receives it. */
export interface Claim {
  /** In whose roster `signer` has the key. */
  readonly epoch: Epoch
  readonly signer: NodeId
  readonly domain: SignatureDomain
  readonly bytes: Uint8Array
  readonly signature: Uint8Array
}

export interface Parameters {
  /** Every so many sequences a RESULT is a checkpoint (PBFT's K). */
  readonly checkpointInterval: number
  /** How far above the stable checkpoint sequences may go (PBFT's L = H - h): a multiple of the interval, at least two. */
  readonly window: number
  readonly batchTransactionsMax: number
  readonly batchBytesMax: number
  /** Proposals that may be under way at once. */
  readonly pipelineMax: number
  /** Unexecuted requests that a node holds before it answers TOO_BUSY. */
  readonly requestsMax: number
  readonly resendMs: number
  /** Before a silent leader is suspected; doubles with each failed round up to `suspectMsMax`. */
  readonly suspectMs: number
  readonly suspectMsMax: number
  /** An idle leader proposes an empty batch after so long, so that deadlines pass. */
  readonly idleBatchMs: number
}

/** All that a core is given at its start, the mandate after `applied` included. */
export interface Setup extends Mandate {
  readonly ledger: LedgerId
  readonly self: NodeId
  /** What this node has executed already: its last outcome, or height 0. */
  readonly applied: Outcome
  /** The outcome of the last checkpoint at or below `applied`: its result may be unsigned still, however long ago it was. */
  readonly checkpoint: Outcome
  /** With this node's key of that epoch. Synchronous and deterministic: the same bytes give the same signature. */
  readonly sign: (domain: SignatureDomain, bytes: Uint8Array, epoch: Epoch) => Uint8Array
  /** Uniform in [0, 1), from an injected source. */
  readonly random: () => number
  /** The journal as it was found, oldest first. */
  readonly journal: readonly JournalRecord[]
}

/** For people and metrics; nothing decides on it. */
export interface CoreStatus {
  readonly round: Round
  readonly leader: NodeId
  /** Highest sequence delivered. */
  readonly delivered: Sequence
  /** Highest sequence known to be final. */
  readonly final: Sequence
  /** Last stable checkpoint. */
  readonly stable: Sequence
  /** Requests that wait. */
  readonly waiting: number
  readonly state: 'normal' | 'changing' | 'recovering' | 'fenced'
  /** One plain sentence when this node wants something it does not have: what is it waiting for? */
  readonly note: string
}

export interface Core<Message> {
  /** Never throws for what a peer did. Throws InvariantError when something impossible happened: then stop. */
  step(input: Input<Message>): readonly Effect<Message>[]
  status(): CoreStatus
  /**
   * In whose keys claims of that epoch may verify: one roster, more while a Raft ledger goes over to another, none when this
   * core would not use what is claimed. Then the message is dropped, and nobody is to blame.
   */
  rosters(epoch: Epoch): readonly Roster[]
}

export interface Protocol<Message> {
  /** With its version, as in libp2p protocol ids and the genesis. */
  readonly name: string
  readonly messages: Schema<Message>
  /** What must verify before `message` may be received, those inside certificates included. */
  claims(message: Message, ledger: LedgerId): readonly Claim[]
  /** Requests that a peer forwards in `message`; none in a proposal. The host judges each before the core sees it. */
  forwarded(message: Message): readonly Uint8Array[]
  /** The same message with only these of its forwarded requests. */
  withForwarded(message: Message, requests: readonly Uint8Array[]): Message
  start(setup: Setup): Core<Message>
}

export const genesisOutcome = (ledger: LedgerId, logRoot: Digest, checkpoint: Checkpoint): Outcome => ({
  sequence: 0 as Sequence,
  block: ledger as unknown as Digest,
  logSize: 0,
  logRoot,
  checkpoint: [checkpoint],
})
