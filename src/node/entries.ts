// What the consortium log says about a delivered block: one entry for the block, then one for each transaction that was
// admitted. Identical on every node, no personal data: actors are organisations and key ids.

import type { Entry } from '../audit/leaf.ts'
import type { Delivered, TransactionOutcome } from '../ledger/ledger.ts'

export function entriesOf(delivered: Delivered): readonly Entry[] {
  const { header, hash, outcomes } = delivered
  const block: Entry = {
    type: 'block',
    height: header.sequence,
    epoch: header.epoch,
    time: header.time,
    hash,
    previous: header.previous,
    batch: header.batch,
  }
  return [
    block,
    ...outcomes.filter(({ admitted }) => admitted).map((outcome) => transactionEntry(header.sequence, outcome)),
  ]
}

function transactionEntry(height: number, { index, tx, code, signer, transaction }: TransactionOutcome): Entry {
  const { act } = transaction
  return {
    type: 'transaction',
    height,
    index,
    tx,
    act: act.type,
    outcome: code,
    key: signer.key,
    organisation: signer.organisation ?? '',
    ...(act.type === 'data' ? { items: act.items.length } : {}),
  }
}
