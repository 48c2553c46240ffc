// Every named schema whose bytes are signed, hashed, stored or sent, and one sentence about each of their CDDL rules.
// Who adds a named schema adds it here; test/wire/wire.test.ts says when one is missing.

import { payloadRecordSchema } from '../../src/audit/bundle.ts'
import type { Schema } from '../../src/base/schema.ts'
import { batchSchema, batchSummarySchema } from '../../src/consensus/batch.ts'
import { blockHeaderSchema, blockRecordSchema } from '../../src/consensus/block.ts'
import { resultCertificateSchema } from '../../src/consensus/certificate.ts'
import { rosterSchema } from '../../src/consensus/roster.ts'
import { anchorSchema } from '../../src/ledger/anchor.ts'
import { cardRequestSchema, endorsementSchema, nodeCardSchema, possessionSchema } from '../../src/ledger/card.ts'
import { approvalStatementSchema } from '../../src/ledger/erasure-acts.ts'
import { malformedPartSchema } from '../../src/ledger/evidence.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { memberProofSchema, proposalStatementSchema } from '../../src/ledger/governance-acts.ts'
import {
  announcementSchema,
  convictionSchema,
  governanceSchema,
  keyTermSchema,
  plannedNodeSchema,
  plannedOrganisationSchema,
} from '../../src/ledger/governance-records.ts'
import { keptPayloadSchema } from '../../src/ledger/kept-payload.ts'
import { assertionsSchema, payloadSchema, retractionsSchema } from '../../src/ledger/payload.ts'
import { snapshotHeadSchema, stateChunkSchema } from '../../src/ledger/snapshot.ts'
import {
  applicationKeySchema,
  erasureOrderSchema,
  erasuresSchema,
  graphVersionSchema,
  heldItemSchema,
  holdSchema,
  rulesSchema,
} from '../../src/ledger/state.ts'
import {
  keyProofSchema,
  receiptStatementSchema,
  signedTransactionSchema,
  transactionSchema,
} from '../../src/ledger/transaction.ts'
import { sequenceWindowSchema } from '../../src/ledger/window.ts'
import { draftSignatureSchema } from '../../src/node/ceremony.ts'
import { envelopeSchema } from '../../src/node/wire.ts'
import { admissionSchema } from '../../src/p2p/admission.ts'
import { messageSchema } from '../../src/pbft/messages.ts'
import { recordSchema } from '../../src/pbft/records.ts'
import { messageSchema as raftMessageSchema } from '../../src/raft/messages.ts'
import { recordSchema as raftRecordSchema } from '../../src/raft/records.ts'

export interface Chapter {
  readonly title: string
  readonly schemas: readonly Schema<never>[]
}

function chapter(title: string, ...schemas: readonly unknown[]): Chapter {
  return { title, schemas: schemas as readonly Schema<never>[] }
}

/** In the order of docs/wire.cddl; a rule stands in the first chapter that needs it. */
export const chapters: readonly Chapter[] = [
  chapter(
    'Transactions and what they say',
    transactionSchema,
    signedTransactionSchema,
    receiptStatementSchema,
    keyProofSchema,
    approvalStatementSchema,
    proposalStatementSchema,
    memberProofSchema,
  ),
  chapter(
    'Payloads, which travel and are kept beside',
    payloadSchema,
    assertionsSchema,
    retractionsSchema,
    malformedPartSchema,
    keptPayloadSchema,
  ),
  chapter(
    'Founding',
    signedGenesisSchema,
    draftSignatureSchema,
    cardRequestSchema,
    nodeCardSchema,
    possessionSchema,
    endorsementSchema,
  ),
  chapter(
    'State of the ledger',
    rulesSchema,
    applicationKeySchema,
    graphVersionSchema,
    sequenceWindowSchema,
    erasureOrderSchema,
    holdSchema,
    heldItemSchema,
    erasuresSchema,
    governanceSchema,
    keyTermSchema,
    plannedOrganisationSchema,
    plannedNodeSchema,
    announcementSchema,
    convictionSchema,
    anchorSchema,
    stateChunkSchema,
  ),
  chapter(
    'Agreement',
    batchSchema,
    batchSummarySchema,
    rosterSchema,
    blockHeaderSchema,
    blockRecordSchema,
    resultCertificateSchema,
  ),
  chapter('Snapshots', snapshotHeadSchema),
  chapter('PBFT', messageSchema, recordSchema),
  chapter('Raft', raftMessageSchema, raftRecordSchema),
  chapter('The mesh', admissionSchema, envelopeSchema),
  chapter('Exported audits', payloadRecordSchema),
]
