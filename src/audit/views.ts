// What people read in a bundle beside the log: tables, provenance and a report. All of it is a function of the replayed blocks
// and of the filter that the manifest names, so export writes it and verify makes it again and compares every byte. A filter
// chooses rows of the views; the log itself is always whole, so nothing is hidden by it.

import { toHex, utf8 } from '../base/bytes.ts'
import type { LedgerId, OrganisationId } from '../base/ids.ts'
import { quorumOf } from '../consensus/quorum.ts'
import type { Roster } from '../consensus/roster.ts'
import { csvRow } from './csv.ts'
import { type EventView, passes, type ViewFilter } from './filter.ts'
import type { TreeHead } from './log.ts'
import { policyText, validatorKeys } from './note.ts'
import { activityOf, agentOf } from './provenance.ts'
import type { CheckpointKey, Processing, Replay, Replayed } from './replay.ts'
import { type ReportFacts, reportPage } from './report.ts'
import { ReportTotals } from './report-totals.ts'
import { type DerivedFile, TextPieces } from './text-pieces.ts'

/** In force for a block. */
export interface InForce {
  readonly roster: Roster
  readonly checkpointKeys: readonly CheckpointKey[]
}

/** What is known when all blocks were seen. */
export interface ViewEnd extends InForce {
  readonly head: TreeHead
  readonly quorum: number
  readonly register: readonly Processing[]
}

export interface ViewOptions {
  readonly ledger: LedgerId
  readonly filter: readonly ViewFilter[]
  readonly reader: OrganisationId | undefined
  readonly faults: ReportFacts['faults']
  readonly created: number
}

/** What the leaf of a transaction says. */
type TransactionLeaf = Pick<EventView, 'index' | 'tx' | 'act' | 'outcome' | 'organisation' | 'key'>

const eventColumns = csvRow([
  'seq',
  'time',
  'height',
  'index',
  'act',
  'outcome',
  'organisation',
  'key',
  'items',
  'graphs',
  'tx',
])
const registerColumns = csvRow([
  'policy',
  'controller',
  'class',
  'purpose',
  'legal basis',
  'retention days',
  'audience',
])

export class Views {
  readonly #options: ViewOptions
  readonly #csv = new TextPieces('csv', eventColumns)
  readonly #provenance = new TextPieces('provenance')
  readonly #acts = new TextPieces('acts')
  readonly #totals: ReportTotals
  readonly #validators: string[] = []
  /** Keys whose organisation was said. */
  readonly #agents = new Set<string>()
  #epoch = -1
  #size = 0
  #height = 0

  constructor(options: ViewOptions) {
    this.#options = options
    this.#totals = new ReportTotals(options.reader, options.created)
  }

  /** Takes the next block, and gives the files that are complete now. */
  add(replayed: Replayed, { roster, checkpointKeys }: InForce): readonly DerivedFile[] {
    const { header, entries, acts } = replayed
    if (roster.epoch !== this.#epoch) this.#validators.push(validatorsLine(header.sequence, roster, checkpointKeys))
    this.#epoch = roster.epoch
    this.#totals.block(replayed)
    entries.forEach((entry, place) => {
      const act = acts[place - 1]
      if (act === undefined) return
      const { index, tx, act: name, outcome, organisation, key } = entry as unknown as TransactionLeaf
      const { time, sequence: height } = header
      this.#take({ ...act, seq: this.#size + place, time, height, index, tx, act: name, outcome, organisation, key })
    })
    this.#size += entries.length
    this.#height = header.sequence
    return [this.#csv, this.#provenance, this.#acts].flatMap((pieces) => pieces.taken())
  }

  /** The rest. Call once, at the end. */
  finish({ head, quorum, register, checkpointKeys }: ViewEnd): readonly DerivedFile[] {
    const { ledger, faults, filter, reader } = this.#options
    const rows = register.map(({ name, controller, kind, purpose, legalBasis, retentionDays, audience }) =>
      csvRow([name, controller, kind, purpose, legalBasis, retentionDays, audience.join(' ')]),
    )
    const facts = { ledger, faults, filter, reader, head, quorum, register, height: this.#height }
    const single = (path: string, text: string, records = 1): DerivedFile => ({ path, bytes: utf8(text), records })
    return [
      ...[this.#csv, this.#provenance, this.#acts].flatMap((pieces) => pieces.finish()),
      single('validators.jsonl', this.#validators.join(''), this.#validators.length),
      single('register.csv', [registerColumns, ...rows].join(''), rows.length),
      single('policy', policyText(validatorKeys(ledger, checkpointKeys), quorum)),
      single('report.html', reportPage({ ...facts, validators: checkpointKeys.length }, this.#totals)),
    ]
  }

  #take(event: EventView): void {
    // Acts other than changes of data are few and govern the rest: no filter leaves them out.
    if (event.detail !== undefined) this.#acts.push(`${JSON.stringify({ ...event, time: iso(event.time) })}\n`)
    const shown = this.#options.filter.every(({ field, value }) => passes(event, field, value))
    this.#totals.event(event, shown)
    if (!shown) return
    const { seq, time, height, index, act, outcome, organisation, key, items, graphs, tx } = event
    this.#csv.push(
      csvRow([seq, iso(time), height, index, act, outcome, organisation, key, items, graphs.join(' '), tx]),
    )
    if (!this.#agents.has(key)) this.#provenance.push(agentOf(organisation, key))
    this.#agents.add(key)
    this.#provenance.push(activityOf(event))
  }
}

function validatorsLine(from: number, { epoch, validators }: Roster, keys: readonly CheckpointKey[]): string {
  const members = validators.map(({ node, organisation, key }) => {
    const checkpoint = keys.find((each) => each.node === node)?.publicKey
    return { node, organisation, key: toHex(key), checkpointKey: checkpoint === undefined ? '' : toHex(checkpoint) }
  })
  return `${JSON.stringify({ epoch, from, validators: members })}\n`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

/** What a replay stands at. */
export function viewEnd(replay: Replay, head: TreeHead): ViewEnd {
  const checkpointKeys = replay.checkpointKeys()
  const quorum = quorumOf(replay.faults, checkpointKeys.length)
  return { roster: replay.rosters()[0], checkpointKeys, head, quorum, register: replay.register() }
}
