// A receipt: proof for whoever did not see it happen that a transaction stands on the ledger. `ordered` proves its place and
// nothing else: it may have changed nothing. `final` proves what became of it: a leaf of the audit log, its place under a root,
// and that root signed by a quorum as the result of executing. Verified offline from the genesis alone; runs in a browser.

import { readLeaf } from '../audit/leaf.ts'
import { fromUtf8 } from '../base/bytes.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { type Digest, digestOf, type Epoch, idBytes, type LedgerId, type TxId, txIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { leafHash, verifyInclusion } from '../base/merkle.ts'
import { bytes, bytesUpTo, id, type JsonValue, list, record, type Schema, uint, variant, word } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import { type BatchSummary, batchSummarySchema, requestId, requestsHash, summaryDigest } from '../consensus/batch.ts'
import {
  agreedOf,
  type CommitCertificate,
  commitCertificateFault,
  commitCertificateSchema,
  type ResultCertificate,
  resultCertificateFault,
  resultCertificateSchema,
} from '../consensus/certificate.ts'
import { type FaultModel, faultModelOf } from '../consensus/quorum.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'
import { ledgerIdFor } from '../ledger/genesis.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { txIdFor } from '../ledger/transaction.ts'
import { type EpochStep, epochStepsSchema, rostersAlong } from './epoch-chain.ts'
import { parseGenesis } from './replay.ts'

export type Proof =
  | {
      readonly type: 'ordered'
      /** Encoded SignedTransaction. */
      readonly transaction: Uint8Array
      readonly index: number
      /** Of all transactions of its batch, in order. */
      readonly requests: readonly Digest[]
      readonly batch: BatchSummary
      readonly certificate: CommitCertificate
    }
  | {
      readonly type: 'final'
      readonly leaf: Uint8Array
      readonly place: number
      readonly path: readonly Uint8Array[]
      readonly certificate: ResultCertificate
    }

export interface Receipt {
  readonly kind: 'quadrille receipt 1'
  readonly tx: TxId
  /** From the epoch of the genesis to that of the certificate, and one more where a Raft ledger went over to other servers. */
  readonly epochs: readonly EpochStep[]
  readonly proof: Proof
}

export const receiptSchema: Schema<Receipt> = record<Receipt>({
  kind: word('quadrille receipt 1'),
  tx: id(32, txIdOf),
  epochs: epochStepsSchema,
  proof: variant<Proof>({
    ordered: [
      1,
      {
        transaction: bytesUpTo(limits.transactionBytesMax),
        index: uint(limits.batchTransactionsMax),
        requests: list(id(32, digestOf), limits.batchTransactionsMax),
        batch: batchSummarySchema,
        certificate: commitCertificateSchema,
      },
    ],
    final: [
      2,
      {
        leaf: bytesUpTo(limits.leafBytesMax),
        place: uint(),
        path: list(bytes(32), 64),
        certificate: resultCertificateSchema,
      },
    ],
  }),
})

export interface ReceiptVerdict {
  /** Whether everything in it verifies; when not, `fault` says why and nothing else counts. */
  readonly holds: boolean
  readonly fault: string
  /** `ordered` never says what became of the transaction. */
  readonly type: 'ordered' | 'final'
  readonly tx: string
  readonly height: number
  readonly index: number
  /** OK, or why it changed nothing; empty when it is only ordered. */
  readonly outcome: string
  /** Validators that signed, and what that proves. */
  readonly signers: number
  readonly faults: FaultModel
}

export interface ReceiptTrust {
  /** The bytes of the genesis.json that you trust. */
  readonly genesis: Uint8Array
  /** The transaction that the receipt must be of. */
  readonly tx?: string
}

