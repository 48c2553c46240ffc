// The rules again, plain and slow: lists that are searched from the front, and a history that forgets nothing. It shares no
// code with src/ledger beyond the formats, so that a mistake has to be made twice to go unnoticed.

import { toHex } from '../../src/base/bytes.ts'
import { graphId, keyId, policyId } from '../../src/base/hash.ts'
import type { GraphId, Sequence } from '../../src/base/ids.ts'
import type { NodeCard } from '../../src/ledger/card.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import type { Genesis, LedgerParameters, Thresholds } from '../../src/ledger/genesis.ts'
import type { Ballot, Change, RosterChange } from '../../src/ledger/governance-acts.ts'
import type { Graph, Node, Organisation, Policy } from '../../src/ledger/records.ts'
import {
  type Act,
  type GraphRight,
  type ItemHeader,
  itemIdFor,
  type Transaction,
  txIdFor,
} from '../../src/ledger/transaction.ts'

interface ModelKey {
  readonly key: string
  readonly organisation: string
  rights: readonly GraphRight[]
  revoked: boolean
}

/** An item of a transaction that ended OK. */
export interface ModelItem {
  readonly place: ItemPlace
  readonly header: ItemHeader
  readonly item: string
  /** The order that erased it first. */
  erased: string | undefined
  readonly holds: string[]
}

interface ModelOrder {
  readonly tx: string
  readonly obliged: readonly string[]
  readonly attested: string[]
}

interface ModelHold {
  readonly tx: string
  readonly organisation: string
  lifted: boolean
}

interface ModelGraph {
  readonly id: GraphId
  readonly graph: Graph
  /** Every height that changed it. */
  readonly changed: number[]
}

interface ModelContent {
  readonly about: 'person' | 'nobody' | 'nothing'
  readonly says: readonly string[]
  readonly takesBack: readonly (readonly [string, number])[]
}

/** What the model cannot know from a transaction alone and the test that made it does. */
export interface Facts {
  readonly weakKeys: readonly string[]
  /** "organisation key" for each proof that is valid, by the proof's hexadecimal. */
  readonly proofs: ReadonlyMap<string, string>
  /** The key by which a ballot is one for its very proposal. */
  readonly ballots: WeakMap<Ballot, string>
  /** Proofs of member records that hold. */
  readonly memberProofs: ReadonlySet<string>
  /** Cards with a wrong signature. */
  readonly badCards: readonly NodeCard[]
  /** What items say, by their ids. */
  readonly contents: ReadonlyMap<string, ModelContent>
  /** The approving key of each approval that is valid, by its signature's hexadecimal. */
  readonly approvals: ReadonlyMap<string, string>
  /** By the hexadecimal of two signatures that convict it: the key that made them. */
  readonly contradictions: ReadonlyMap<string, string>
  /** What each proof that a tree grew says, by its new root and its hashes. */
  readonly growth: ReadonlyMap<string, string>
}

interface ModelMembers {
  readonly organisations: readonly Organisation[]
  readonly nodes: readonly Node[]
}

interface ModelAnchor {
  readonly log: number
  readonly size: number
  readonly root: string
}

/** A key of a member or node that an act brought or ended. */
interface ModelTerm {
  readonly key: string
  /** Whose and what for. */
  readonly name: string
  readonly from: number
  until: number
}

