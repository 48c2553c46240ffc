// Keeps what the protocol accuses validators with, and enters it into the log, so that every node and every audit has it: one piece for each culprit
// and epoch, by whichever node comes first.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { decode } from '../base/schema.ts'
import { type Contradiction, contradictionSchema } from '../consensus/contradiction.ts'
import { validatorOf } from '../consensus/roster.ts'
import type { EvidenceFiles } from './evidence-files.ts'
import { Insistent } from './insistent.ts'
import type { LedgerMachine } from './machine.ts'
import type { NodeActs } from './node-acts.ts'

export interface ReportsOptions {
  readonly machine: Pick<LedgerMachine, 'ledger' | 'succession'>
  readonly evidence: Pick<EvidenceFiles, 'list' | 'keep'>
  readonly acts: Pick<NodeActs, 'send'>
  readonly random: () => number
  readonly onFailure: (error: unknown) => void
}

/** Nodes meet a lie at the same moment: each waits for up to so long, and the first to speak spares the others a transaction. */
const staggerMs = 2_000

/** Outcomes after which asking again would change nothing. */
const settled: readonly string[] = ['OK', 'EVIDENCE_KNOWN', 'EVIDENCE_EMPTY', 'KEY_UNKNOWN', 'NOT_PERMITTED']

export class Reports {
  readonly #options: ReportsOptions
  readonly #insistent: Insistent

  constructor(options: ReportsOptions) {
    this.#options = options
    const { onFailure } = options
    this.#insistent = new Insistent({ work: () => this.#report(), onDelay: () => undefined, onFailure })
  }

  /** What the protocol accuses a validator with. Durable before the log has it. */
  keep(evidence: Uint8Array): void {
    const { machine, evidence: files, onFailure } = this.#options
    const { id: ledger, genesis } = machine.ledger
    const about = { kind: 'quadrille evidence 1', ledger, protocol: genesis.protocol, against: 'validator' } as const
    files
      .keep({ ...about, evidence, epochs: [] })
      .then(() => this.wake())
      .catch(onFailure)
  }

  /** There may be evidence that the log lacks. */
  wake(): void {
    this.#insistent.wake()
  }

  stop(): Promise<void> {
    return this.#insistent.stop()
  }

  async #report(): Promise<void> {
    const { evidence, random } = this.#options
    for (const { document } of evidence.list()) {
      const contradiction = decode(contradictionSchema, document.evidence)
      if (this.#isKnown(contradiction)) continue
      await this.#insistent.pause(random() * staggerMs)
      if (this.#insistent.stopped) return
      if (!this.#isKnown(contradiction)) await this.#send(contradiction)
    }
  }

  #isKnown({ culprit, first }: Contradiction): boolean {
    const known = this.#options.machine.ledger.convictions().find(([node]) => node === culprit)
    return known !== undefined && known[1].epoch >= first.statement.epoch
  }

  /** @throws LedgerError when it must be tried again */
  async #send(contradiction: Contradiction): Promise<void> {
    const key = this.#keyOf(contradiction)
    if (key === undefined) return
    const code = await this.#options.acts
      .send({ type: 'evidence', key, contradiction })
      .then(({ code: outcome }) => outcome)
      .catch((error: unknown) => {
        if (error instanceof LedgerError) return error.code
        throw error
      })
    if (!settled.includes(code)) throw new LedgerError(code as ErrorCode)
  }

  /** Under which its culprit signed; undefined when that was too long ago. */
  #keyOf({ culprit, first }: Contradiction): Uint8Array | undefined {
    const { inForce, known } = this.#options.machine.succession
    const roster = [...inForce, ...known].find(({ epoch }) => epoch === first.statement.epoch)
    return roster && validatorOf(roster, culprit)?.key
  }
}
