// What is to be known before persons' items are erased or handed out: which items, under which holds, what others say of the
// person, and who holds copies.

import { DataFactory } from 'n3'
import { LedgerError } from '../base/errors.ts'
import type { ItemId, TxId } from '../base/ids.ts'
import type { ItemPlace } from '../ledger/erasure-acts.ts'
import type { Node } from '../ledger/records.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { StoredRow } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import type { HandedOut, LocalAudit } from './local-audit.ts'
import type { LedgerMachine } from './machine.ts'
import { Persons, type Selection } from './persons.ts'

export interface OverviewItem {
  readonly item: ItemId
  readonly place: ItemPlace
  readonly graph: string
  readonly policy: string
  /** Rows that it asserts. */
  readonly quads: number
  /** How many persons it names. */
  readonly subjects: number
  /** Transactions that keep it from being erased. */
  readonly holds: readonly TxId[]
}

export interface Overview {
  readonly items: readonly OverviewItem[]
  /** By graph: quads that name the person and stand in none of these items. They stay. */
  readonly references: readonly { readonly graph: string; readonly quads: number }[]
  /** Names of the nodes that hold copies. */
  readonly copies: readonly string[]
  /**
   * Exports and backups that left one node since the first of these items, which may hold them: no erasure reaches those. What
   * left the others, only their own local logs tell; a node serves them to its own machine alone.
   */
  readonly handedOut: HandedOut & {
    /** Name of the node that was asked. */
    readonly node: string
    /** Names of those that hold copies and were not. */
    readonly unasked: readonly string[]
  }
}

export interface Overviews {
  readonly persons: Persons
  readonly machine: LedgerMachine
  readonly store: Pick<Store, 'match' | 'countQuads'>
  readonly local: Pick<LocalAudit, 'handedOut'>
  /** Of this node. */
  readonly name: string
}

export interface OverviewSources {
  readonly machine: LedgerMachine
  readonly store: Store
  readonly blocks: BlockArchive
  readonly local: Pick<LocalAudit, 'handedOut'>
  /** Whose items it is about. */
  readonly member: Pick<Node, 'organisation' | 'name'> | undefined
}

/** @throws LedgerError NODE_UNKNOWN for a node that is of no organisation */
export function overviewsOf({ machine, store, blocks, local, member }: OverviewSources): Overviews {
  if (member === undefined) throw new LedgerError('NODE_UNKNOWN')
  const { organisation, name } = member
  return { persons: new Persons({ organisation, machine, store, blocks }), machine, store, local, name }
}

export async function overview(
  { persons, machine, store, local, name }: Overviews,
  selection: Selection,
): Promise<Overview> {
  const chosen = await persons.select(selection)
  const items: OverviewItem[] = []
  const own = new Set<string>()
  for (const each of chosen) {
    const rows = await persons.rows(each)
    for (const row of rows) own.add(textOf(row, each.graph))
    const { item, place, graph, policy, subjects } = each
    const holds = machine.ledger.holdsOn(item)
    items.push({ item, place, graph, policy: policy.name, quads: rows.length, subjects: subjects.length, holds })
  }
  const references = selection.type === 'person' ? await referencesTo(store, selection.person, own) : []
  const since = Math.min(...chosen.map(({ time }) => time))
  const handedOut = await local.handedOut(since, new Set(chosen.flatMap(({ subjects }) => subjects)))
  const copies = machine.ledger
    .nodes()
    .map((node) => node.name)
    .sort()
  const unasked = copies.filter((copy) => copy !== name)
  return { items, references, copies, handedOut: { ...handedOut, node: name, unasked } }
}

/** The quads of a person's items that hold now. */
export async function* personQuads(
  { persons, store }: Overviews,
  person: string,
): AsyncGenerator<StoredRow & { readonly graph: string }, void, undefined> {
  const given = new Set<string>()
  for (const item of await persons.select({ type: 'person', person })) {
    for (const row of await persons.rows(item)) {
      const text = textOf(row, item.graph)
      const graph = DataFactory.namedNode(item.graph)
      if (given.has(text) || (await store.countQuads(row.subject, row.predicate, row.object, graph)) === 0) continue
      given.add(text)
      yield { ...row, graph: item.graph }
    }
  }
}

async function referencesTo(
  store: Overviews['store'],
  person: string,
  own: ReadonlySet<string>,
): Promise<Overview['references']> {
  const iri = DataFactory.namedNode(person)
  const counts = new Map<string, number>()
  for (const quads of [store.match(iri), store.match(null, null, iri)]) {
    for await (const quad of quads) {
      if (!own.has(textOf(quad, quad.graph.value)))
        counts.set(quad.graph.value, (counts.get(quad.graph.value) ?? 0) + 1)
    }
  }
  return [...counts].map(([graph, quads]) => ({ graph, quads }))
}

function textOf({ subject, predicate, object }: StoredRow, graph: string): string {
  const literal = object.termType === 'Literal' ? [object.datatype.value, object.language] : []
  return JSON.stringify([graph, subject.value, predicate.value, object.termType, object.value, ...literal])
}
