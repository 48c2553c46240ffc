// What executes delivered batches: the chain of headers as consensus/block.ts has it, and a ledger that merely remembers
// which requests it has seen, and who may vote (acts.ts). It is durable apart from the journal, keeps every block with its certificate, and serves them.

import { concat, utf8 } from '../../src/base/bytes.ts'
import { hash } from '../../src/base/hash.ts'
import { type Digest, idBytes, type LedgerId, type Sequence, type Time } from '../../src/base/ids.ts'
import {
  type Batch,
  type BatchSummary,
  type RequestId,
  requestId,
  summarize,
  summaryDigest,
  transactionsHash,
} from '../../src/consensus/batch.ts'
import { type BlockHeader, type BlockRecord, blockHash } from '../../src/consensus/block.ts'
import {
  agreedOf,
  type CommitCertificate,
  commitCertificateFault,
  type Verify,
} from '../../src/consensus/certificate.ts'
import { genesisOutcome, type Mandate, type Outcome } from '../../src/consensus/contract.ts'
import type { Applied, Machine } from '../../src/consensus/ports.ts'
import { type FaultModel, validatorsMinOf } from '../../src/consensus/quorum.ts'
import { type Roster, rosterHash } from '../../src/consensus/roster.ts'
import type { Checkpoint } from '../../src/consensus/statements.ts'
import { certifiersOf, type InForce, inForceAfter, type Succession } from '../../src/consensus/succession.ts'
import { endOf, nextMandate, nextRoster, type Plan, planned } from './acts.ts'

export class SimMachine implements Machine {
  readonly #ledger: LedgerId
  readonly #faults: FaultModel
  /** A machine that executes differently from the others has another one: only for liars. */
  readonly #nature: string
  readonly #founded: Mandate
  readonly #records: BlockRecord[] = []
  readonly #outcomes: Outcome[]
  readonly #executed: Set<RequestId> = new Set()
  /** Of all epochs so far. */
  readonly #mandates: Mandate[]
  #plan: Plan | undefined
  #inForce: InForce

  /** `founded`: of the first epoch. */
  constructor(ledger: LedgerId, founded: Mandate, faults: FaultModel = 'byzantine', nature = '') {
    this.#ledger = ledger
    this.#mandates = [founded]
    this.#inForce = [founded.roster]
    this.#faults = faults
    this.#nature = nature
    this.#founded = founded
    const root = hash('bucket', utf8(nature))
    this.#outcomes = [genesisOutcome(ledger, root, this.#checkpoint(root))]
  }

  get applied(): Outcome {
    return this.#outcomes[this.#outcomes.length - 1] as Outcome
  }

  get checkpoint(): Outcome {
    return this.#outcomes.findLast(({ checkpoint }) => checkpoint.length > 0) as Outcome
  }

  get mandate(): Mandate {
    return this.#mandates[this.#mandates.length - 1] as Mandate
  }

  get height(): Sequence {
    return this.applied.sequence
  }

  async apply(sequence: Sequence, batch: Batch, certificate: CommitCertificate): Promise<Applied> {
    return this.execute(sequence, batch, certificate)
  }

  /** @throws RangeError when the batch is not the next one. */
  execute(sequence: Sequence, batch: Batch, certificate: CommitCertificate): Applied {
    if (sequence > this.height) this.#add(summaryOf(batch), batch.transactions, certificate, sequence)
    return { outcome: this.outcomeAt(sequence) as Outcome, mandate: this.mandate }
  }

