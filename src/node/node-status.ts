// What a node says of itself to people, programs and metrics; nothing decides on it.

import { type Digest, type LedgerId, type NodeId, nodeIdOf } from '../base/ids.ts'
import { type FaultModel, faultModelOf, quorumOf } from '../consensus/quorum.ts'
import type { Node } from '../ledger/records.ts'
import type { Store } from '../store/store.ts'
import type { AnchorStatus } from './anchors.ts'
import type { EvidenceFiles } from './evidence-files.ts'
import type { LocalAudit } from './local-audit.ts'
import type { Runtime } from './runtime.ts'

export interface NodeStatus {
  readonly ledger: LedgerId
  readonly name: string
  readonly node: NodeId
  readonly nodeName: string
  readonly organisation: string
  readonly protocol: string
  /** What its certificates prove. */
  readonly faults: FaultModel
  /** Height of the last executed block, and the hash of its header. */
  readonly height: number
  readonly head: Digest
  /** Height up to which a quorum is known to have the same result. */
  readonly final: number
  readonly stable: number
  readonly logSize: number
  readonly logRoot: Digest
  readonly quads: number
  readonly epoch: number
  /** The last height of this epoch, once an act has set it. */
  readonly epochEnds: number | null
  /** What this node is on the ledger now: none before it joined and after it left. */
  readonly role: Node['role'] | 'none'
  readonly round: number
  readonly leader: string
  readonly state: string
  /** What this node waits for, in one sentence; empty when nothing. */
  readonly note: string
  readonly validators: number
  readonly quorum: number
  readonly connected: readonly string[]
  readonly missing: readonly string[]
  /** Whether a quorum of validators, this node included where it is one, is connected. */
  readonly quorumConnected: boolean
  readonly waiting: number
  /** Whether it answers from its copy: not before it has caught up with the others. */
  readonly serves: boolean
  /** How many pieces of evidence against validators it keeps, and against whom. */
  readonly evidence: number
  readonly accused: readonly string[]
  /** Validators that contradicted themselves, as the log shows: in which epoch last, and the height that says so. */
  readonly convicted: readonly { readonly name: string; readonly epoch: number; readonly height: number }[]
  /** IRIs of graphs of which this node holds other quads than the others: they answer nothing. */
  readonly diverged: readonly string[]
  /** Peers that hold other quads of some graph than this node, where too few say so to tell who is wrong. */
  readonly differing: readonly string[]
  /** How far its local log is anchored. */
  readonly local: AnchorStatus
  /** The height that each other validator told last, by its name. */
  readonly heights: Readonly<Record<string, number>>
}

export interface NodeStatusSources {
  readonly runtime: Runtime
  readonly store: Store
  readonly evidence: EvidenceFiles
  readonly local: Pick<LocalAudit, 'anchored'>
  readonly member: Pick<Node, 'name' | 'organisation'> | undefined
  readonly self: NodeId
}

export async function nodeStatus(sources: NodeStatusSources): Promise<NodeStatus> {
  const { runtime, store, evidence, local, member, self } = sources
  const { machine, mesh } = runtime
  const { ledger, applied } = machine
  const core = runtime.status()
  const kept = evidence.list()
  const nameOf = (id: NodeId): string => ledger.node(id)?.name ?? id
  const { validators } = ledger.roster()
  const others = validators.filter(({ node }) => node !== self)
  const votes = others.length < validators.length
  const peers = mesh.peers()
  const connected = others.filter(({ node }) => peers.includes(node))
  const faults = faultModelOf(ledger.genesis.protocol)
  const quorum = quorumOf(faults, validators.length)
  return {
    ledger: ledger.id,
    name: ledger.genesis.name,
    node: self,
    nodeName: member?.name ?? self,
    organisation: member?.organisation ?? '',
    protocol: ledger.genesis.protocol,
    faults,
    height: applied.sequence,
    head: applied.block,
    final: runtime.final()?.result.sequence ?? 0,
    stable: core.stable,
    logSize: applied.logSize,
    logRoot: applied.logRoot,
    quads: await store.countQuads(),
    epoch: ledger.roster().epoch,
    round: core.round,
    leader: nameOf(core.leader),
    state: core.state,
    note: core.note.replace(/\b[0-9a-f]{32}\b/g, (id) => nameOf(nodeIdOf(id))),
    role: ledger.node(self)?.role ?? 'none',
    epochEnds: ledger.governance().ends ?? null,
    validators: validators.length,
    quorum,
    connected: connected.map(({ node }) => nameOf(node)),
    missing: others.filter((other) => !connected.includes(other)).map(({ node }) => nameOf(node)),
    quorumConnected: connected.length + (votes ? 1 : 0) >= quorum,
    waiting: core.waiting,
    serves: runtime.heights.serve(),
    evidence: kept.length,
    accused: [...new Set(kept.map(({ culprit }) => nameOf(culprit)))],
    convicted: ledger.convictions().map(([node, conviction]) => ({ name: nameOf(node), ...conviction })),
    diverged: [...runtime.comparison.diverged.keys()],
    differing: runtime.comparison.differing().map(nameOf),
    local: local.anchored(),
    heights: Object.fromEntries(
      others.flatMap(({ node }): readonly [string, number][] => {
        const height = runtime.heights.of(node)
        return height === undefined ? [] : [[nameOf(node), height]]
      }),
    ),
  }
}
