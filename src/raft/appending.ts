// What every change of the log goes through: the journal's record first, then the log in memory, then what follows for
// requests that come or go with the entries.

import { invariant } from '../base/errors.ts'
import type { Sequence } from '../base/ids.ts'
import type { Batch } from '../consensus/batch.ts'
import { acknowledgementBytes } from './claims.ts'
import { type Configuration, configurationAt, hashAt, lastIndex, replaceAfter } from './log.ts'
import type { Acknowledgement, CommitProof, Entry } from './messages.ts'
import { save } from './out.ts'
import { markUnderway, requeue } from './pool.ts'
import { clock, isVoter, type State } from './state.ts'

/** What stood after `after` goes, `entries` come: one record, so that a crash finds the one or the other (R11). */
export function writeLog(state: State, after: Sequence, entries: readonly Entry[]): void {
  invariant(after >= state.settled, 'truncates what is committed')
  const upTo = Math.max(after + entries.length, lastIndex(state.log)) as Sequence
  save(state, { type: 'entries', after, entries }, upTo)
  for (const { ids } of replaceAfter(state.log, after, entries)) requeue(state, ids)
  for (let at = after + 1; at <= lastIndex(state.log); at++) {
    if (at > state.commit) markUnderway(state, at as Sequence)
  }
}

/** The leader's way to a new entry, which it acknowledges itself. */
export function append(
  state: State,
  batch: Batch,
  configuration: Configuration,
  proof: readonly CommitProof[] = [],
): void {
  writeLog(state, lastIndex(state.log), [{ term: state.term, batch, configuration, proof }])
  state.proposedAt = clock(state)
  const index = lastIndex(state.log)
  const own = acknowledge(state, index)
  state.acknowledged.set(index, new Map(own.map(({ signature }) => [state.setup.self, signature])))
}

/**
 * A voter signs the log up to an entry of this term, with its key of the first roster in force that has it. What it signs is saved
 * by then. Nothing rests on the word of one who merely learns.
 */
export function acknowledge(state: State, index: Sequence): readonly Acknowledgement[] {
  const { ledger, self, sign } = state.setup
  const own = configurationAt(state.log, index).find((roster) => isVoter([roster], self))
  if (own === undefined) return []
  const about = { epoch: epochAt(state, index), index, hash: hashAt(state.log, index) as Acknowledgement['hash'] }
  const signed = acknowledgementBytes(ledger, { ...about, term: state.term })
  return [{ ...about, signature: sign('acknowledgement', signed, own.epoch) }]
}

/** Of the older roster while joint. */
export function epochAt(state: State, index: Sequence): Acknowledgement['epoch'] {
  return (configurationAt(state.log, index)[0] as Configuration[number]).epoch
}
