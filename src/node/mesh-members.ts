// Whom the mesh admits and dials: the nodes of the ledger as its state has them now, those that are planned to come, so that they
// can catch up before they vote, and until the ledger names anybody else those that this node was told to begin with.

import type { NodeId, Sequence } from '../base/ids.ts'
import type { Members } from '../ledger/members.ts'
import type { Node } from '../ledger/records.ts'
import type { Member } from '../p2p/admission.ts'

/** What of the ledger it follows. */
export interface MemberSource {
  readonly height: Sequence
  nodes(): readonly Node[]
  plannedMembers(): Members
}

export class MeshMembers {
  readonly #ledger: MemberSource
  readonly #bootstrap: readonly Node[]
  /** Nodes that left since this one started: they are told so. */
  readonly #left: Map<NodeId, Node> = new Map()
  #height = -1
  #members: readonly Member[] = []

  /** `bootstrap`: nodes to begin with, for one that joins when those of the genesis are gone. */
  constructor(ledger: MemberSource, bootstrap: readonly Node[]) {
    this.#ledger = ledger
    this.#bootstrap = bootstrap
  }

  /** Asked often: computed once for each height. */
  now(): readonly Member[] {
    const { height } = this.#ledger
    if (height === this.#height) return this.#members
    const nodes = new Map(this.#bootstrap.map((node) => [node.id, node]))
    for (const node of this.#ledger.plannedMembers().nodes.values()) nodes.set(node.id, node)
    // Until the change, a node is where it is now.
    for (const node of this.#ledger.nodes()) nodes.set(node.id, node)
    for (const { node } of this.#members) if (!nodes.has(node)) this.#keepLeft(node)
    for (const id of nodes.keys()) this.#left.delete(id)
    this.#height = height
    this.#members = [
      ...[...nodes.values()].map((node) => memberOf(node, false)),
      ...[...this.#left.values()].map((node) => memberOf(node, true)),
    ]
    this.#known = nodes
    return this.#members
  }

  #known: ReadonlyMap<NodeId, Node> = new Map()

  #keepLeft(id: NodeId): void {
    const node = this.#known.get(id)
    if (node !== undefined) this.#left.set(id, node)
  }
}

function memberOf({ id, keys, addresses }: Node, suspended: boolean): Member {
  return { node: id, transportKey: keys.transport, addresses, suspended }
}
