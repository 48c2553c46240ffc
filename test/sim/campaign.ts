// Many seeds of one protocol, summed up; and the hunt for planted bugs.

import { Random } from './random.ts'
import { play, type RunReport } from './run.ts'
import type { Mutant, Subject } from './subject.ts'

export interface Campaign {
  readonly protocol: string
  readonly nodes: number
  readonly liars: number
  readonly seeds: number
  /** Seeds that failed. */
  readonly failures: number
  /** Batches agreed, all seeds together. */
  readonly delivered: number
  /** Epochs that ended, all seeds together. */
  readonly epochs: number
  /** Rounds (views) reached, all seeds together. */
  readonly rounds: number
  /** Longest virtual time from healing until everything was final. */
  readonly maxRecoveryMs: number
  /** Over all seeds in order: the same campaign gives the same hash. */
  readonly traceHash: string
}

export interface CampaignOptions {
  readonly protocol: string
  readonly subject: Subject<unknown>
  readonly nodes: number
  readonly liars: number
  readonly seeds: readonly number[]
  readonly onSeed?: (seed: number, report: RunReport) => void
}

export function runCampaign({ protocol, subject, nodes, liars, seeds, onSeed }: CampaignOptions): Campaign {
  let failures = 0
  let delivered = 0
  let epochs = 0
  let rounds = 0
  let maxRecoveryMs = 0
  let traceHash = 0n
  for (const seed of seeds) {
    const report = play({ subject, nodes, liars, seed })
    if (report.failure !== undefined) failures++
    delivered += report.delivered
    epochs += report.epochs
    rounds += report.rounds
    maxRecoveryMs = Math.max(maxRecoveryMs, report.recoveryMs ?? 0)
    traceHash = BigInt.asUintN(64, traceHash * 0x100000001b3n + BigInt(`0x${report.traceHash}`))
    onSeed?.(seed, report)
  }
  const hex = traceHash.toString(16).padStart(16, '0')
  const sums = { failures, delivered, epochs, rounds, maxRecoveryMs }
  return { protocol, nodes, liars, seeds: seeds.length, ...sums, traceHash: hex }
}

/** Whole numbers that make a campaign: `first`, `first + 1` and so on. */
export function seedsFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i)
}

export interface Catch {
  readonly mutant: string
  /** Undefined when no seed found the bug. */
  readonly seed: number | undefined
  /** What the oracle said. */
  readonly failure: string
}

/** Bugs that show in few seeds, and one of these: where `npm test` begins its hunt. */
export const showsWith: Readonly<Record<string, number>> = {
  'forgets the newest record when it starts': 200_881,
  'claims nothing, so that forgeries pass': 963_232,
  'hides what prepared when it changes the view': 546_520,
  'takes no notice of votes that it forgot': 986_848,
  'votes twice in one term': 783_555,
  'proves blocks by validators who are known only after them': 590_133,
}

/** Plays `mutant` until a seed fails, at most `seeds` of them. */
export function hunt(mutant: Mutant, nodes: number, seeds: number, first?: number): Catch {
  const from = first ?? new Random(0, mutant.name).below(1_000_000)
  for (const seed of seedsFrom(from, seeds)) {
    const { failure } = play({ subject: mutant.subject, nodes, liars: mutant.liars, seed })
    if (failure !== undefined) return { mutant: mutant.name, seed, failure }
  }
  return { mutant: mutant.name, seed: undefined, failure: '' }
}
