// The rules again, plain and slow: lists that are searched from the front, and a history that forgets nothing. It shares no
// code with src/ledger beyond the formats, so that a mistake has to be made twice to go unnoticed.

import { toHex } from '../../src/base/bytes.ts'
import { graphId, keyId, policyId } from '../../src/base/hash.ts'
import type { Sequence } from '../../src/base/ids.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import type { Genesis } from '../../src/ledger/genesis.ts'
import type { Graph, Policy } from '../../src/ledger/records.ts'
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
  readonly attested: string[]
}

interface ModelHold {
  readonly tx: string
  readonly organisation: string
  lifted: boolean
}

interface ModelGraph {
  readonly graph: Graph
  /** Every height that changed it. */
  readonly changed: number[]
}

/** What the model cannot know from a transaction alone and the test that made it does. */
export interface Facts {
  readonly weakKeys: readonly string[]
  /** "organisation key" for each proof that is valid, by the proof's hexadecimal. */
  readonly proofs: ReadonlyMap<string, string>
  /** The approving key of each approval that is valid, by its signature's hexadecimal. */
  readonly approvals: ReadonlyMap<string, string>
}

export class Model {
  readonly #genesis: Genesis
  readonly #facts: Facts
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
    this.#genesis = genesis
    this.#facts = facts
    this.policies = [...genesis.policies]
    this.graphs = genesis.graphs.map((graph) => ({ graph, changed: [0] }))
    this.height = height
    this.time = time
  }

  /** The outcome of each transaction. */
  apply(time: number, transactions: readonly Transaction[]): readonly string[] {
    this.height += 1
    if (time > this.time) this.time = time
    return transactions.map((transaction, place) => {
      const code = this.#one(transaction)
      if (code === 'OK') this.#note(transaction, place)
      return code
    })
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
    const organisation = this.#genesis.organisations.find((each) => toHex(each.key) === signer)?.id
    const node = this.#genesis.nodes.find(({ keys }) => toHex(keys.consensus) === signer)
    if (application === undefined && organisation === undefined && node === undefined) return 'KEY_UNKNOWN'
    if (sequence > this.highest(signer) + 1024) return 'SEQUENCE_TOO_FAR'
    if (sequence <= this.highest(signer) - 1024) return 'SEQUENCE_EXPIRED'
    if (this.executed.includes(`${signer} ${sequence}`)) return 'REPEATED'
    this.#take(signer, sequence)
    if (application?.revoked) return 'SIGNER_REVOKED'
    if (this.time > expires) return 'EXPIRED'
    if (act.type === 'data') return application === undefined ? 'NOT_PERMITTED' : this.#data(application, act)
    if (act.type === 'erase') return this.#erase(application, act, txIdFor(transaction))
    if (act.type === 'hold') return this.#hold(application, act.items, txIdFor(transaction))
    if (act.type === 'hold-lift') return this.#lift(application, act.hold)
    if (act.type === 'erasure-attest') return this.#attest(node?.id, act)
    if (organisation === undefined || application !== undefined) return 'NOT_PERMITTED'
    switch (act.type) {
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
      const graph = this.graphs.find((each) => graphId(each.graph.iri) === item.graph)?.graph
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
      const graph = this.graphs.find((each) => graphId(each.graph.iri) === id)
      if (graph === undefined) return 'GRAPH_UNKNOWN'
      if (this.height - version > 65_536) return 'BASE_TOO_OLD'
      if (version >= this.height) return 'CONFLICT'
      if (graph.changed.some((height) => height > version)) return 'CONFLICT'
    }
    for (const item of items)
      this.graphs.find((each) => graphId(each.graph.iri) === item.graph)?.changed.push(this.height)
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
    this.orders.push({ tx, attested: [] })
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
    if (order.attested.includes(node)) return 'ATTESTED_BEFORE'
    if (counts.hits > 0 || counts.probes === 0) return 'PURGE_INCOMPLETE'
    order.attested.push(node)
    return 'OK'
  }

  #keyAdd(organisation: string, { key, rights, proof }: Extract<Act, { type: 'key-add' }>): string {
    const hex = toHex(key)
    const before = this.keys.find((each) => each.key === hex)
    if (before !== undefined && (before.revoked || before.organisation !== organisation)) return 'KEY_TAKEN'
    if (this.#genesis.organisations.some((each) => toHex(each.key) === hex)) return 'KEY_TAKEN'
    const ofNodes = this.#genesis.nodes.flatMap(({ keys }) =>
      [keys.consensus, keys.transport, keys.checkpoint].map(toHex),
    )
    if (ofNodes.includes(hex)) return 'KEY_TAKEN'
    for (const { graph: id, right } of rights) {
      const graph = this.graphs.find((each) => graphId(each.graph.iri) === id)?.graph
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
    this.graphs.push({ graph, changed: [this.height] })
    return 'OK'
  }
}
