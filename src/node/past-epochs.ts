// The epochs of a ledger as a node keeps them: the validators of each, written with the block after which they are in force, and
// among the results the one by which the validators before them said so. A node that fetched that block has no such result, and
// asks its peers for it, so that it too can prove to anybody who signed in which epoch.

import { concat } from '../base/bytes.ts'
import { invariant, type LedgerError } from '../base/errors.ts'
import { type Epoch, epochOf, type NodeId, type Sequence } from '../base/ids.ts'
import { decode, encode, record, type Schema, uint } from '../base/schema.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import { type Roster, rosterSchema } from '../consensus/roster.ts'
import { Ledger } from '../ledger/ledger.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { StateRecord } from '../store/change.ts'
import { type EpochStep, stepFault } from './epoch-chain.ts'
import type { RecordReader } from './erasure-records.ts'
import type { LedgerMachine } from './machine.ts'
import type { Envelope } from './wire.ts'

interface EpochRecord {
  readonly roster: Roster
  /** The last block of the epoch before. */
  readonly since: Sequence
}

const epochRecordSchema: Schema<EpochRecord> = record<EpochRecord>({ roster: rosterSchema, since: uint<Sequence>() })

// Beside the first bytes that machine.ts and erasure-records.ts use.
function epochKey(epoch: Epoch): Uint8Array {
  const number = new Uint8Array(8)
  new DataView(number.buffer).setBigUint64(0, BigInt(epoch))
  return concat(Uint8Array.of(5), number)
}

/** What is kept with the block after which these are the validators: nothing unless an epoch ended. */
export function epochRecords(before: Roster, after: Roster, since: Sequence): readonly StateRecord[] {
  if (after.epoch === before.epoch) return []
  return [{ key: epochKey(after.epoch), value: encode(epochRecordSchema, { roster: after, since }) }]
}

type ResultEnvelope = Extract<Envelope, { readonly type: 'result-wanted' | 'result' }>

export interface PastEpochsOptions {
  readonly machine: Pick<LedgerMachine, 'ledger' | 'mandate'>
  readonly store: RecordReader
  readonly blocks: Pick<BlockArchive, 'result' | 'putResult'>
  readonly peers: () => readonly NodeId[]
  readonly send: (to: NodeId, envelope: ResultEnvelope) => unknown
  readonly onFailure: (error: unknown) => void
}

const askMs = 1_000

export class PastEpochs {
  readonly #options: PastEpochsOptions
  readonly #asking: NodeJS.Timeout
  /** The first epoch whose begin is not known to be provable here. */
  #next: Epoch = epochOf(1)
  #asked = 0

  constructor(options: PastEpochsOptions) {
    this.#options = options
    this.#asking = setInterval(() => this.#ask().catch(options.onFailure), askMs)
  }

  /** From the genesis as far towards `epoch` as this node can prove. */
  async stepsTo(epoch: Epoch): Promise<readonly EpochStep[]> {
    const steps: EpochStep[] = []
    while (steps.length < Math.min(epoch, this.#current)) {
      const { roster, since } = await this.#record(epochOf(steps.length + 1))
      const certificate = await this.#result(since)
      if (certificate === undefined) break
      steps.push({ roster, certificate })
    }
    return steps
  }

  /** @throws LedgerError when what a peer answered proves nothing */
  async receive(from: NodeId, envelope: ResultEnvelope): Promise<void> {
    if (envelope.type === 'result') return this.#take(envelope.certificate)
    try {
      const certificate = await this.#result(envelope.height)
      if (certificate !== undefined) this.#options.send(from, { type: 'result', certificate })
    } catch (error) {
      // What is wrong with this node's own files is not the fault of who asked.
      this.#options.onFailure(error)
    }
  }

  stop(): void {
    clearInterval(this.#asking)
  }

  /** Of which everything is written: the ledger's own state may be ahead by the block that is being executed. */
  get #current(): Epoch {
    return this.#options.machine.mandate.roster.epoch
  }

  /** One peer after another for the oldest proof that is not here. */
  async #ask(): Promise<void> {
    const { peers, send } = this.#options
    while (this.#next <= this.#current) {
      const { since } = await this.#record(this.#next)
      if ((await this.#result(since)) === undefined) {
        const all = peers()
        const peer = all[this.#asked++ % all.length]
        if (peer !== undefined) send(peer, { type: 'result-wanted', height: since })
        return
      }
      this.#next = epochOf(this.#next + 1)
    }
  }

  async #take(certificate: ResultCertificate): Promise<void> {
    if (this.#next > this.#current) return
    const { roster, since } = await this.#record(this.#next)
    // An answer to an earlier question is no fault.
    if (certificate.result.sequence !== since) return
    const fault = await this.#fault({ roster, certificate })
    if (fault !== undefined) throw fault
    await this.#options.blocks.putResult(since, encode(resultCertificateSchema, certificate))
  }

  async #fault(step: EpochStep): Promise<LedgerError | undefined> {
    const { ledger } = this.#options.machine
    const before = epochOf(step.roster.epoch - 1)
    const roster = before === 0 ? Ledger.fromGenesis(ledger.genesis).roster() : (await this.#record(before)).roster
    return stepFault(step, roster, ledger.id, ledger.genesis.protocol)
  }

  async #record(epoch: Epoch): Promise<EpochRecord> {
    const value = await this.#options.store.record(epochKey(epoch))
    invariant(value !== undefined, 'an epoch began of which nothing was written')
    return decode(epochRecordSchema, value)
  }

  async #result(height: Sequence): Promise<ResultCertificate | undefined> {
    const bytes = await this.#options.blocks.result(height)
    return bytes === undefined ? undefined : decode(resultCertificateSchema, bytes)
  }
}
