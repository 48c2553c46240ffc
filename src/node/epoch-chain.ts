// How whoever has the genesis alone learns who the validators of a later epoch were: the last checkpoint of each epoch, signed
// by a quorum of it, names the validators of the next. Runs in a browser.

import { LedgerError } from '../base/errors.ts'
import type { LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { list, record, type Schema } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import { type ResultCertificate, resultCertificateFault, resultCertificateSchema } from '../consensus/certificate.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { type Roster, rosterHash, rosterSchema } from '../consensus/roster.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { Ledger } from '../ledger/ledger.ts'

/** One validator set followed by the next: the last checkpoint of the old one, signed by it, names the new one. */
export interface EpochStep {
  readonly roster: Roster
  readonly certificate: ResultCertificate
}

export const epochStepsSchema: Schema<readonly EpochStep[]> = list(
  record<EpochStep>({ roster: rosterSchema, certificate: resultCertificateSchema }),
  limits.receiptEpochsMax,
)

/** The validators of every epoch that the steps prove, that of the genesis first. @throws LedgerError for a step that does not follow. */
export function rostersAlong(genesis: Genesis, steps: readonly EpochStep[]): readonly Roster[] {
  const founded = Ledger.fromGenesis(genesis)
  const rosters = [founded.roster()]
  for (const step of steps) {
    const before = rosters.at(-1) as Roster
    const fault = stepFault(step, before, founded.id, genesis.protocol)
    if (fault !== undefined) throw fault
    rosters.push(step.roster)
  }
  return rosters
}

/** Why a step does not lead from `before` to its own roster; undefined when it does. */
export function stepFault(
  { roster, certificate }: EpochStep,
  before: Roster,
  ledger: LedgerId,
  protocol: string,
): LedgerError | undefined {
  const { result } = certificate
  const end = { reason: `end of epoch ${before.epoch}` }
  const fault = resultCertificateFault(certificate, before, verify, faultModelOf(protocol))
  if (fault !== undefined) return new LedgerError(fault, end)
  if (result.ledger !== ledger) return new LedgerError('WRONG_LEDGER', end)
  if (roster.epoch === before.epoch + 1 && result.checkpoint[0]?.roster === rosterHash(roster)) return undefined
  return new LedgerError('WRONG_EPOCH', { reason: `epoch ${before.epoch} did not end in the next one shown` })
}