  /** Who certifies the next block. */
  get succession(): Succession {
    const { roster } = this.mandate
    const planned: readonly Roster[] = this.#plan === undefined ? [] : [nextRoster(roster, this.#plan)]
    return { inForce: this.#inForce, known: [roster, ...planned] }
  }

  /** Undefined, or what an auditor finds wrong with a certificate of the next block. */
  certificateFault(certificate: CommitCertificate, verify: Verify): string | undefined {
    const rosters = certifiersOf(certificate, this.succession)
    if (rosters === undefined) return 'validators that nobody planned'
    const [roster, ...next] = rosters
    return commitCertificateFault(certificate, roster, verify, this.#faults, next)
  }

  /** Executes a fetched block. Undefined, or what is wrong with it. */
  install(record: BlockRecord, verify: Verify): string | undefined {
    if (record.header.sequence <= this.height) return undefined
    const agreement = agreedOf(record.certificate)
    const summary = this.#summaryOf(record)
    if (record.header.sequence !== this.height + 1) return 'not the next block'
    if (agreement.sequence !== record.header.sequence || agreement.ledger !== this.#ledger) return 'another agreement'
    if (summaryDigest(summary) !== agreement.digest) return 'other content than was agreed'
    const fault = this.certificateFault(record.certificate, verify)
    if (fault !== undefined) return fault
    if (blockHash(this.#header(summary, record.header.sequence)) !== blockHash(record.header)) return 'another header'
    this.#add(summary, record.transactions, record.certificate, record.header.sequence)
    return undefined
  }

  outcomeAt(sequence: Sequence): Outcome | undefined {
    return this.#outcomes[sequence]
  }

  /** Another machine with the blocks up to `height` and nothing above: a lost disk, or an older copy of it. */
  upTo(height: Sequence): SimMachine {
    const copy = new SimMachine(this.#ledger, this.#founded, this.#faults, this.#nature)
    for (const { header, tokens, batchTime, transactions, certificate } of this.records(0 as Sequence, height)) {
      const summary = { time: batchTime, tokens, transactions: transactionsHash(transactions) }
      copy.#add(summary, transactions, certificate, header.sequence)
    }
    return copy
  }

  /** Undefined for an epoch that has not begun here. */
  mandateOf(epoch: number): Mandate | undefined {
    return this.#mandates[epoch]
  }

  /** Blocks after `from` up to `to`. */
  records(from: Sequence, to: Sequence): readonly BlockRecord[] {
    return this.#records.slice(from, to)
  }

  holds(id: RequestId): boolean {
    return this.#executed.has(id)
  }

  #summaryOf(record: BlockRecord): BatchSummary {
    return { time: record.batchTime, tokens: record.tokens, transactions: transactionsHash(record.transactions) }
  }

  #header(summary: BatchSummary, sequence: Sequence): BlockHeader {
    const last = this.#records[this.#records.length - 1]
    return {
      ledger: this.#ledger,
      epoch: this.mandate.roster.epoch,
      sequence,
      previous: this.applied.block,
      batch: summaryDigest(summary),
      time: Math.max(summary.time, last?.header.time ?? 0) as Time,
    }
  }

  #add(
    summary: BatchSummary,
    transactions: readonly Uint8Array[],
    certificate: CommitCertificate,
    sequence: Sequence,
  ): void {
    if (sequence !== this.height + 1) throw new RangeError(`block ${sequence} after ${this.height}`)
    const header = this.#header(summary, sequence)
    this.#inForce = inForceAfter(certificate, this.succession) ?? this.#inForce
    const block = blockHash(header)
    const fresh = transactions.filter((bytes) => {
      const id = requestId(bytes)
      return !this.#executed.has(id) && this.#executed.add(id)
    })
    const logRoot = hash('bucket', concat(idBytes(this.applied.logRoot), idBytes(block), utf8(this.#nature)))
    const atCheckpoint = sequence % this.mandate.parameters.checkpointInterval === 0
    this.#govern(sequence, fresh)
    this.#outcomes.push({
      sequence,
      block,
      logSize: this.applied.logSize + 1 + fresh.length,
      logRoot,
      checkpoint: atCheckpoint ? [this.#checkpoint(logRoot)] : [],
    })
    this.#records.push({ header, tokens: summary.tokens, batchTime: summary.time, transactions, certificate })
  }

  #govern(sequence: Sequence, transactions: readonly Uint8Array[]): void {
    for (const bytes of transactions) {
      const { roster, parameters, until } = this.mandate
      const before = this.#plan ?? { parameters, validators: roster.validators }
      const plan = planned(bytes, before, this.mandate, validatorsMinOf(this.#faults))
      if (plan === undefined) continue
      this.#plan = plan
      const ends = until ?? endOf(this.mandate, plan, sequence)
      this.#mandates.push({ ...(this.#mandates.pop() as Mandate), until: ends })
    }
    if (this.#plan === undefined || this.mandate.until !== sequence) return
    this.#mandates.push(nextMandate(this.mandate, this.#plan, sequence))
    this.#plan = undefined
  }

  #checkpoint(logRoot: Digest): Checkpoint {
    return { state: hash('buckets', idBytes(logRoot)), roster: rosterHash(this.mandate.roster) }
  }
}

/** Whether both say the same in every field. */
export function sameOutcome(a: Outcome, b: Outcome): boolean {
  return (
    a.sequence === b.sequence &&
    a.block === b.block &&
    a.logSize === b.logSize &&
    a.logRoot === b.logRoot &&
    a.checkpoint.length === b.checkpoint.length &&
    a.checkpoint.every(({ state, roster }, i) => state === b.checkpoint[i]?.state && roster === b.checkpoint[i].roster)
  )
}

// All machines of a run execute the very same batches, and batches never change.
const summaries: WeakMap<Batch, BatchSummary> = new WeakMap()

function summaryOf(batch: Batch): BatchSummary {
  const known = summaries.get(batch)
  if (known !== undefined) return known
  const summary = summarize(batch)
  summaries.set(batch, summary)
  return summary
}
