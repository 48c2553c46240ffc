// A start from the journal (section 3.8): the records are played in the order in which they were written, each as it was meant
// when it was. The log may lag behind what was executed, when blocks were fetched, or be ahead of it.

import { invariant } from '../base/errors.ts'
import type { Sequence } from '../base/ids.ts'
import type { JournalRecord } from '../consensus/contract.ts'
import { resetElection } from './election.ts'
import { lastIndex, rebase, replaceAfter } from './log.ts'
import { save } from './out.ts'
import { markUnderway } from './pool.ts'
import { type RaftRecordOf, readRecord } from './records.ts'
import { clock, type State } from './state.ts'

export function restore(state: State, journal: readonly JournalRecord[]): void {
  const records = journal.map(({ sequence, bytes }) => ({ sequence, record: readRecord({ sequence, bytes }) }))
  // What stood below the newest base may be cut: nothing is known of it. What records say of the log above counts all the same.
  const bases = records.flatMap(({ record }) => (record.type === 'base' ? [record] : []))
  const newest = bases.reduce<RaftRecordOf<'base'> | undefined>(
    (a, b) => (b.index >= (a?.index ?? 0) ? b : a),
    undefined,
  )
  if (newest !== undefined) {
    const { index, term, hash, configuration } = newest
    rebase(state.log, { index, term, hash, configuration }, false)
  }
  for (const { sequence, record } of records) {
    if (sequence > state.recorded) state.recorded = sequence
    if (record.type === 'term') [state.term, state.vote] = [record.term, record.vote[0]]
    if (record.type === 'entries') restoreEntries(state, record)
    if (record.type === 'base') restoreBase(state, record)
  }
  state.settled = state.log.base.index
  state.hasBase = newest !== undefined
  // The act was executed before the stop; its entry may not be in any log yet.
  state.next = state.setup.roster
  for (let at = state.commit + 1; at <= lastIndex(state.log); at++) markUnderway(state, at as Sequence)
}

function restoreBase({ log }: State, { index, keeps }: RaftRecordOf<'base'>): void {
  if (!keeps && index <= log.base.index) replaceAfter(log, log.base.index, [])
}

/** What lies below the base is left out; what stood above goes also when nothing of this record does. */
function restoreEntries({ log }: State, { after, entries }: RaftRecordOf<'entries'>): void {
  const from = Math.max(after, log.base.index) as Sequence
  invariant(from <= lastIndex(log), 'the journal has a gap')
  replaceAfter(log, from, entries.slice(from - after))
}

/** Where the log begins is written once, at the first start: later the ledger's roster is another than the one of the base. */
function keepFirstBase(state: State): void {
  if (state.hasBase) return
  state.hasBase = true
  save(state, { type: 'base', ...state.log.base, keeps: true })
}

/** On the first tick. Unless a leader was heard by then: those who hear one say so when they are asked (sections 9.6, 4.2.3). */
export function begin(state: State): void {
  keepFirstBase(state)
  if (state.leader !== undefined) {
    state.heardAt = clock(state)
    resetElection(state)
  } else state.electionAt = (clock(state) + state.parameters.resendMs * state.setup.random()) as typeof state.electionAt
}
