// When a leader makes a batch of what waits. A batch costs every validator the same votes and fsyncs however little is in it;
// so under load batches grow, and only full ones fill the pipeline.

import type { Parameters } from './contract.ts'

/** Batches that may be under way without being full: one is executed while the next is agreed on. */
const partialMax = 2

export interface UnderWay {
  /** Requests that stand in no batch. */
  readonly waiting: number
  /** Batches that are proposed and not agreed on. */
  readonly unagreed: number
  /** Batches that are proposed and not executed by the leader. */
  readonly unexecuted: number
}

export function mayBatch(
  { waiting, unagreed, unexecuted }: UnderWay,
  { pipelineMax, batchTransactionsMax }: Pick<Parameters, 'pipelineMax' | 'batchTransactionsMax'>,
): boolean {
  if (unagreed >= pipelineMax) return false
  return unexecuted < partialMax || waiting >= batchTransactionsMax
}
