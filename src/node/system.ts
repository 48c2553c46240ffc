// What a node takes from its machine: time, and randomness where nobody's secret hangs on it.

import { randomBytes } from '#crypto'
import { timeOf } from '../base/ids.ts'
import type { Clock } from '../consensus/ports.ts'

/** The system's clock. */
export const clock: Clock = { now: () => timeOf(Date.now()) }

/** Uniform in [0, 1), from the operating system. */
export function random(): number {
  return new DataView(randomBytes(4).buffer).getUint32(0) / 2 ** 32
}
