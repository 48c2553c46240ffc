// Bytes and hashes of agreed formats that must never change: a ledger that exists could not be read or verified any more.

import { fromHex, toHex } from '../../src/base/bytes.ts'
import {
  digestOf,
  type Epoch,
  epochOf,
  graphIdOf,
  ledgerIdOf,
  nodeIdOf,
  organisationIdOf,
  policyIdOf,
  type Round,
  sequenceOf,
  timeOf,
} from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { type Batch, batchDigest, batchSchema, nullBatch, requestId } from '../../src/consensus/batch.ts'
import { blockHash, blockHeaderSchema } from '../../src/consensus/block.ts'
import {
  agreedOf,
  commitCertificateSchema,
  type Link,
  resultCertificateSchema,
  runningHash,
} from '../../src/consensus/certificate.ts'
import { rosterHash, rosterSchema } from '../../src/consensus/roster.ts'
import { agreementBytes, resultBytes } from '../../src/consensus/statements.ts'
import { itemIdFor, transactionSchema, txIdFor } from '../../src/ledger/transaction.ts'
import { matchesFrozen } from '../base/frozen.ts'

const ledger = ledgerIdOf('11'.repeat(32))
const digest = digestOf('22'.repeat(32))
const node = nodeIdOf('33'.repeat(16))
const key = fromHex('44'.repeat(32))
const epoch: Epoch = epochOf(2)
const sequence = sequenceOf(70_000)
const batch: Batch = {
  time: timeOf(1_700_000_000_000),
  tokens: [fromHex('55'.repeat(16))],
  transactions: [fromHex('66')],
}
const header = { ledger, epoch, sequence, previous: digest, batch: digest, time: timeOf(5) }
const result = {
  ledger,
  epoch,
  sequence,
  block: digest,
  logSize: 9,
  logRoot: digest,
  checkpoint: [{ state: digest, roster: digest }],
}
const roster = { epoch, validators: [{ node, organisation: organisationIdOf('acme'), key }] }
const item = {
  graph: graphIdOf('77'.repeat(16)),
  policy: policyIdOf('88'.repeat(16)),
  sizeClass: 8,
  algorithm: 'pedersen' as const,
  assertions: key,
  retractions: key,
  carriage: { type: 'proposal' as const },
}
const transaction = {
  ledger,
  key,
  sequence: 12,
  expires: timeOf(6),
  act: { type: 'data' as const, items: [item], base: [{ graph: item.graph, version: sequence }] },
}

describe('The agreed formats', () => {
  it('are frozen', () => {
    const tx = txIdFor(transaction)
    matchesFrozen('formats.json', {
      nullBatch: { bytes: toHex(encode(batchSchema, nullBatch)), digest: batchDigest(nullBatch) },
      batch: { bytes: toHex(encode(batchSchema, batch)), digest: batchDigest(batch) },
      request: requestId(fromHex('66')),
      header: { bytes: toHex(encode(blockHeaderSchema, header)), hash: blockHash(header) },
      agreement: toHex(agreementBytes({ ledger, epoch, round: 3 as Round, sequence, digest })),
      result: toHex(resultBytes(result)),
      certificate: toHex(
        encode(resultCertificateSchema, { result, signatures: [{ node, signature: new Uint8Array(64) }] }),
      ),
      roster: { bytes: toHex(encode(rosterSchema, roster)), hash: rosterHash(roster) },
      transaction: { bytes: toHex(encode(transactionSchema, transaction)), id: tx, item: itemIdFor(tx, 0) },
    })
  })

  it('of Raft are frozen', () => {
    const links = [
      { term: 3 as Round, batch: digest, configuration: [] },
      { term: 4 as Round, batch: digest, configuration: [rosterHash(roster)] },
    ]
    const first = runningHash(digest, links[0] as Link)
    const second = runningHash(first, links[1] as Link)
    const agreement = { ledger, epoch, round: 4 as Round, sequence, digest: second }
    const signatures = [{ node, signature: new Uint8Array(64) }]
    const certificate = { type: 'raft' as const, agreement, previous: digest, links, signatures }
    const bytes = toHex(encode(commitCertificateSchema, certificate))
    matchesFrozen('raft.json', { hashes: [first, second], certificate: bytes, agreed: agreedOf(certificate) })
  })
})
