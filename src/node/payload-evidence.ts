// Evidence against the author of a malformed payload, made of what this node keeps when somebody asks: the part may name
// persons, so it lies nowhere but in the erasable payload itself.

import type { TxId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { malformedParts } from '../ledger/evidence.ts'
import { itemPayloadSchema } from '../ledger/payload.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { itemIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { EvidenceDocument } from './evidence.ts'
import type { LedgerMachine } from './machine.ts'

/** One document for each malformed part; none for a sound transaction, an unknown one, or one whose items are not all here. */
export async function payloadEvidence(
  machine: LedgerMachine,
  blocks: Pick<BlockArchive, 'read'>,
  tx: TxId,
): Promise<readonly EvidenceDocument[]> {
  const executed = await machine.execution(tx)
  if (executed?.code !== 'OK') return []
  const { transactions } = decode(blockRecordSchema, await blocks.read(executed.sequence))
  const bytes = transactions[executed.index]
  const transaction = bytes === undefined ? undefined : decodeTransaction(bytes)
  if (bytes === undefined || transaction?.act.type !== 'data') return []
  const kept = await Promise.all(transaction.act.items.map((_, index) => machine.item(itemIdFor(tx, index))))
  const items = kept.flatMap((item) => (item?.type === 'whole' ? [decode(itemPayloadSchema, item.payload)] : []))
  if (items.length < kept.length) return []
  return malformedParts(bytes, transaction, { items }).map((evidence) => ({
    kind: 'quadrille evidence 1',
    ledger: machine.ledger.id,
    protocol: machine.ledger.genesis.protocol,
    against: 'author',
    evidence,
    epochs: [],
  }))
}
