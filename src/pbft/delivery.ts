// Execution: agreed batches leave for the ledger in order of sequence, without gaps, each once.

import type { Sequence } from '../base/ids.ts'
import type { PbftMessage } from './messages.ts'
import { extend } from './normal.ts'
import { send } from './out.ts'
import { settle } from './pool.ts'
import { settleTokens } from './reads.ts'
import { clock, type State } from './state.ts'

/** Delivers what has become deliverable. Blocks that are being fetched may be among it: the host executes each once. */
export function deliver(state: State): void {
  if (state.fenced) return
  for (;;) {
    const sequence = (state.delivered + 1) as Sequence
    const certificate = state.slots.get(sequence)?.certificate
    const known = certificate && state.batches.get(certificate.agreement.digest)
    if (certificate === undefined || known === undefined) return
    state.delivered = sequence
    state.progressAt = clock(state)
    state.fruitless = 0
    state.fetchesFailed = 0
    state.out.push({ type: 'deliver', sequence, batch: known.batch, certificate })
    settle(state, sequence, known.ids)
    const message: PbftMessage = { type: 'decided', certificate, batch: known.batch }
    // Who only fetches blocks would find its token in none.
    for (const owner of settleTokens(state, sequence, known.batch)) send(state, owner, message, known.ids)
    extend(state)
  }
}

/** Blocks up to `sequence` were fetched: batches that are at hand, too, tell which reads and requests stand in them. */
export function settleFetched(state: State, sequence: Sequence): void {
  for (let at = state.delivered + 1; at <= sequence; at++) {
    const certificate = state.slots.get(at as Sequence)?.certificate
    const known = certificate && state.batches.get(certificate.agreement.digest)
    if (known === undefined) continue
    settle(state, at as Sequence, known.ids)
    settleTokens(state, sequence, known.batch)
  }
}
