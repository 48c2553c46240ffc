// Exactly once: which numbers of one key were executed. A window of 1 024 lies below the highest executed number and another
// above it: holes below it may still be filled, so a number that arrives late is not lost, and a jump beyond it is refused
// without effect, so that it burns nothing.

import { limits } from '../base/limits.ts'
import { bytes, named, record, type Schema, uint } from '../base/schema.ts'

export interface SequenceWindow {
  readonly highest: number
  /** One bit for each of the last 1 024 numbers up to `highest`: number n has bit n mod 1 024, the lowest bit of a byte first. */
  readonly executed: Uint8Array
}

const size = limits.sequenceWindow

export const sequenceWindowSchema: Schema<SequenceWindow> = named(
  'sequence-window',
  record<SequenceWindow>({ highest: uint(), executed: bytes(size / 8) }),
)

/** Of a key that has executed nothing. */
export const freshWindow: SequenceWindow = { highest: 0, executed: new Uint8Array(size / 8) }

export type WindowFault = 'REPEATED' | 'SEQUENCE_EXPIRED' | 'SEQUENCE_TOO_FAR'

/** Why this number may not be executed now; undefined when it may. */
export function windowFault({ highest, executed }: SequenceWindow, sequence: number): WindowFault | undefined {
  if (sequence <= highest - size) return 'SEQUENCE_EXPIRED'
  if (sequence > highest + size) return 'SEQUENCE_TOO_FAR'
  return sequence <= highest && hasBit(executed, sequence) ? 'REPEATED' : undefined
}

/** The window after a number that had no fault. */
export function withExecuted({ highest, executed }: SequenceWindow, sequence: number): SequenceWindow {
  const after = executed.slice()
  for (let passed = highest + 1; passed < sequence; passed++) clearBit(after, passed)
  setBit(after, sequence)
  return { highest: Math.max(highest, sequence), executed: after }
}

const byteOf = (sequence: number): number => (sequence % size) >> 3
const bitOf = (sequence: number): number => 1 << (sequence & 7)

function hasBit(bits: Uint8Array, sequence: number): boolean {
  return ((bits[byteOf(sequence)] as number) & bitOf(sequence)) !== 0
}

function setBit(bits: Uint8Array, sequence: number): void {
  bits[byteOf(sequence)] = (bits[byteOf(sequence)] as number) | bitOf(sequence)
}

function clearBit(bits: Uint8Array, sequence: number): void {
  bits[byteOf(sequence)] = (bits[byteOf(sequence)] as number) & ~bitOf(sequence)
}
