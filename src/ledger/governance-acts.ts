// Acts of governance: formats only; governance.ts has the rules. A proposal is one change with everything that the members
// sign about it; their ballots are collected before it is sent, and stand beside it in one transaction. So there is no vote
// under way on the ledger: a ballot counts once, for these bytes, for the one number that the proposal has, and until it closes.

import { type LedgerId, ledgerIdOf, type NodeId, type OrganisationId, type Sequence, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, encode, id, list, named, record, type Schema, timestamp, uint, variant } from '../base/schema.ts'
import { type Contradiction, contradictionSchema } from '../consensus/contradiction.ts'
import { type NodeCard, nodeCardSchema } from './card.ts'
import { nodeListSchema } from './erasure-acts.ts'
import { type LedgerParameters, parametersSchema, type Thresholds, thresholdsSchema } from './genesis.ts'
import { type Organisation, organisationIdSchema, organisationSchema } from './records.ts'

/** A member under a new key or name; its id stays. */
export interface MemberRecord {
  readonly organisation: Organisation
  /** By the key in the record, over memberProofBytes: nobody registers a key that is not there. */
  readonly proof: Uint8Array
}

/** Who is to be a member and a node: one set, judged by what it leads to. All lists in ascending order of ids. */
export interface RosterChange {
  readonly type: 'roster'
  /** Organisations that leave; all their nodes must leave with them. */
  readonly leaving: readonly OrganisationId[]
  readonly leavingNodes: readonly NodeId[]
  readonly members: readonly MemberRecord[]
  /** Nodes that join, and nodes under new keys, another role, name or address. A new organisation comes with its first card. */
  readonly cards: readonly NodeCard[]
  /** As they are to be from then on. */
  readonly thresholds: Thresholds
}

export type Change =
  | RosterChange
  | { readonly type: 'parameters'; readonly parameters: LedgerParameters }
  /** From `height` on, blocks are executed under another version of the rules. */
  | { readonly type: 'rules'; readonly version: number; readonly height: Sequence }

export interface Proposal {
  /** One above the number of the last proposal that was carried out: each is carried out once, and none from an old state. */
  readonly number: number
  /** A block with a later time does not carry it out. */
  readonly closes: Time
  readonly change: Change
}

export interface Ballot {
  readonly organisation: OrganisationId
  /** By the organisation's key over proposalBytes. */
  readonly signature: Uint8Array
}

export type GovernanceAct =
  /** Carries a proposal out, if so many members signed it as the thresholds demand. Any member may send it. */
  | { readonly type: 'govern'; readonly proposal: Proposal; readonly ballots: readonly Ballot[] }
  /** A node says up to which version its software knows the rules. Signed with its consensus key. */
  | { readonly type: 'announce'; readonly version: number }
  /** A node shows that a validator contradicted itself. Signed with its consensus key. */
  | {
      readonly type: 'evidence'
      /** The culprit's consensus key, under which both signatures verify. */
      readonly key: Uint8Array
      readonly contradiction: Contradiction
    }

const memberSchema: Schema<MemberRecord> = named(
  'member-record',
  record<MemberRecord>({ organisation: organisationSchema, proof: bytes(64) }),
)

const changeSchema: Schema<Change> = named(
  'change',
  variant<Change>({
    roster: [
      1,
      {
        leaving: list(organisationIdSchema, limits.validatorsMax),
        leavingNodes: nodeListSchema,
        members: list(memberSchema, limits.validatorsMax),
        cards: list(nodeCardSchema, limits.validatorsMax),
        thresholds: thresholdsSchema,
      },
    ],
    parameters: [2, { parameters: parametersSchema }],
    rules: [3, { version: uint(), height: uint<Sequence>() }],
  }),
)

export const proposalSchema: Schema<Proposal> = named(
  'proposal',
  record<Proposal>({ number: uint(), closes: timestamp, change: changeSchema }),
)

const ballotSchema: Schema<Ballot> = named(
  'ballot',
  record<Ballot>({ organisation: organisationIdSchema, signature: bytes(64) }),
)

type FieldsOf<Type extends GovernanceAct['type']> = {
  readonly [Name in Exclude<keyof Extract<GovernanceAct, { type: Type }>, 'type'>]: Schema<
    Extract<GovernanceAct, { type: Type }>[Name]
  >
}

/** For actSchema: number and fields of each. */
export const governanceActs: { readonly [Type in GovernanceAct['type']]: readonly [number, FieldsOf<Type>] } = {
  govern: [14, { proposal: proposalSchema, ballots: list(ballotSchema, limits.validatorsMax, 1) }],
  announce: [15, { version: uint() }],
  evidence: [17, { key: bytes(32), contradiction: contradictionSchema }],
}

/** What a ballot signs, in domain proposal: this proposal on this ledger. */
export interface ProposalStatement {
  readonly ledger: LedgerId
  readonly proposal: Proposal
}

export const proposalStatementSchema: Schema<ProposalStatement> = named(
  'proposal-statement',
  record<ProposalStatement>({ ledger: id(32, ledgerIdOf), proposal: proposalSchema }),
)

export function proposalBytes(statement: ProposalStatement): Uint8Array {
  return encode(proposalStatementSchema, statement)
}

/** What the key of a member record signs, in domain proof-of-possession. */
export interface MemberProof {
  readonly ledger: LedgerId
  readonly organisation: Organisation
}

export const memberProofSchema: Schema<MemberProof> = named(
  'member-proof',
  record<MemberProof>({ ledger: id(32, ledgerIdOf), organisation: organisationSchema }),
)

export function memberProofBytes(proof: MemberProof): Uint8Array {
  return encode(memberProofSchema, proof)
}
