// The parameters that a seed draws: small, so that checkpoints, windows and pipelines fill within a short run.

import type { Parameters } from '../../src/consensus/contract.ts'
import type { Random } from './random.ts'

export function drawParameters(random: Random): Parameters {
  const checkpointInterval = random.pick([2, 4, 8])
  return {
    checkpointInterval,
    window: checkpointInterval * random.pick([2, 4]),
    batchTransactionsMax: random.pick([1, 4, 64]),
    batchBytesMax: 65_536,
    pipelineMax: random.pick([1, 2, 8]),
    requestsMax: 256,
    resendMs: 300,
    suspectMs: 1_000,
    suspectMsMax: 8_000,
    idleBatchMs: 5_000,
  }
}