export class Model {
  readonly #facts: Facts
  now: ModelMembers
  /** From the next epoch on; undefined: nothing changes. */
  planned: ModelMembers | undefined
  thresholds: Thresholds
  parameters: LedgerParameters
  #plannedThresholds: Thresholds | undefined
  #plannedParameters: LedgerParameters | undefined
  readonly terms: ModelTerm[] = []
  readonly #announced: { readonly node: string; version: number }[] = []
  readonly #anchors: (ModelAnchor & { readonly node: string })[] = []
  readonly convicted: { readonly node: string; readonly epoch: number; readonly height: number }[] = []
  /** Proposals carried out. */
  proposals = 0
  epoch = 0
  ends: number | undefined
  rulesVersion: number
  activation: { readonly version: number; readonly height: number } | undefined
  readonly keys: ModelKey[] = []
  readonly policies: Policy[]
  readonly graphs: ModelGraph[]
  readonly items: ModelItem[] = []
  readonly orders: ModelOrder[] = []
  readonly holds: ModelHold[] = []
  /** "key number" of everything that took its number. */
  readonly executed: string[] = []
  readonly #highest: { readonly key: string; number: number }[] = []
  height: number
  time: number

  constructor(genesis: Genesis, facts: Facts, height = 0, time = genesis.created as number) {
    this.#facts = facts
    this.now = { organisations: genesis.organisations, nodes: genesis.nodes }
    this.thresholds = genesis.thresholds
    this.parameters = genesis.parameters
    this.rulesVersion = genesis.rulesVersion
    this.policies = [...genesis.policies]
    this.graphs = genesis.graphs.map((graph) => ({ id: graphId(graph.iri), graph, changed: [0] }))
    this.height = height
    this.time = time
  }

  /** The outcome of each transaction. */
  apply(time: number, transactions: readonly Transaction[]): readonly string[] {
    this.height += 1
    if (time > this.time) this.time = time
    if (this.activation !== undefined && this.activation.height <= this.height) {
      this.rulesVersion = this.activation.version
      this.activation = undefined
    }
    const codes = transactions.map((transaction, place) => {
      const code = this.#one(transaction)
      if (code === 'OK') this.#note(transaction, place)
      return code
    })
    if (this.ends === this.height) this.#endEpoch()
    return codes
  }

  /** Every row that is there, as quads.ts prints it. */
  quads(): readonly string[] {
    const rows = this.items.flatMap((item) => {
      const { says } = item.erased === undefined ? this.#contentOf(item) : { says: [] }
      return says.map((triple, row) => ({ item, row, triple }))
    })
    return rows
      .filter(({ item, row }) => !this.items.some((other) => this.#takesBack(other, item, row)))
      .map(({ item, row, triple }) => `${item.item} ${row} ${item.header.graph} ${triple}`)
      .sort()
  }

  #takesBack(other: ModelItem, { item, header, place }: ModelItem, row: number): boolean {
    if (other.header.graph !== header.graph || other.place.sequence < place.sequence) return false
    return this.#contentOf(other).takesBack.some(([of, which]) => of === item && which === row)
  }

  #contentOf({ item, header }: ModelItem): ModelContent {
    const content = this.#facts.contents.get(item)
    if (content === undefined) return { about: 'nothing', says: [], takesBack: [] }
    const fits = content.about === 'nothing' || (content.about === 'person') === (header.algorithm === 'pedersen')
    return fits ? content : { ...content, says: [] }
  }

  highest(key: string): number {
    return this.#highest.find((each) => each.key === key)?.number ?? 0
  }

