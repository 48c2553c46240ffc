// quadrille receipt and quadrille verify: proof that a transaction stands on the ledger, taken from a node and checked offline
// by whoever has the genesis.

import { LedgerError } from '../../base/errors.ts'
import { txIdOf } from '../../base/ids.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester } from '../../http/client-request.ts'
import { readBytes } from '../../node/home.ts'
import { type ReceiptVerdict, verifyReceipt } from '../../node/verify.ts'
import { argument, type Handler, optional } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { retryMs } from './query.ts'

export const receipt: Handler = async (args, options, context) => {
  const tx = txFrom(argument(args, 0))
  const type = options['ordered'] === true ? 'ordered' : 'final'
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const answer = await requester.send(`/receipts/${tx}?type=${type}`, { headers: { accept: 'application/json' } })
  context.document(await objectOf(answer))
  return 0
}

export const verify: Handler = async (args, options, context) => {
  const genesis = await readBytes(optional(options, 'genesis') ?? context.home.genesis)
  const file = argument(args, 0)
  const verdict = verifyReceipt(await readBytes(file), { genesis })
  if (!verdict.holds) throw new LedgerError('RECEIPT_INVALID', { file, fault: verdict.fault })
  context.answer({ ...verdict }, inWords(verdict))
  const { type, outcome } = verdict
  if (outcome === 'OK' || (type === 'ordered' && options['ordered'] === true)) return 0
  throw new LedgerError('RECEIPT_NOT_SUCCESS', type === 'ordered' ? { type } : { outcome })
}

function inWords({ type, tx, height, index, outcome, signers, faults }: ReceiptVerdict): readonly string[] {
  const place = `Transaction ${tx} stands at height ${height}, place ${index}.`
  const signed = `${signers} validators of this genesis signed that (${faults}).`
  if (type === 'ordered') {
    return [place, signed, 'It is ordered and no more: this does not say whether it changed anything.']
  }
  const became = outcome === 'OK' ? 'It was carried out.' : `It changed nothing: ${outcome}.`
  return [place, became, signed]
}

function txFrom(given: string): string {
  try {
    return txIdOf(given)
  } catch (error) {
    throw new LedgerError('USAGE', { argument: 'tx', expected: 'the id of a transaction' }, error)
  }
}
