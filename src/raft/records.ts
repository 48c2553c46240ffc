// The journal of a server: its term and vote, its log, and where its log begins (section 3.8 of the thesis). One record
// truncates and appends, so that a crash finds either the old log or the new one.

import { type Digest, digestOf, type NodeId, nodeIdOf, type Sequence, type Term } from '../base/ids.ts'
import { bool, decode, encode, id, list, named, type Schema, uint, variant } from '../base/schema.ts'
import type { JournalRecord } from '../consensus/contract.ts'
import type { Roster } from '../consensus/roster.ts'
import { configurationSchema, type Entry, entriesSchema } from './messages.ts'

export type RaftRecord =
  | { readonly type: 'term'; readonly term: Term; readonly vote: readonly NodeId[] }
  /** What stood after `after` is gone, and these entries stand there. */
  | { readonly type: 'entries'; readonly after: Sequence; readonly entries: readonly Entry[] }
  /** The log begins after this one. `keeps`: what stood above it still does. */
  | {
      readonly type: 'base'
      readonly index: Sequence
      readonly term: Term
      readonly hash: Digest
      readonly configuration: readonly Roster[]
      readonly keeps: boolean
    }

export type RaftRecordOf<Type extends RaftRecord['type']> = Extract<RaftRecord, { readonly type: Type }>

export const recordSchema: Schema<RaftRecord> = named(
  'raft-record',
  variant<RaftRecord>({
    term: [1, { term: uint<Term>(), vote: list(id(16, nodeIdOf), 1) }],
    entries: [2, { after: uint<Sequence>(), entries: entriesSchema }],
    base: [
      3,
      {
        index: uint<Sequence>(),
        term: uint<Term>(),
        hash: id(32, digestOf),
        configuration: configurationSchema,
        keeps: bool,
      },
    ],
  }),
)

export function journalRecord(sequence: Sequence, value: RaftRecord): JournalRecord {
  return { sequence, bytes: encode(recordSchema, value) }
}

/** @throws LedgerError when the journal is not one of this protocol's. */
export function readRecord(found: JournalRecord): RaftRecord {
  return decode(recordSchema, found.bytes)
}
