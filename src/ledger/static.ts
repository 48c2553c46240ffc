// The vote conditions: what a validator decides about a transaction from its bytes alone. The same bytes get the same verdict
// on every node and at every time, so none of this can stall agreement. Whatever needs state is decided at delivery.

import type { SignatureDomain } from '../base/domains.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { LedgerId, TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { areOrderedPlaces } from './erasure-acts.ts'
import type { Change } from './governance-acts.ts'
import { sizeClassMin } from './items.ts'
import { isAbsoluteIri, isName } from './terms.ts'
import {
  type Act,
  type ItemHeader,
  itemIdFor,
  receiptBytes,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from './transaction.ts'

export type StaticVerdict =
  | { readonly type: 'valid'; readonly transaction: Transaction; readonly tx: TxId }
  /** MALFORMED, NON_CANONICAL, TOO_LARGE, WRONG_LEDGER or SIGNATURE_INVALID. */
  | { readonly type: 'invalid'; readonly code: ErrorCode }

/** `verify` of base/signature.ts. */
export type VerifySignature = (
  domain: SignatureDomain,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
) => boolean

/** `bytes`: an encoded SignedTransaction. */
export function staticVerdict(ledger: LedgerId, bytes: Uint8Array, verify: VerifySignature): StaticVerdict {
  if (bytes.length > limits.transactionBytesMax) return { type: 'invalid', code: 'TOO_LARGE' }
  try {
    const { body, signature } = decode(signedTransactionSchema, bytes)
    const transaction = decode(transactionSchema, body)
    const tx = txIdFor(transaction)
    const code =
      transaction.ledger !== ledger
        ? 'WRONG_LEDGER'
        : (actFault(transaction.act) ??
          (verify('transaction', body, signature, transaction.key) ? undefined : 'SIGNATURE_INVALID') ??
          receiptsFault(transaction, tx, verify))
    return code === undefined ? { type: 'valid', transaction, tx } : { type: 'invalid', code }
  } catch (error) {
    if (error instanceof LedgerError) return { type: 'invalid', code: error.code }
    throw error
  }
}

/** The transaction in bytes that were voted for. @throws LedgerError for bytes that no correct validator votes for. */
export function decodeTransaction(bytes: Uint8Array): Transaction {
  return decode(transactionSchema, decode(signedTransactionSchema, bytes).body)
}

function actFault(act: Act): ErrorCode | undefined {
  switch (act.type) {
    case 'data': {
      const size = act.items.reduce((sum, { sizeClass }) => sum + 2 ** sizeClass, 0)
      if (size > limits.payloadBytesMax) return 'TOO_LARGE'
      const formed = act.items.every(isItemHeader) && ascending(act.base.map(({ graph }) => graph))
      return formed ? undefined : 'MALFORMED'
    }
    case 'key-add': {
      const rights = act.rights.map(({ graph, right }) => `${graph} ${right}`)
      return isName(act.name) && ascending(rights) ? undefined : 'MALFORMED'
    }
    case 'key-revoke':
      return undefined
    case 'policy-add':
      return isName(act.policy.name) && ascending(act.policy.audience) ? undefined : 'MALFORMED'
    case 'graph-add':
      return isAbsoluteIri(act.graph.iri) && ascending(act.graph.writers) ? undefined : 'MALFORMED'
    case 'erase':
    case 'hold':
      return areOrderedPlaces(act.items) ? undefined : 'MALFORMED'
    case 'erasure-attest':
      return isName(act.unlock) ? undefined : 'MALFORMED'
    case 'govern':
      return ascending(act.ballots.map(({ organisation }) => organisation)) && isOrderedChange(act.proposal.change)
        ? undefined
        : 'MALFORMED'
    case 'anchor':
      return act.size > 0 ? undefined : 'MALFORMED'
    case 'hold-lift':
    case 'announce':
    case 'evidence':
      return undefined
  }
}

function isOrderedChange(change: Change): boolean {
  if (change.type !== 'roster') return true
  const { leaving, leavingNodes, members, cards } = change
  return (
    ascending(leaving) &&
    ascending(leavingNodes) &&
    ascending(members.map(({ organisation }) => organisation.id)) &&
    ascending(cards.map(({ node }) => node.id)) &&
    members.every(({ organisation }) => isName(organisation.name))
  )
}

function isItemHeader({ sizeClass, carriage }: ItemHeader): boolean {
  if (sizeClass < sizeClassMin) return false
  return carriage.type === 'proposal' || ascending(carriage.receipts.map(({ node }) => node))
}

/** Receipts verify under the keys that they carry; whether those are a node's is decided at delivery. */
function receiptsFault({ ledger, act }: Transaction, tx: TxId, verify: VerifySignature): ErrorCode | undefined {
  if (act.type !== 'data') return undefined
  const valid = act.items.every(({ assertions, retractions, carriage }, index) => {
    if (carriage.type === 'proposal') return true
    const statement = receiptBytes({ ledger, item: itemIdFor(tx, index), assertions, retractions })
    return carriage.receipts.every(({ key, signature }) => verify('receipt', statement, signature, key))
  })
  return valid ? undefined : 'SIGNATURE_INVALID'
}

/** Sets have one order, so one encoding. */
export function ascending(values: readonly string[]): boolean {
  return values.every((value, place) => place === 0 || value > (values[place - 1] as string))
}
