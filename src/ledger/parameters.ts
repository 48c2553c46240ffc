// Which numbers a ledger may be run with: in a genesis and in acts alike.

import { limits } from '../base/limits.ts'
import type { LedgerParameters, Thresholds } from './genesis.ts'

export interface NumberFault {
  readonly at: string
  readonly expected: string
}

const between = (value: number, least: number, most: number): boolean => value >= least && value <= most

function unless(holds: boolean, at: string, expected: string): readonly NumberFault[] {
  return holds ? [] : [{ at, expected }]
}

export function parameterFaults(parameters: LedgerParameters): readonly NumberFault[] {
  const { checkpointInterval, window, batchTransactionsMax, batchBytesMax, idleBatchMs, suspectMs } = parameters
  const { transactionBytesMax } = limits
  return [
    ...unless(
      between(checkpointInterval, 1, limits.windowMax / 2),
      'checkpointInterval',
      `1 to ${limits.windowMax / 2}`,
    ),
    ...unless(
      window % checkpointInterval === 0 && between(window, 2 * checkpointInterval, limits.windowMax),
      'window',
      `a multiple of the checkpoint interval, at least two, at most ${limits.windowMax}`,
    ),
    ...unless(
      between(batchTransactionsMax, 1, limits.batchTransactionsMax),
      'batchTransactionsMax',
      `1 to ${limits.batchTransactionsMax}`,
    ),
    ...unless(
      between(batchBytesMax, transactionBytesMax, limits.batchBytesMax),
      'batchBytesMax',
      `${transactionBytesMax} to ${limits.batchBytesMax}`,
    ),
    ...unless(between(idleBatchMs, 1_000, 86_400_000), 'idleBatchMs', '1000 to 86400000'),
    ...unless(between(suspectMs, 100, 3_600_000), 'suspectMs', '100 to 3600000'),
  ]
}

/** `members`: organisations. */
export function thresholdFaults({ roster, rules }: Thresholds, members: number): readonly NumberFault[] {
  return [
    ...unless(between(roster, 1, members), 'roster', `1 to ${members}`),
    ...unless(between(rules, 1, members), 'rules', `1 to ${members}`),
  ]
}
