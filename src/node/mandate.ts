// Who agrees on the next block, as a protocol core is told: the ledger's state says it, but for where the epoch began (the
// blocks show that) and the numbers that each node chooses for itself.

import { type Sequence, sequenceOf } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import type { Mandate } from '../consensus/contract.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { BlockArchive } from '../store/blocks.ts'

/** What each node may choose for itself. */
const hostParameters = { pipelineMax: 8, requestsMax: 4096, resendMs: 500, suspectMsMax: 30_000 } as const

export async function mandateOf(ledger: Ledger, blocks: Pick<BlockArchive, 'read'>): Promise<Mandate> {
  return mandate(ledger, await lastBefore(ledger, blocks))
}

/** After the next block. `before`: the mandate before it. */
export function mandateAfter(ledger: Ledger, before: Mandate): Mandate {
  const { epoch } = ledger.roster()
  const until = ledger.governance().ends
  if (epoch > before.roster.epoch) return mandate(ledger, ledger.height)
  return until === before.until ? before : { ...before, until }
}

function mandate(ledger: Ledger, since: Sequence): Mandate {
  const parameters = { ...ledger.parameters(), ...hostParameters }
  return { roster: ledger.roster(), parameters, since, until: ledger.governance().ends }
}

/** The last block of an earlier epoch; 0 in the first. */
async function lastBefore(ledger: Ledger, blocks: Pick<BlockArchive, 'read'>): Promise<Sequence> {
  const { epoch } = ledger.roster()
  let [low, high] = epoch === 0 ? [0, 0] : [0, ledger.height as number]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const { header } = decode(blockRecordSchema, await blocks.read(sequenceOf(middle)))
    if (header.epoch < epoch) low = middle
    else high = middle - 1
  }
  return sequenceOf(low)
}
