// Changes of members, nodes, parameters and rules by organisations on machines of their own: a draft that says what is to
// change, a ballot of each member that agrees, and one act that carries the ballots.

import { LedgerError } from '../base/errors.ts'
import { type LedgerId, ledgerIdOf, type NodeId, type OrganisationId, type Sequence, type Time } from '../base/ids.ts'
import { bytes, id, record, type Schema, uint } from '../base/schema.ts'
import { sign } from '../base/signature.ts'
import { cardFault, type NodeCard } from '../ledger/card.ts'
import type { LedgerParameters } from '../ledger/genesis.ts'
import {
  type Ballot,
  type Change,
  type GovernanceAct,
  type ProposalStatement,
  proposalBytes,
} from '../ledger/governance-acts.ts'
import { organisationIdSchema } from '../ledger/records.ts'
import type { OrganisationKey } from './key-files.ts'
import type { MembersView } from './members-view.ts'

/** What `org sign` makes of a draft of a proposal. */
export interface BallotFile extends Ballot {
  readonly ledger: LedgerId
  /** Number of the proposal. */
  readonly number: number
}

export const ballotFileSchema: Schema<BallotFile> = record<BallotFile>({
  ledger: id(32, ledgerIdOf),
  number: uint(),
  organisation: organisationIdSchema,
  signature: bytes(64),
})

/** What people ask for. */
export interface Wanted {
  readonly cards: readonly NodeCard[]
  /** Nodes, by id or by name. */
  readonly leavingNodes: readonly string[]
  readonly leaving: readonly OrganisationId[]
  readonly thresholds: Partial<MembersView['thresholds']>
  readonly parameters: Partial<LedgerParameters>
  readonly rulesVersion: number | undefined
  /** So many blocks from now the rules come into force. */
  readonly activateAfter: number | undefined
  /** Admit validators although they are not known to have caught up. */
  readonly unseen: boolean
}

/** @throws LedgerError USAGE, CARD_INVALID..., NODE_BEHIND */
export function draftProposal(ledger: LedgerId, members: MembersView, wanted: Wanted, closes: Time): ProposalStatement {
  const { cards, leaving, leavingNodes, thresholds, parameters, rulesVersion } = wanted
  const roster = cards.length + leaving.length + leavingNodes.length + Object.keys(thresholds).length > 0
  const kinds = [roster, Object.keys(parameters).length > 0, rulesVersion !== undefined].filter(Boolean).length
  if (kinds !== 1) {
    throw new LedgerError('USAGE', {
      reason: 'a proposal changes either members and nodes, or parameters, or the rules',
    })
  }
  const change = roster ? rosterChange(members, wanted) : otherChange(members, wanted)
  return { ledger, proposal: { number: members.proposal, closes, change } }
}

function rosterChange(members: MembersView, { cards, leaving, leavingNodes, thresholds, unseen }: Wanted): Change {
  for (const card of cards) {
    const fault = cardFault(card)
    if (fault !== undefined) throw new LedgerError(fault, { node: card.node.name })
    if (!unseen) requireSeen(members, card)
  }
  const gone = members.nodes.filter(
    ({ id: node, name, organisation }) =>
      leavingNodes.includes(node) || leavingNodes.includes(name) || leaving.includes(organisation),
  )
  const stray = leavingNodes.find((each) => !gone.some(({ id: node, name }) => node === each || name === each))
  if (stray !== undefined) throw new LedgerError('USAGE', { node: stray, reason: 'the ledger has no such node' })
  return {
    type: 'roster',
    leaving: [...leaving].sort(),
    leavingNodes: gone.map(({ id: node }) => node).sort(),
    members: [],
    cards: [...cards].sort((a, b) => (a.node.id < b.node.id ? -1 : 1)),
    thresholds: { ...members.thresholds, ...thresholds },
  }
}

/** N14: a node that is to vote has caught up before, or those who vote already are fewer than they think. */
function requireSeen({ nodes, height, heights, parameters }: MembersView, { node }: NodeCard): void {
  const before = nodes.find(({ id: known }) => known === node.id)
  if (node.role !== 'validator' || before?.role === 'validator') return
  const told = heights.find((each) => each.node === node.id)?.height
  if (told !== undefined && told + 2 * parameters.checkpointInterval >= height) return
  throw new LedgerError('NODE_BEHIND', { node: node.name, height: told ?? 0, ledger: height })
}

function otherChange(members: MembersView, { parameters, rulesVersion, activateAfter }: Wanted): Change {
  if (rulesVersion === undefined) return { type: 'parameters', parameters: { ...members.parameters, ...parameters } }
  const { window } = members.parameters
  // What is sent a little later must still be in time.
  const height = (members.height + (activateAfter ?? 4 * window)) as Sequence
  return { type: 'rules', version: rulesVersion, height }
}

/** @throws LedgerError NOT_PERMITTED: the ledger says who is a member; here only that a key signs for its own organisation. */
export function signProposal(statement: ProposalStatement, { organisation, signing }: OrganisationKey): BallotFile {
  const { ledger, proposal } = statement
  const signature = sign('proposal', proposalBytes(statement), signing.seed)
  return { ledger, number: proposal.number, organisation: organisation.id, signature }
}

/** @throws LedgerError WRONG_LEDGER, USAGE for a ballot about something else */
export function governAct(
  { ledger, proposal }: ProposalStatement,
  ballots: readonly BallotFile[],
): Extract<GovernanceAct, { readonly type: 'govern' }> {
  for (const ballot of ballots) {
    if (ballot.ledger !== ledger) throw new LedgerError('WRONG_LEDGER', { organisation: ballot.organisation })
    if (ballot.number !== proposal.number)
      throw new LedgerError('PROPOSAL_OUTDATED', { organisation: ballot.organisation })
  }
  const sorted = ballots
    .map(({ organisation, signature }) => ({ organisation, signature }))
    .sort((a, b) => (a.organisation < b.organisation ? -1 : 1))
  return { type: 'govern', proposal, ballots: sorted }
}

/** What a proposal means, one line for each thing that a member should read before signing. */
export function describeProposal({ proposal }: ProposalStatement): readonly string[] {
  const { number, closes, change } = proposal
  const head = `Proposal ${number}, open until ${new Date(closes).toISOString()}:`
  switch (change.type) {
    case 'roster': {
      const { cards, leaving, leavingNodes, thresholds } = change
      return [
        head,
        ...cards.map(
          ({ node, organisation }) =>
            `  ${node.name} of ${organisation.name} takes part as ${node.role}, id ${node.id}.`,
        ),
        ...leavingNodes.map((node: NodeId) => `  Node ${node} leaves.`),
        ...leaving.map((organisation) => `  ${organisation} leaves.`),
        `  Then ${thresholds.roster} organisations must sign to change members and nodes, ${thresholds.rules} to change rules.`,
      ]
    }
    case 'parameters':
      return [head, ...Object.entries(change.parameters).map(([name, value]) => `  ${name} becomes ${value}.`)]
    case 'rules':
      return [head, `  Version ${change.version} of the rules comes into force with block ${change.height}.`]
  }
}
