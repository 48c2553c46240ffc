// How bad a run is: what the network, the disks and the power supply do to correct nodes. A seed draws one kind of weather
// for the first phase; the second phase is calm.

import type { Random } from './random.ts'

/** Probabilities and milliseconds. */
export interface Weather {
  /** That a message is lost. */
  readonly loss: number
  /** That a message arrives twice. */
  readonly duplicate: number
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** That a message takes up to twenty times as long. */
  readonly straggle: number
  /** That the power fails at one boundary between two effects, or around the append. */
  readonly crash: number
  /** That the power fails in the middle of an append. */
  readonly tear: number
  readonly restartMsMax: number
  /** Mean time between two cuts of the network, 0 for none. */
  readonly cutEveryMs: number
  /** Mean time between two nodes that stop for a while without crashing (a paused process), 0 for none. */
  readonly stallEveryMs: number
  readonly syncMsMax: number
  readonly applyMsMax: number
  readonly checkMsMax: number
}

export const calm: Weather = {
  loss: 0,
  duplicate: 0,
  delayMsMin: 1,
  delayMsMax: 10,
  straggle: 0,
  crash: 0,
  tear: 0,
  restartMsMax: 100,
  cutEveryMs: 0,
  stallEveryMs: 0,
  syncMsMax: 4,
  applyMsMax: 4,
  checkMsMax: 4,
}

export function drawWeather(random: Random): Weather {
  const crash = random.pick([0, 0.0005, 0.002, 0.01])
  return {
    loss: random.pick([0, 0.01, 0.1, 0.3]),
    duplicate: random.pick([0, 0.01, 0.1]),
    delayMsMin: 1,
    delayMsMax: random.pick([5, 50, 300]),
    straggle: random.pick([0, 0.02, 0.1]),
    crash,
    tear: crash * 5,
    restartMsMax: random.pick([50, 500, 3_000]),
    cutEveryMs: random.pick([0, 500, 2_000]),
    stallEveryMs: random.pick([0, 1_500]),
    syncMsMax: random.pick([0, 5, 40]),
    applyMsMax: random.pick([0, 10, 100]),
    checkMsMax: random.pick([0, 10, 200]),
  }
}
