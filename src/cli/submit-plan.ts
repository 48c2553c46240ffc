// What a submission would be, before anything is sent: transactions, items, sizes and classes (`--dry-run`), and why each
// quad stands in its item (`--explain`).

import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { encode, type JsonValue } from '../base/schema.ts'
import { padPart } from '../ledger/items.ts'
import { assertionsSchema } from '../ledger/payload.ts'
import { type ExplainedItem, explain, type RdfQuad } from '../ledger/profile.ts'
import type { Policy } from '../ledger/records.ts'
import type { Draft } from '../node/ingest.ts'

export interface Plan {
  add(draft: Draft): void
  readonly json: { readonly [name: string]: JsonValue }
  readonly lines: readonly string[]
}

interface GraphPlan {
  readonly policy: Policy
  items: number
  quads: number
  bytes: number
  readonly dataSubjects: Set<string>
}

export function openPlan(): Plan {
  const total = { transactions: 0, quads: 0, items: 0, bytes: 0, largest: 0 }
  const graphs = new Map<string, GraphPlan>()
  return {
    add({ skolem, items, quads }) {
      let whole = 0
      for (const { graph, policy, subjects, terms, triples } of items) {
        const bytes = padPart(encode(assertionsSchema, { skolem, subjects, terms, triples })).length
        const known = graphs.get(graph) ?? { policy, items: 0, quads: 0, bytes: 0, dataSubjects: new Set() }
        known.items++
        known.quads += triples.length
        known.bytes += bytes
        for (const subject of subjects) known.dataSubjects.add(subject)
        graphs.set(graph, known)
        whole += bytes
      }
      total.transactions++
      total.quads += quads
      total.items += items.length
      total.bytes += whole
      total.largest = Math.max(total.largest, whole)
    },
    get json() {
      return {
        ...total,
        graphs: [...graphs].map(([graph, { policy, items, quads, bytes, dataSubjects }]) => ({
          graph,
          policy: policy.name,
          class: policy.class,
          items,
          quads,
          bytes,
          dataSubjects: dataSubjects.size,
        })),
      }
    },
    get lines() {
      const { transactions, quads, items, bytes, largest } = total
      return [
        `Would submit ${quads} quads, ${items} items, ${transactions} transactions: ${bytes} bytes, at most ${largest} in one.`,
        ...[...graphs].map(([graph, plan]) => `  ${graph}: ${describe(plan)}`),
        'Nothing was sent.',
      ]
    },
  }
}

function describe({ policy, items, quads, bytes, dataSubjects }: GraphPlan): string {
  const persons = dataSubjects.size > 0 ? `, ${dataSubjects.size} data subjects` : ''
  return `policy ${policy.name} (${policy.class}), ${quads} quads in ${items} items, ${bytes} bytes${persons}`
}

/** Items that are listed; the rest is only counted. */
const listedMax = 200

export interface Explanation {
  add(quads: readonly RdfQuad[]): void
  /** Whom each item concerns and why, as JSON and as lines. */
  end(): { readonly json: JsonValue; readonly lines: readonly string[] }
}

/** `graph`: of quads that name none. @throws LedgerError INPUT_TOO_LARGE */
export function openExplanation(
  graph: string | undefined,
  policyOf: (graph: string) => Policy | undefined,
): Explanation {
  const all: RdfQuad[] = []
  return {
    add(quads) {
      if (all.length + quads.length > limits.ingestPersonalQuadsMax) {
        throw new LedgerError('INPUT_TOO_LARGE', {
          part: 'what --explain looks at',
          quads: limits.ingestPersonalQuadsMax,
        })
      }
      for (const { subject, predicate, object, graph: own } of quads) {
        const value = own.termType === 'DefaultGraph' ? (graph ?? '') : own.value
        all.push({ subject, predicate, object, graph: { termType: 'NamedNode', value } })
      }
    },
    end() {
      const items = explain(all, (name) => policyOf(name)?.class === 'personal')
      const told = items.slice(0, listedMax).map((item) => ({ item, reasons: countReasons(item) }))
      return {
        json: told.map(({ item, reasons }) => ({
          graph: item.graph,
          class: policyOf(item.graph)?.class ?? '',
          dataSubjects: [...item.subjects],
          quads: item.quads.length,
          because: reasons,
        })),
        lines: [
          ...told.map(({ item, reasons }) => line(item, reasons)),
          ...(items.length > listedMax ? [`  and ${items.length - listedMax} items more`] : []),
          ...warning(items, policyOf),
        ],
      }
    },
  }
}

const words: Readonly<Record<ExplainedItem['quads'][number]['reason']['type'], string>> = {
  open: 'concerns no data subject',
  person: 'is about a data subject',
  path: 'is about something whose path leads to a data subject',
  blank: 'hangs from what concerns them',
  'personal-graph': 'stands in a personal graph',
  'points-at': 'points at a data subject',
  moved: 'concerns a data subject, but its graph is not personal',
}

function countReasons({ quads }: ExplainedItem): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const { reason } of quads) counts.set(reason.type, (counts.get(reason.type) ?? 0) + 1)
  return Object.fromEntries(counts)
}

function line({ graph, subjects, quads }: ExplainedItem, reasons: Readonly<Record<string, number>>): string {
  const who = subjects.length === 0 ? 'nobody' : subjects.join(', ')
  const why = Object.entries(reasons).map(([type, count]) => `${count} ${words[type as keyof typeof words]}`)
  return `  ${graph}: ${quads.length} quads about ${who} (${why.join('; ')})`
}

/** A graph has one policy: what concerns persons elsewhere is not found when they are erased. */
function warning(items: readonly ExplainedItem[], policyOf: (graph: string) => Policy | undefined): readonly string[] {
  const astray = items.filter((item) => item.class === 'personal' && policyOf(item.graph)?.class !== 'personal')
  if (astray.length === 0) return []
  const quads = astray.reduce((sum, item) => sum + item.quads.length, 0)
  return [`${quads} quads concern persons but go to graphs that are not personal: an erasure will not find them there.`]
}