  /** Items that stand from now on. */
  #note(transaction: Transaction, place: number): void {
    if (transaction.act.type !== 'data') return
    const tx = txIdFor(transaction)
    for (const [index, header] of transaction.act.items.entries()) {
      const where = { sequence: this.height as Sequence, transaction: place, index }
      this.items.push({ place: where, header, item: itemIdFor(tx, index), erased: undefined, holds: [] })
    }
  }

  #one(transaction: Transaction): string {
    const { key, sequence, expires, act } = transaction
    const signer = toHex(key)
    const application = this.keys.find((each) => each.key === signer)
    const organisation = this.now.organisations.find((each) => toHex(each.key) === signer)?.id
    const node = this.now.nodes.find(({ keys }) => toHex(keys.consensus) === signer)
    const ended = this.terms.some((term) => term.key === signer) && organisation === undefined && node === undefined
    if (application === undefined && organisation === undefined && node === undefined && !ended) return 'KEY_UNKNOWN'
    if (sequence > this.highest(signer) + 1024) return 'SEQUENCE_TOO_FAR'
    if (sequence <= this.highest(signer) - 1024) return 'SEQUENCE_EXPIRED'
    if (this.executed.includes(`${signer} ${sequence}`)) return 'REPEATED'
    this.#take(signer, sequence)
    if (application?.revoked || (ended && application === undefined)) return 'SIGNER_REVOKED'
    const left = application !== undefined && !this.now.organisations.some(({ id }) => id === application.organisation)
    if (left && !['erase', 'hold', 'hold-lift'].includes(act.type)) return 'SIGNER_REVOKED'
    if (this.time > expires) return 'EXPIRED'
    if (act.type === 'data') return application === undefined ? 'NOT_PERMITTED' : this.#data(application, act)
    if (act.type === 'erase') return this.#erase(application, act, txIdFor(transaction))
    if (act.type === 'hold') return this.#hold(application, act.items, txIdFor(transaction))
    if (act.type === 'hold-lift') return this.#lift(application, act.hold)
    if (act.type === 'erasure-attest') return this.#attest(node?.id, act)
    if (act.type === 'announce') return this.#announce(node?.id, act.version)
    if (act.type === 'anchor') return this.#anchor(node?.id, act)
    if (act.type === 'evidence') return this.#evidence(node?.id, act)
    if (organisation === undefined || application !== undefined) return 'NOT_PERMITTED'
    switch (act.type) {
      case 'govern':
        return this.#govern(act)
      case 'key-add':
        return this.#keyAdd(organisation, act)
      case 'key-revoke':
        return this.#keyRevoke(organisation, act.key)
      case 'policy-add':
        return this.#policyAdd(organisation, act.policy)
      case 'graph-add':
        return this.#graphAdd(organisation, act.graph)
    }
  }

  #take(signer: string, sequence: number): void {
    this.executed.push(`${signer} ${sequence}`)
    const before = this.#highest.find((each) => each.key === signer)
    if (before === undefined) this.#highest.push({ key: signer, number: sequence })
    else if (sequence > before.number) before.number = sequence
  }

  #data(application: ModelKey, { items, base }: Extract<Act, { type: 'data' }>): string {
    for (const item of items) {
      const graph = this.graphs.find((each) => each.id === item.graph)?.graph
      if (graph === undefined) return 'GRAPH_UNKNOWN'
      if (!application.rights.some((each) => each.graph === item.graph && each.right === 'write'))
        return 'NOT_PERMITTED'
      if (graph.writers.length > 0 && !graph.writers.some((each) => each === application.organisation))
        return 'NOT_PERMITTED'
      const policy = this.policies.find((each) => policyId(each.name) === item.policy)
      if (policy === undefined) return 'POLICY_UNKNOWN'
      if (policy.algorithm !== item.algorithm) return 'ALGORITHM_MISMATCH'
      if (policy.carriage !== item.carriage.type) return 'CARRIAGE_MISMATCH'
    }
    for (const { graph: id, version } of base) {
      const graph = this.graphs.find((each) => each.id === id)
      if (graph === undefined) return 'GRAPH_UNKNOWN'
      if (this.height - version > 65_536) return 'BASE_TOO_OLD'
      if (version >= this.height) return 'CONFLICT'
      if (graph.changed.some((height) => height > version)) return 'CONFLICT'
    }
    for (const item of items) this.graphs.find((each) => each.id === item.graph)?.changed.push(this.height)
    return 'OK'
  }

  /** Whether every place is one of an item that this key may order about; else why not. */
  #places(key: ModelKey | undefined, places: readonly ItemPlace[]): string | readonly ModelItem[] {
    const found: ModelItem[] = []
    for (const place of places) {
      const item = this.items.find((each) => JSON.stringify(each.place) === JSON.stringify(place))
      if (item === undefined || place.sequence === this.height) return 'ITEM_UNKNOWN'
      if (!key?.rights.some((each) => each.graph === item.header.graph && each.right === 'erase'))
        return 'NOT_PERMITTED'
      const policy = this.policies.find((each) => policyId(each.name) === item.header.policy)
      if (policy?.controller !== key.organisation) return 'NOT_CONTROLLER'
      found.push(item)
    }
    return found
  }

  #erase(key: ModelKey | undefined, { items, approval }: Extract<Act, { type: 'erase' }>, tx: string): string {
    const found = this.#places(key, items)
    if (typeof found === 'string') return found
    const approver = this.keys.find((each) => each.key === toHex(approval.key))
    if (approver === undefined || approver === key || approver.revoked) return 'APPROVAL_MISSING'
    if (approver.organisation !== key?.organisation) return 'APPROVAL_MISSING'
    for (const { header } of found) {
      if (!approver.rights.some((each) => each.graph === header.graph && each.right === 'erase'))
        return 'APPROVAL_MISSING'
    }
    if (this.#facts.approvals.get(toHex(approval.signature)) !== approver.key) return 'SIGNATURE_INVALID'
    if (found.some(({ holds }) => holds.length > 0)) return 'LEGAL_HOLD'
    for (const item of found) item.erased ??= tx
    this.orders.push({ tx, obliged: this.now.nodes.map(({ id }) => id), attested: [] })
    return 'OK'
  }

  #hold(key: ModelKey | undefined, items: readonly ItemPlace[], tx: string): string {
    const found = this.#places(key, items)
    if (typeof found === 'string') return found
    for (const { holds } of found) holds.push(tx)
    this.holds.push({ tx, organisation: key?.organisation ?? '', lifted: false })
    return 'OK'
  }

  #lift(key: ModelKey | undefined, tx: string): string {
    const hold = this.holds.find((each) => each.tx === tx)
    if (hold === undefined || hold.lifted) return 'HOLD_UNKNOWN'
    if (!key?.rights.some(({ right }) => right === 'erase')) return 'NOT_PERMITTED'
    if (hold.organisation !== key.organisation) return 'NOT_CONTROLLER'
    hold.lifted = true
    for (const { holds } of this.items) if (holds.includes(tx)) holds.splice(holds.indexOf(tx), 1)
    return 'OK'
  }

  #attest(node: string | undefined, { order: tx, counts }: Extract<Act, { type: 'erasure-attest' }>): string {
    if (node === undefined) return 'NOT_PERMITTED'
    const order = this.orders.find((each) => each.tx === tx)
    if (order === undefined) return 'ORDER_UNKNOWN'
    if (!order.obliged.includes(node)) return 'NOT_PERMITTED'
    if (order.attested.includes(node)) return 'ATTESTED_BEFORE'
    if (counts.hits > 0) return 'PURGE_INCOMPLETE'
    order.attested.push(node)
    return 'OK'
  }

  #keyAdd(organisation: string, { key, rights, proof }: Extract<Act, { type: 'key-add' }>): string {
    const hex = toHex(key)
    const before = this.keys.find((each) => each.key === hex)
    if (before !== undefined && (before.revoked || before.organisation !== organisation)) return 'KEY_TAKEN'
    if (before === undefined && this.#hasUse(hex)) return 'KEY_TAKEN'
    for (const { graph: id, right } of rights) {
      const graph = this.graphs.find((each) => each.id === id)?.graph
      if (graph === undefined) return 'GRAPH_UNKNOWN'
      if (right === 'write' && graph.writers.length > 0 && !graph.writers.some((each) => each === organisation))
        return 'NOT_PERMITTED'
    }
    if (this.#facts.weakKeys.includes(hex)) return 'KEY_WEAK'
    if (this.#facts.proofs.get(toHex(proof)) !== `${organisation} ${hex}`) return 'SIGNATURE_INVALID'
    if (before === undefined) this.keys.push({ key: hex, organisation, rights, revoked: false })
    else before.rights = rights
    return 'OK'
  }

  #keyRevoke(organisation: string, id: string): string {
    const found = this.keys.find(
      (each) => keyId(Uint8Array.from(each.key.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))) === id,
    )
    if (found === undefined) return 'KEY_UNKNOWN'
    if (found.organisation !== organisation) return 'NOT_PERMITTED'
    if (found.revoked) return 'SIGNER_REVOKED'
    found.revoked = true
    return 'OK'
  }

  #policyAdd(organisation: string, policy: Policy): string {
    if (policy.controller !== organisation) return 'NOT_CONTROLLER'
    if (this.policies.some((each) => each.name === policy.name)) return 'NAME_TAKEN'
    const supported = ['open sha256 proposal 0', 'personal pedersen proposal 0']
    const kind = `${policy.class} ${policy.algorithm} ${policy.carriage} ${policy.audience.length}`
    if (!supported.includes(kind)) return 'POLICY_UNSUPPORTED'
    this.policies.push(policy)
    return 'OK'
  }

  #graphAdd(organisation: string, graph: Graph): string {
    if (graph.owner !== organisation) return 'NOT_CONTROLLER'
    if (this.graphs.some((each) => each.graph.iri === graph.iri)) return 'NAME_TAKEN'
    if (!this.policies.some((each) => each.name === graph.policy)) return 'POLICY_UNKNOWN'
    this.graphs.push({ id: graphId(graph.iri), graph, changed: [this.height] })
    return 'OK'
  }

  /** Whether a member or node has or had this key, or will have. */
  #hasUse(hex: string): boolean {
    return keysOf(this.now).some(({ key }) => key === hex) || this.terms.some(({ key }) => key === hex)
  }

  #announce(node: string | undefined, version: number): string {
    if (node === undefined) return 'NOT_PERMITTED'
    const before = this.#announced.find((each) => each.node === node)
    if (version <= (before?.version ?? 0)) return 'ANNOUNCED_BEFORE'
    if (before === undefined) this.#announced.push({ node, version })
    else before.version = version
    return 'OK'
  }

  /** By the key that a node has now. */
  lastAnchor(key: string): ModelAnchor | undefined {
    const node = this.now.nodes.find(({ keys }) => toHex(keys.consensus) === key)
    return this.#anchors.findLast((each) => each.node === node?.id)
  }

  #anchor(node: string | undefined, { log, size, root, consistency }: Extract<Act, { type: 'anchor' }>): string {
    if (node === undefined) return 'NOT_PERMITTED'
    const own = this.#anchors.filter((each) => each.node === node)
    const of = own.filter((each) => each.log === log)
    if (own.some((each) => each.log > log)) return 'ANCHOR_OUTDATED'
    if (of.some((each) => each.size > size || (each.size === size && each.root === root))) return 'ANCHOR_OUTDATED'
    const last = of.at(-1)
    const proof = this.#facts.growth.get([root, ...consistency.map(toHex)].join(' '))
    const isGrown =
      last === undefined ? consistency.length === 0 : proof === `${last.size} ${last.root} ${size}` && size > last.size
    if (!isGrown) return 'ANCHOR_CONTRADICTED'
    this.#anchors.push({ node, log, size, root })
    return 'OK'
  }

  #evidence(node: string | undefined, { key, contradiction }: Extract<Act, { type: 'evidence' }>): string {
    if (node === undefined) return 'NOT_PERMITTED'
    const { culprit, first, second } = contradiction
    const { epoch } = first.statement
    const name = `${culprit} consensus ${toHex(key)}`
    const isPresent = keysOf(this.now).some((each) => each.name === name)
    const term = this.terms.find((each) => each.name === name)
    const endedLately = term !== undefined && this.height <= term.until + this.parameters.window
    if (!isPresent && (!endedLately || term.until === Number.POSITIVE_INFINITY)) return 'KEY_UNKNOWN'
    if (this.convicted.some((each) => each.node === culprit && each.epoch >= epoch)) return 'EVIDENCE_KNOWN'
    const pair = `${toHex(first.signature)} ${toHex(second.signature)}`
    if (epoch > this.epoch || this.#facts.contradictions.get(pair) !== toHex(key)) return 'EVIDENCE_EMPTY'
    this.convicted.push({ node: culprit, epoch, height: this.height })
    return 'OK'
  }

  #govern({ proposal, ballots }: Extract<Act, { type: 'govern' }>): string {
    const { number, closes, change } = proposal
    if (number !== this.proposals + 1) return 'PROPOSAL_OUTDATED'
    if (this.time > closes) return 'PROPOSAL_CLOSED'
    if (ballots.length < (change.type === 'roster' ? this.thresholds.roster : this.thresholds.rules))
      return 'THRESHOLD_NOT_MET'
    for (const ballot of ballots) {
      const member = this.now.organisations.find(({ id }) => id === ballot.organisation)
      if (member === undefined) return 'NOT_PERMITTED'
      if (this.#facts.ballots.get(ballot) !== toHex(member.key)) return 'SIGNATURE_INVALID'
    }
    const code =
      change.type === 'roster'
        ? this.#roster(change)
        : change.type === 'rules'
          ? this.#rules(change)
          : this.#setParameters(change.parameters)
    if (code === 'OK') this.proposals += 1
    return code
  }

  #rules({ version, height }: Extract<Change, { type: 'rules' }>): string {
    if (version <= this.rulesVersion || this.activation !== undefined) return 'ACTIVATION_INVALID'
    if (height < this.height + this.parameters.window) return 'ACTIVATION_INVALID'
    if (!this.#allKnow(version, this.planned ?? this.now)) return 'VERSION_NOT_ANNOUNCED'
    this.activation = { version, height }
    return 'OK'
  }

  #allKnow(version: number, after: ModelMembers): boolean {
    return [...this.now.nodes, ...after.nodes]
      .filter(({ role }) => role === 'validator')
      .every(({ id }) => this.#announced.some((each) => each.node === id && each.version >= version))
  }

  /** The histories draw only intervals and windows: everything else of the parameters is in range. */
  #setParameters(parameters: LedgerParameters): string {
    const { checkpointInterval: after, window } = parameters
    const { checkpointInterval: before } = this.parameters
    if (window % after !== 0 || window < 2 * after) return 'PARAMETERS_INVALID'
    if (after % before !== 0 && before % after !== 0) return 'PARAMETERS_INVALID'
    if (this.ends !== undefined && this.ends % after !== 0) return 'PARAMETERS_INVALID'
    this.#plannedParameters = parameters
    this.#plan((height) => height % before === 0 && height % after === 0)
    return 'OK'
  }

  #plan(fits: (height: number) => boolean): void {
    if (this.ends !== undefined) return
    let end = this.height + this.parameters.window
    while (!fits(end)) end++
    this.ends = end
  }

  #roster(change: RosterChange): string {
    const before = this.planned ?? this.now
    const { leaving, leavingNodes, members, cards, thresholds } = change
    const isHere = (id: string): boolean => before.organisations.some((each) => each.id === id)
    if (!leaving.every(isHere) || !members.every(({ organisation }) => isHere(organisation.id))) return 'ROSTER_INVALID'
    if (!leavingNodes.every((id) => before.nodes.some((node) => node.id === id))) return 'ROSTER_INVALID'
    if (!members.every(({ proof }) => this.#facts.memberProofs.has(toHex(proof)))) return 'SIGNATURE_INVALID'
    let organisations = before.organisations.filter(({ id }) => !leaving.includes(id))
    let nodes = before.nodes.filter(({ id }) => !leavingNodes.includes(id))
    for (const { organisation } of members)
      organisations = [...organisations.filter(({ id }) => id !== organisation.id), organisation]
    for (const card of cards) {
      const known = organisations.find(({ id }) => id === card.organisation.id)
      if (known !== undefined && known.name !== card.organisation.name) return 'CARD_INVALID'
      if (known !== undefined && toHex(known.key) !== toHex(card.organisation.key)) return 'CARD_INVALID'
      if (this.#facts.badCards.includes(card)) return 'SIGNATURE_INVALID'
      organisations = [...organisations.filter(({ id }) => id !== card.organisation.id), card.organisation]
      nodes = [...nodes.filter(({ id }) => id !== card.node.id), card.node]
    }
    const after = { organisations, nodes }
    const code = this.#setFault(before, after, thresholds)
    if (code !== undefined) return code
    this.#plan((height) => height % this.parameters.checkpointInterval === 0)
    this.planned = after
    this.#plannedThresholds = thresholds
    this.#turnKeys(before, after)
    return 'OK'
  }

  #setFault(before: ModelMembers, after: ModelMembers, { roster, rules }: Thresholds): string | undefined {
    const { organisations, nodes } = after
    const validators = nodes.filter(({ role }) => role === 'validator')
    const hasHome = nodes.every((node) => organisations.some(({ id }) => id === node.organisation))
    if (validators.length < 4 || !hasHome) return 'ROSTER_INVALID'
    if (Math.min(roster, rules) < 1 || Math.max(roster, rules) > organisations.length) return 'ROSTER_INVALID'
    for (const { id } of organisations) {
      const own = validators.filter(({ organisation }) => organisation === id)
      if (own.length * 3 > validators.length - 1) return 'ORGANISATION_TOO_LARGE'
    }
    const held = keysOf(before)
    const added = keysOf(after).filter(({ name }) => !held.some((each) => each.name === name))
    const isTaken = ({ key }: { readonly key: string }): boolean =>
      this.#hasUse(key) || held.some((each) => each.key === key) || this.keys.some((each) => each.key === key)
    if (added.some(isTaken)) return 'KEY_TAKEN'
    if (this.activation !== undefined && !this.#allKnow(this.activation.version, after)) return 'VERSION_NOT_ANNOUNCED'
    return undefined
  }

  #turnKeys(before: ModelMembers, after: ModelMembers): void {
    const last = this.ends ?? 0
    const [held, kept] = [keysOf(before), keysOf(after)]
    for (const { name, key } of held) {
      if (kept.some((each) => each.name === name)) continue
      const term = this.terms.find((each) => each.key === key)
      if (term === undefined) this.terms.push({ key, name, from: 0, until: last })
      else term.until = last
    }
    for (const { name, key } of kept) {
      if (!held.some((each) => each.name === name))
        this.terms.push({ key, name, from: last + 1, until: Number.POSITIVE_INFINITY })
    }
  }

  #endEpoch(): void {
    this.now = this.planned ?? this.now
    this.thresholds = this.#plannedThresholds ?? this.thresholds
    this.parameters = this.#plannedParameters ?? this.parameters
    this.planned = undefined
    this.#plannedThresholds = undefined
    this.#plannedParameters = undefined
    this.ends = undefined
    this.epoch += 1
  }
}

/** Keys that sign, under a name that tells whose and what for. */
function keysOf({ organisations, nodes }: ModelMembers): readonly { readonly name: string; readonly key: string }[] {
  const held = [
    ...organisations.map(({ id, key }) => ({ holder: `${id} organisation`, key })),
    ...nodes.flatMap(({ id, keys: { consensus, transport, checkpoint } }) => [
      { holder: `${id} consensus`, key: consensus },
      { holder: `${id} transport`, key: transport },
      { holder: `${id} checkpoint`, key: checkpoint },
    ]),
  ]
  return held.map(({ holder, key }) => ({ name: `${holder} ${toHex(key)}`, key: toHex(key) }))
}