/** What the receipt, as JSON, proves. @throws LedgerError for a bad genesis, or for what is no receipt. */
export function verifyReceipt(receipt: Uint8Array | JsonValue, { genesis, tx }: ReceiptTrust): ReceiptVerdict {
  const { proof, epochs, tx: named } = receiptSchema.fromJson(parsed(receipt), 'receipt')
  const { genesis: founded } = parseGenesis(genesis)
  const faults = faultModelOf(founded.protocol)
  const signers = proof.certificate.signatures.length
  const unknown = { type: proof.type, tx: named, height: 0, index: 0, outcome: '', signers, faults }
  try {
    if (tx !== undefined && tx !== named) throw fails('RECEIPT_INVALID', 'it is of another transaction')
    const known: Known = { ledger: ledgerIdFor(founded), rosters: rostersAlong(founded, epochs), faults }
    const found = proof.type === 'ordered' ? ordered(proof, named, known) : final(proof, named, known)
    return { ...unknown, ...found, holds: true, fault: '' }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    return { ...unknown, holds: false, fault: error.message }
  }
}

type Found = Pick<ReceiptVerdict, 'height' | 'index' | 'outcome'>
type ProofOf<Type extends Proof['type']> = Extract<Proof, { readonly type: Type }>

/** What follows from the genesis and the steps. */
interface Known {
  readonly ledger: LedgerId
  readonly rosters: readonly Roster[]
  readonly faults: FaultModel
}

function ordered(proof: ProofOf<'ordered'>, tx: TxId, { ledger, rosters, faults }: Known): Found {
  const { transaction, index, requests, batch, certificate } = proof
  const agreed = agreedOf(certificate)
  const roster = rosterIn(agreed.epoch, rosters)
  const next = rosters.filter(({ epoch }) => epoch === agreed.epoch + 1)
  const fault = commitCertificateFault(certificate, roster, verify, faults, isJoint(certificate, roster) ? next : [])
  if (fault !== undefined) throw fails(fault, 'commit certificate')
  if (agreed.ledger !== ledger) throw fails('WRONG_LEDGER', 'commit certificate')
  if (txIdFor(decodeTransaction(transaction)) !== tx) throw fails('RECEIPT_INVALID', 'another transaction')
  if (requests[index] !== requestId(transaction)) throw fails('RECEIPT_INVALID', 'it does not stand at that place')
  if (batch.transactions !== requestsHash(requests))
    throw fails('RECEIPT_INVALID', 'the batch holds other transactions')
  if (summaryDigest(batch) !== agreed.digest) throw fails('RECEIPT_INVALID', 'another batch was agreed')
  return { height: agreed.sequence, index, outcome: '' }
}

function final(proof: ProofOf<'final'>, tx: TxId, { ledger, rosters, faults }: Known): Found {
  const { leaf, place, path, certificate } = proof
  const { result } = certificate
  const fault = resultCertificateFault(certificate, rosterIn(result.epoch, rosters), verify, faults)
  if (fault !== undefined) throw fails(fault, 'result certificate')
  if (result.ledger !== ledger) throw fails('WRONG_LEDGER', 'result certificate')
  if (!verifyInclusion(leafHash(leaf), place, result.logSize, path, idBytes(result.logRoot))) {
    throw fails('RECEIPT_INVALID', 'the leaf is not in the log that was signed')
  }
  const { entry, seq } = readLeaf(leaf)
  const { type, height, index, outcome } = entry
  if (type !== 'transaction' || entry['tx'] !== tx || seq !== place)
    throw fails('RECEIPT_INVALID', 'the leaf is of something else')
  return { height: Number(height), index: Number(index), outcome: String(outcome) }
}

function rosterIn(wanted: Epoch, rosters: readonly Roster[]): Roster {
  const found = rosters.find(({ epoch }) => epoch === wanted)
  if (found === undefined) throw fails('WRONG_EPOCH', `nothing proves who the validators of epoch ${wanted} are`)
  return found
}

/** While a Raft ledger goes over to other servers, those who are new sign too, in the older epoch. */
function isJoint({ type, signatures }: CommitCertificate, roster: Roster): boolean {
  return type === 'raft' && signatures.some(({ node }) => validatorOf(roster, node) === undefined)
}

function parsed(receipt: Uint8Array | JsonValue): JsonValue {
  if (!(receipt instanceof Uint8Array)) return receipt
  try {
    return JSON.parse(fromUtf8(receipt)) as JsonValue
  } catch (cause) {
    throw new LedgerError('MALFORMED', { reason: 'the receipt is not JSON' }, cause)
  }
}

function fails(code: ErrorCode, reason: string): LedgerError {
  return new LedgerError(code, { reason })
}
