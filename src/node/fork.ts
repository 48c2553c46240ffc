// Proof that a ledger forked: two results that a quorum each signed and that cannot both be. It stands in a file, it is shown to
// anybody, and as long as it lies in its place this node writes nothing.

import { existsSync } from 'node:fs'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import { type LedgerId, ledgerIdOf } from '../base/ids.ts'
import { id, list, record, type Schema, word } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import { type ResultCertificate, resultCertificateFault, resultCertificateSchema } from '../consensus/certificate.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import type { Roster } from '../consensus/roster.ts'
import { type EpochStep, epochStepsSchema } from './epoch-chain.ts'
import { readJson, readText } from './home.ts'

export interface ForkDocument {
  readonly kind: 'quadrille forked results 1'
  readonly ledger: LedgerId
  /** Two, of one height or one size of the log. */
  readonly certificates: readonly ResultCertificate[]
  /** From the genesis to the validators who signed them; as far as the node that found them can prove. */
  readonly epochs: readonly EpochStep[]
}

const forkDocumentSchema: Schema<ForkDocument> = record<ForkDocument>({
  kind: word('quadrille forked results 1'),
  ledger: id(32, ledgerIdOf),
  certificates: list(resultCertificateSchema, 2, 2),
  epochs: epochStepsSchema,
})

/** Whether a quorum signed both, and they contradict one another. `rosters`: of the epochs that are known. */
export function isFork({ ledger, certificates }: ForkDocument, protocol: string, rosters: readonly Roster[]): boolean {
  const faults = faultModelOf(protocol)
  const hold = certificates.every((certificate) => {
    const roster = rosters.find(({ epoch }) => epoch === certificate.result.epoch)
    const isOurs = certificate.result.ledger === ledger && roster !== undefined
    return isOurs && resultCertificateFault(certificate, roster, verify, faults) === undefined
  })
  const [one, other] = certificates.map(({ result }) => result)
  if (!hold || one === undefined || other === undefined) return false
  const isSamePlace = one.sequence === other.sequence || one.logSize === other.logSize
  return isSamePlace && (one.block !== other.block || one.logRoot !== other.logRoot)
}

/** Undefined for a file that is something else. @throws LedgerError FILE_UNREADABLE */
export async function readFork(path: string): Promise<ForkDocument | undefined> {
  if (!(await readText(path)).includes('"quadrille forked results 1"')) return undefined
  return readJson(path, forkDocumentSchema)
}

/** Durable when it resolves; the first proof stays. @throws LedgerError STORAGE_FAILED */
export async function keepFork(path: string, document: ForkDocument): Promise<void> {
  if (existsSync(path)) return
  try {
    await writeFileAtomic(path, utf8(`${JSON.stringify(forkDocumentSchema.toJson(document), undefined, 2)}\n`), 0o644)
  } catch (error) {
    throw new LedgerError('STORAGE_FAILED', { file: path }, error)
  }
}
