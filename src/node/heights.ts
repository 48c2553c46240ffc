// How far the nodes are, as they tell one another: whether this one may answer from its copy, whether it has to fetch what the
// protocol does not bring, what is final for a node that does not vote, and whether the copies contradict one another. Then
// nothing is signed and nothing written any more.

import { existsSync } from 'node:fs'
import type { ErrorCode } from '../base/errors.ts'
import { LedgerError } from '../base/errors.ts'
import { epochOf, type NodeId, sequenceOf } from '../base/ids.ts'
import { encode } from '../base/schema.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import type { CoreStatus } from '../consensus/contract.ts'
import type { Clock } from '../consensus/ports.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { validatorOf } from '../consensus/roster.ts'
import { keepFork } from './fork.ts'
import { Freshness } from './freshness.ts'
import { Lag } from './lag.ts'
import type { Met } from './met.ts'
import type { PastEpochs } from './past-epochs.ts'
import { type Conflict, ToldResults, type ToldResultsOptions } from './told-results.ts'
import type { Validator, ValidatorEvent } from './validator.ts'
import { version } from './version.ts'
import type { Envelope } from './wire.ts'

type Told = Extract<Envelope, { readonly type: 'height' }>

export interface HeightsOptions extends Omit<ToldResultsOptions, 'onConflict'> {
  /** Where proof of a fork is put; while it is there, nothing is written. */
  readonly forkProof: string
  readonly epochs: Pick<PastEpochs, 'stepsTo'>
  readonly peers: () => readonly NodeId[]
  readonly send: (to: NodeId, envelope: Told) => unknown
  readonly clock: Clock
  readonly met: Met
  readonly onFailure: (error: unknown) => void
  readonly validator: () => Pick<Validator, 'catchUp' | 'halt'>
  /** Whoever waits for an answer hears why there is none. */
  readonly onHalted: (code: ErrorCode) => void
  readonly onEvent: (event: ValidatorEvent) => void
}

const tellMs = 1_000

export class Heights {
  readonly #options: HeightsOptions
  readonly #freshness = new Freshness()
  readonly #lag = new Lag()
  /** What each peer says that its journal is. */
  readonly #journals: Map<NodeId, Uint8Array> = new Map()
  readonly #results: ToldResults
  readonly #telling: NodeJS.Timeout
  #halted: Conflict['code'] | undefined

  constructor(options: HeightsOptions) {
    this.#options = options
    this.#results = new ToldResults({ ...options, onConflict: (conflict) => this.#settle(conflict) })
    this.#telling = setInterval(() => {
      for (const peer of options.peers()) this.tell(peer)
    }, tellMs)
  }

  /** Once, before anything is written: what was found before it was stopped still holds. */
  async begin(): Promise<void> {
    if (existsSync(this.#options.forkProof)) await this.#halt('FORK_DETECTED')
  }

  tell(peer: NodeId): void {
    // One whose copy is not to be trusted has no height worth telling.
    if (this.#halted !== undefined) return
    const { send, machine, final, clock, met } = this.#options
    const proof = final()
    send(peer, {
      type: 'height',
      height: machine.applied.sequence,
      final: proof === undefined ? [] : [proof],
      time: clock.now(),
      software: version,
      journal: met.journal,
      forgot: this.#hasForgotten(peer),
    })
  }

  get #isCrashFault(): boolean {
    return faultModelOf(this.#options.machine.ledger.genesis.protocol) !== 'byzantine'
  }

  #keyOf(node: NodeId): Uint8Array | undefined {
    return validatorOf(this.#options.machine.ledger.roster(), node)?.key
  }

  #hasForgotten(peer: NodeId): boolean {
    const [key, journal] = [this.#keyOf(peer), this.#journals.get(peer)]
    return key !== undefined && journal !== undefined && this.#options.met.hasForgotten(peer, key, journal)
  }

  /**
   * Whether what a peer says as part of the protocol may be heard. In PBFT always: there a node asks for its own former votes
   * (recall.ts). In Raft a validator is heard with one journal only, which it tells before anything else.
   */
  async mayHear(from: NodeId): Promise<boolean> {
    const key = this.#keyOf(from)
    if (key === undefined || !this.#isCrashFault) return true
    const journal = this.#journals.get(from)
    if (journal === undefined || this.#hasForgotten(from)) return false
    await this.#options.met.add(from, key, journal)
    return true
  }

  async hear(from: NodeId, { height, final, journal, forgot }: Told): Promise<void> {
    // In PBFT nobody says so but a liar, who must not stop a node with a word.
    if (forgot && this.#isCrashFault) {
      this.#options.onFailure(new LedgerError('RECOVERY_UNSAFE'))
      return
    }
    this.#journals.set(from, journal)
    if (this.#hasForgotten(from)) {
      this.tell(from)
      return
    }
    this.#freshness.heard(from, height)
    this.#fetchIfBehind(from)
    for (const certificate of final) await this.#results.heard(certificate)
  }

  /** The height that a peer told last; undefined before it did. */
  of(node: NodeId): number | undefined {
    return this.#freshness.heightOf(node)
  }

  /** Whether this node may answer from its copy. */
  serve(): boolean {
    const { self, machine } = this.#options
    const { ledger, applied } = machine
    return (
      this.#halted === undefined &&
      this.#freshness.serves({
        self,
        roster: ledger.roster(),
        faults: faultModelOf(ledger.genesis.protocol),
        height: applied.sequence,
        checkpointInterval: ledger.parameters().checkpointInterval,
      })
    )
  }

  /** What the protocol says of itself, unless this node was halted. */
  status(core: CoreStatus): CoreStatus {
    if (this.#halted === undefined) return core
    return { ...core, state: 'fenced', note: `${this.#halted}: ${new LedgerError(this.#halted).message}` }
  }

  stop(): void {
    clearInterval(this.#telling)
  }

  /** By others. */
  #reached(): number {
    const { self, machine } = this.#options
    const { ledger } = machine
    return this.#freshness.reached({ self, roster: ledger.roster(), faults: faultModelOf(ledger.genesis.protocol) })
  }

  #fetchIfBehind(from: NodeId): void {
    const { self, machine, validator } = this.#options
    const reached = this.#reached()
    const { succession, applied } = machine
    const lagging = { self, succession, applied: applied.sequence, reached, now: performance.now() }
    if (!this.#lag.isToFetch(lagging)) return
    validator().catchUp(sequenceOf(reached), from, () => this.#reached() > machine.applied.sequence)
  }

  async #settle(conflict: Conflict): Promise<void> {
    if (this.#halted !== undefined) return
    await this.#halt(conflict.code)
    const { machine, forkProof, onEvent } = this.#options
    const { theirs, code } = conflict
    if (code === 'FORK_DETECTED') {
      const certificates: readonly ResultCertificate[] = [conflict.ours, theirs]
      const epochs = await this.#options.epochs.stepsTo(
        epochOf(Math.max(...certificates.map(({ result }) => result.epoch))),
      )
      await keepFork(forkProof, { kind: 'quadrille forked results 1', ledger: machine.ledger.id, certificates, epochs })
    }
    onEvent({ type: 'fence', code, evidence: encode(resultCertificateSchema, theirs) })
  }

  async #halt(code: Conflict['code']): Promise<void> {
    this.#halted = code
    this.#options.onHalted(code)
    await this.#options.validator().halt()
  }
}
