// The package's subpath quadrille/verify: checks an audit bundle or a receipt offline, in Node and in browsers. It trusts the
// genesis that it is given and nothing that stands in what it checks.

import type { BundleReader } from '../audit/bundle-reader.ts'
import type { TreeHead } from '../audit/log.ts'
import { type VerifyProgress, type VerifyReport, verifyBundle } from '../audit/verify.ts'
import type { OrganisationId } from '../base/ids.ts'
import { ledgerIdFor } from '../ledger/genesis.ts'
import { ErasureChronicle } from './erasure-chronicle.ts'
import { type ErasureReport, sameReport } from './erasure-report.ts'
import { parseGenesis, startReplayWith } from './replay.ts'

export type { BundleReader } from '../audit/bundle-reader.ts'
export type { Finding } from '../audit/findings.ts'
export type { VerifyProgress, VerifyReport } from '../audit/verify.ts'
export { type ReceiptTrust, type ReceiptVerdict, verifyReceipt } from './receipt.ts'

export interface VerifyOptions {
  /** The bytes of the genesis.json that you trust: compare its fingerprint outside the bundle. */
  readonly genesis: Uint8Array
  /** A log that you saw before or elsewhere: the bundle's must begin with it. */
  readonly checkpoint?: TreeHead
  /** Whose payloads the bundle must hold; without it, those of the reader that it names. */
  readonly reader?: OrganisationId
  /** How many validators must have signed the bundle's own checkpoint note: a quorum unless this says otherwise; results always need one. */
  readonly noteSigners?: number
  /** An erasure report that somebody shows: whether the chain says the same, up to the report's height. */
  readonly erasureReport?: ErasureReport
  readonly onProgress?: (progress: VerifyProgress) => void
}

export interface ExportVerdict extends VerifyReport {
  /** Undefined when no report was given. */
  readonly erasureReportHolds: boolean | undefined
}

/** Whether everything in the bundle follows from the genesis, and what does not. @throws LedgerError for a bad genesis. */
export async function verifyExport(
  bundle: BundleReader,
  { genesis, onProgress, erasureReport, ...rest }: VerifyOptions,
): Promise<ExportVerdict> {
  const ledger = ledgerIdFor(parseGenesis(genesis).genesis)
  const chronicle = new ErasureChronicle()
  const start = (bytes: Uint8Array): ReturnType<typeof startReplayWith> => startReplayWith(bytes, chronicle)
  const verdict = await verifyBundle(bundle, { ledger, ...rest }, start, onProgress)
  if (erasureReport === undefined) return { ...verdict, erasureReportHolds: undefined }
  const found = chronicle.report(erasureReport.order, erasureReport.asOf)
  return { ...verdict, erasureReportHolds: verdict.holds && found !== undefined && sameReport(found, erasureReport) }
}
