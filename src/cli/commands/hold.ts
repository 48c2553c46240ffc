// quadrille hold: what must not be erased for now, because a court or a law wants it kept.

import { randomBytes } from '#crypto'
import { toHex } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { txIdOf } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { readApplicationKey } from '../../node/key-files.ts'
import { type Handler, identifier, required } from '../context.ts'
import { openClient } from '../node-access.ts'
import { overview } from './person.ts'
import { selectionFrom } from './selection.ts'

export const place: Handler = async (_args, options, context) => {
  const caseName = required(options, 'case')
  const { signing } = await readApplicationKey(required(options, 'as'))
  const found = await overview(selectionFrom(options), options, context)
  if (found.items.length === 0) throw new LedgerError('ITEM_UNKNOWN')
  if (found.items.length > limits.placesPerActMax) {
    throw new LedgerError('TOO_LARGE', { items: found.items.length, most: limits.placesPerActMax })
  }
  const client = await openClient(options, context, signing.seed)
  const reference = randomBytes(16)
  const { tx, height } = await client.submitAct({
    type: 'hold',
    items: found.items.map((item) => item.place),
    reference,
  })
  context.answer({ hold: tx, height, items: found.items.length, case: caseName, reference: toHex(reference) }, [
    `Hold ${tx} keeps ${found.items.length} items from being erased since height ${height}.`,
    `Note in the file of case ${caseName}: reference ${toHex(reference)}.`,
    `To lift it: quadrille hold lift ${tx} --as KEY`,
  ])
  return 0
}

export const lift: Handler = async (args, options, context) => {
  const { signing } = await readApplicationKey(required(options, 'as'))
  const client = await openClient(options, context, signing.seed)
  const hold = identifier(args, 0, txIdOf, 'the id of a hold')
  const { height } = await client.submitAct({ type: 'hold-lift', hold })
  context.answer({ hold, height }, [`Lifted at height ${height}.`])
  return 0
}
