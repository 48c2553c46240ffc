// How far a submission is: a bar where a person watches, and the numbers of the answer.

import type { JsonValue } from '../base/schema.ts'
import type { Draft } from '../node/ingest.ts'
import type { Context } from './context.ts'

export interface Progress {
  /** Bytes of the files, before anything is sent. */
  read(bytes: number): void
  /** Sending begins; `quads` in all, where that is known. */
  begin(quads: number | undefined): void
  sent(draft: Draft, height: number): void
  /** Final since an earlier run. */
  skipped(draft: Draft): void
  readonly json: Readonly<Record<string, JsonValue>>
  readonly summary: string
  /** Whether anything is final. */
  readonly begun: boolean
  /** What is final although something went wrong. */
  readonly stopped: string
}

const barCharacters = 24
const drawnEveryMs = 100

export function openProgress(size: number | undefined, context: Context): Progress {
  const tally = { transactions: 0, quads: 0, items: 0, height: 0, resumed: 0 }
  let [read, started, drawn] = [0, Date.now(), 0]
  let total: number | undefined
  const show = (text: () => string): void => {
    if (Date.now() - drawn < drawnEveryMs) return
    drawn = Date.now()
    context.progress(text())
  }
  const count = ({ quads, items }: Draft): void => {
    tally.transactions++
    tally.quads += quads
    tally.items += items.length
  }
  const perSecond = (): number => Math.round((1000 * (tally.quads - skippedQuads)) / Math.max(1, Date.now() - started))
  let skippedQuads = 0
  return {
    read(bytes) {
      read += bytes
      show(() => `${bar(read, size)} checking`)
    },
    begin(quads) {
      total = quads
      started = Date.now()
    },
    sent(draft, height) {
      count(draft)
      tally.height = Math.max(tally.height, height)
      show(() => `${bar(tally.quads, total)} ${tally.quads} quads, height ${tally.height}, ${perSecond()} quads/s`)
    },
    skipped(draft) {
      count(draft)
      tally.resumed++
      skippedQuads += draft.quads
    },
    get json() {
      return { ...tally }
    },
    get summary() {
      const { quads, items, transactions, height, resumed } = tally
      if (transactions === 0) return 'The files say nothing: no quad was submitted.'
      const last = height === 0 ? '' : `, the last at height ${height}`
      const before = resumed === 0 ? '' : ` (${resumed} of them before it was stopped)`
      return `Final: ${quads} quads, ${items} items, ${transactions} transactions${before}${last}.`
    },
    get begun() {
      return tally.transactions > 0
    },
    get stopped() {
      return `Before it stopped, ${tally.quads} quads in ${tally.transactions} transactions were final.`
    },
  }
}

function bar(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return ''
  const part = Math.min(1, done / total)
  const full = Math.round(part * barCharacters)
  return `[${'#'.repeat(full)}${'.'.repeat(barCharacters - full)}] ${Math.floor(100 * part)}%`
}
