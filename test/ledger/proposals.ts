// Random acts of governance for histories.ts: a few changes of the roster that meet and contradict each other, parameters,
// versions of the rules, and ballots with everything that can be wrong with them.

import { toHex } from '../../src/base/bytes.ts'
import { type LedgerId, organisationIdOf, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { type SigningKey, sign } from '../../src/base/signature.ts'
import { type NodeCard, requestCard, signCard } from '../../src/ledger/card.ts'
import {
  type Ballot,
  type Change,
  memberProofBytes,
  type Proposal,
  proposalBytes,
  type RosterChange,
} from '../../src/ledger/governance-acts.ts'
import type { Node } from '../../src/ledger/records.ts'
import type { Act } from '../../src/ledger/transaction.ts'
import type { Operation } from './histories.ts'
import type { Model } from './model.ts'
import { organisationKey, organisationNames, testKey, testNode, testOrganisation } from './world.ts'

function pick<T>(from: readonly T[], place: number): T {
  return from[place % from.length] as T
}

/** Cards of one organisation under its first key; with `generation`, a node under another consensus key. */
function card(organisation: string, name: string, role: Node['role'] = 'validator', generation = ''): NodeCard {
  const keys = {
    consensus: testKey(`${name} consensus${generation}`),
    transport: testKey(`${name} transport`),
    checkpoint: testKey(`${name} checkpoint`),
  }
  const before = testNode(organisation, name, role)
  const node = { ...before, keys: { ...before.keys, consensus: keys.consensus.publicKey } }
  return signCard(requestCard(node, keys), testOrganisation(organisation), organisationKey(organisation))
}

const [elm, acme2, bolt2, crux2] = [
  card('elm', 'elm-1'),
  card('acme', 'acme-2'),
  card('bolt', 'bolt-2'),
  card('crux', 'crux-2'),
]
const bolts = ['', ' 2', ' 3'].map((generation) => card('bolt', 'bolt-1', 'validator', generation))
const learner = card('crux', 'crux-3', 'learner')
/** Signed by nobody. */
export const badCard: NodeCard = { ...card('fern', 'fern-1'), signature: new Uint8Array(64) }
/** Says something else about its organisation than the others know. */
const strangeCard = signCard(
  requestCard(testNode('crux', 'crux-4'), {
    consensus: testKey('crux-4 consensus'),
    transport: testKey('crux-4 transport'),
    checkpoint: testKey('crux-4 checkpoint'),
  }),
  { ...testOrganisation('crux'), name: 'Crux' },
  organisationKey('crux'),
)
const acmeNext = { ...testOrganisation('acme'), key: testKey('organisation acme 2').publicKey }

/** Keys of members and nodes beside those of the genesis. */
export const laterOrganisationKeys: readonly SigningKey[] = [organisationKey('elm'), testKey('organisation acme 2')]
export const laterNodeKeys: readonly SigningKey[] = [
  'elm-1 consensus',
  'bolt-1 consensus 2',
  'bolt-1 consensus 3',
  'acme-2 consensus',
].map(testKey)
const acmeNextKey = testKey('organisation acme 2')
const voters = new Map(
  [...organisationNames.map(organisationKey), ...laterOrganisationKeys].map((key) => [toHex(key.publicKey), key]),
)

const sorted = (cards: readonly NodeCard[]): readonly NodeCard[] =>
  [...cards].sort((a, b) => (a.node.id < b.node.id ? -1 : 1))
const leave = (name: string, ...nodes: readonly string[]): Partial<RosterChange> => ({
  leaving: [organisationIdOf(name)],
  leavingNodes: nodes.map((node) => testNode(name, node).id).sort(),
})

const [elmLeaves, duneLeaves] = [leave('elm', 'elm-1'), leave('dune', 'dune-1')]
const threeMore = { cards: sorted([acme2, bolt2, crux2]) }

function rosterChange({ b, c }: Operation, place: number, proof: Uint8Array): Partial<RosterChange> {
  const changes: readonly Partial<RosterChange>[] = [
    { cards: [elm] },
    { cards: [elm] },
    elmLeaves,
    { cards: [pick(bolts, b)] },
    { cards: [pick(bolts, b)] },
    { cards: [acme2] },
    threeMore,
    { leavingNodes: [acme2.node.id] },
    { thresholds: { roster: b % 6, rules: 1 + (c % 3) } },
    { members: [{ organisation: acmeNext, proof: c % 3 === 0 ? new Uint8Array(64) : proof }] },
    duneLeaves,
    { ...duneLeaves, cards: [elm] },
    { leaving: [organisationIdOf('dune')] },
    { cards: [learner] },
    { cards: [badCard] },
    { cards: [strangeCard] },
  ]
  return pick(changes, place)
}

export class Proposals {
  readonly #ledger: LedgerId
  /** By which key each ballot is a valid one. */
  readonly ballots: WeakMap<Ballot, string> = new WeakMap()
  /** Proofs of member records that hold. */
  readonly proofs: ReadonlySet<string>
  readonly #memberProof: Uint8Array

  constructor(ledger: LedgerId) {
    this.#ledger = ledger
    const statement = memberProofBytes({ ledger, organisation: acmeNext })
    this.#memberProof = sign('proof-of-possession', statement, acmeNextKey.seed)
    this.proofs = new Set([toHex(this.#memberProof)])
  }

  act(operation: Operation, model: Model): Extract<Act, { type: 'govern' }> {
    const { mishap, c } = operation
    const proposal: Proposal = {
      number: model.proposals + (mishap % 16 === 3 ? pick([0, 2], c) : 1),
      closes: timeOf(mishap % 16 === 4 ? 20 : 1_000_000),
      change: this.#change(operation, model),
    }
    const other = { ...proposal, number: proposal.number + 1 }
    const members = model.now.organisations.filter((_, place) => mishap % 8 !== 5 || place > 1)
    const ballots = members.map(({ id, key }, place): Ballot => {
      const voter = voters.get(toHex(key))
      const isForThis = mishap % 32 !== 6 || place !== 1
      const signed = proposalBytes({ ledger: this.#ledger, proposal: isForThis ? proposal : other })
      const ballot = { organisation: id, signature: sign('proposal', signed, voter?.seed ?? new Uint8Array(32)) }
      if (isForThis && voter !== undefined) this.ballots.set(ballot, toHex(voter.publicKey))
      return ballot
    })
    const stranger = { organisation: organisationIdOf('zed'), signature: new Uint8Array(64) }
    return { type: 'govern', proposal, ballots: mishap % 32 === 7 ? [...ballots, stranger] : ballots }
  }

  #change(operation: Operation, model: Model): Change {
    const { a, b, c } = operation
    if (a % 8 === 6) {
      const [checkpointInterval, window] = pick(
        [
          [2, 4],
          [4, 8],
          [1, 2],
          [3, 6],
          [4, 6],
        ] as const,
        b,
      )
      return { type: 'parameters', parameters: { ...model.parameters, checkpointInterval, window } }
    }
    if (a % 8 === 7) {
      const height = sequenceOf(model.height + 1 + pick([4, 5, 3, 8], c))
      return { type: 'rules', version: pick([2, 2, 3, 1], b), height }
    }
    const change = rosterChange(operation, Math.floor(a / 8) + (c % 2) * 8, this.#memberProof)
    const none = { leaving: [], leavingNodes: [], members: [], cards: [], thresholds: model.thresholds }
    return { type: 'roster', ...none, ...change }
  }
}
