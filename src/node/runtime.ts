// A node's parts connected: mesh, payloads, machine, protocol and waiting clients. Messages come in here and are handed to
// the part that they concern.

import { randomBytes } from '#crypto'
import { endAll } from '../base/ending.ts'
import { LedgerError } from '../base/errors.ts'
import { type NodeId, sequenceOf } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import type { RequestId } from '../consensus/batch.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import type { CoreStatus, JournalRecord, Setup } from '../consensus/contract.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { ledgerIdFor } from '../ledger/genesis.ts'
import type { Delivered } from '../ledger/ledger.ts'
import type { Member } from '../p2p/admission.ts'
import { type Mesh, type MeshEvent, openMesh } from '../p2p/mesh.ts'
import { Arrivals } from './arrivals.ts'
import { createClaimChecker } from './claims.ts'
import { Comparison } from './comparison.ts'
import { ConsensusKeys } from './consensus-keys.ts'
import { type Cosigning, cosigningOf, keptNote } from './cosigning.ts'
import { Heights } from './heights.ts'
import { handled } from './inputs.ts'
import { lastKept } from './last-kept.ts'
import { LedgerMachine } from './machine.ts'
import { MeshMembers } from './mesh-members.ts'
import { Met } from './met.ts'
import { NodeActs } from './node-acts.ts'
import type { NodeEvent } from './node-event.ts'
import { PastEpochs } from './past-epochs.ts'
import { PayloadPool } from './payloads.ts'
import { ProbeFiles } from './probe-files.ts'
import { protocolOf } from './protocols.ts'
import { Purges } from './purges.ts'
import { Reads } from './reads.ts'
import { Reports } from './reports.ts'
import type { RuntimeOptions } from './runtime-options.ts'
import type { BlocksWanted } from './serve.ts'
import { Submissions } from './submissions.ts'
import { Sync } from './sync.ts'
import { Validator } from './validator.ts'
import { Verdicts } from './verdicts.ts'
import { type Envelope, envelopeSchema } from './wire.ts'

export class Runtime {
  readonly machine: LedgerMachine
  readonly mesh: Mesh
  readonly submissions: Submissions
  readonly reads: Reads
  readonly arrivals: Arrivals
  readonly cosigning: Cosigning
  readonly heights: Heights
  readonly acts: NodeActs
  readonly epochs: PastEpochs
  readonly comparison: Comparison
  readonly #options: RuntimeOptions
  readonly #payloads: PayloadPool
  readonly #sync: Sync
  readonly #purges: Purges
  readonly #reports: Reports
  readonly #validator: Validator
  readonly #keys: ConsensusKeys
  #final: ResultCertificate | undefined

  private constructor(options: RuntimeOptions, started: Started) {
    const { parts, clock, onFailure } = options
    const { machine, mesh, payloads, verdicts, journal } = started
    const onEvent = (event: NodeEvent): void => {
      if (event.type === 'refuse') mesh.score(event.from, event.code)
      if (event.type === 'accuse') this.#reports.keep(event.evidence)
      if (event.type === 'fence' && event.code !== 'VOTES_FORGOTTEN') this.submissions.giveUp(event.code)
      options.onEvent(event)
    }
    this.#options = { ...options, onEvent }
    this.machine = machine
    this.mesh = mesh
    this.#payloads = payloads
    this.#final = started.final
    this.#keys = started.keys
    this.comparison = started.comparison
    this.submissions = new Submissions({
      final: this.#final?.result.sequence ?? sequenceOf(0),
      machine,
      payloads,
      verdicts,
      propose: (transaction) => this.#validator.propose(transaction),
    })
    const height = (): number => machine.applied.sequence
    this.arrivals = new Arrivals(height)
    this.reads = new Reads({ randomBytes, ask: (id) => this.#validator.read(id), height })
    this.acts = new NodeActs({
      ledger: machine.ledger,
      submissions: this.submissions,
      key: () => started.keys.current,
      clock,
    })
    this.#purges = this.#purgesOf(started)
    this.#reports = new Reports({ ...options, machine, acts: this.acts })
    this.cosigning = cosigningOf({
      ...options,
      ...started,
      final: () => this.#final,
      send: (to, envelope) => this.#send(to, envelope),
    })
    this.#sync = new Sync({
      machine,
      blocks: parts.blocks,
      item: (item) => machine.item(item),
      send: (to, envelope) => this.#send(to, envelope),
      peers: () => mesh.peers(),
      refuse: (from, error) => onEvent({ type: 'refuse', from, code: error.code }),
      waitedMs: () => payloads.waitedMs,
    })
    this.#validator = new Validator({
      protocol: protocolOf(options.genesis.protocol),
      setup: this.#setup(journal),
      journal: parts.journal,
      clock,
      transport: mesh,
      machine,
      sync: this.#sync,
      payloads,
      keys: started.keys,
      claims: createClaimChecker({ window: machine.ledger.parameters().window }),
      onFinal: (certificate) => this.#becomeFinal(certificate),
      onRejected: (id, code) => this.submissions.rejected(id, code),
      onReadable: (id, sequence) => this.reads.readable(id, sequence),
      onEvent,
      onFailure,
    })
    this.epochs = new PastEpochs({
      ...parts,
      machine,
      peers: () => mesh.peers(),
      send: (to, envelope) => this.#send(to, envelope),
      onFailure,
    })
    this.heights = new Heights({
      self: options.self,
      machine,
      blocks: parts.blocks,
      log: parts.log,
      forkProof: options.forkProof,
      epochs: this.epochs,
      peers: () => mesh.peers(),
      // Among the votes, not behind catch-up: how late it comes shows as how far the clocks differ.
      send: (to, told) => mesh.send(to, 'consensus', encode(envelopeSchema, told)),
      clock,
      validator: () => this.#validator,
      final: () => this.#final,
      onFinal: (certificate) => this.#becomeFinal(certificate),
      onHalted: (code) => this.submissions.halt(code),
      met: started.met,
      onFailure,
      onEvent,
    })
    const receive = handled((from, bytes) => this.#receive(from, bytes).catch((error) => this.#blame(from, error)))
    mesh.onMessage((from, _priority, bytes) => receive(from, bytes))
  }

  /** Resolves when the node listens and takes part. @throws LedgerError as its parts do. */
  static async start(options: RuntimeOptions): Promise<Runtime> {
    const { parts, genesis, self, listen, onEvent, onFailure } = options
    const { identity, store, blocks, log, journal } = parts
    const ledger = ledgerIdFor(genesis)
    const verdicts = new Verdicts(ledger)
    const running: { runtime?: Runtime } = {}
    const payloads = new PayloadPool({
      ledger,
      verdicts,
      stagedBytesMax: options.stagedBytesMax,
      stage: (id, payload, transaction) => {
        const open = running.runtime?.machine.concernsNobody(transaction) === true
        return store.stage(id, payload, open ? 'open' : 'shreddable')
      },
      staged: (id) => store.staged(id),
      unstage: (ids) => store.unstage(ids),
      ask: (ids, again) => running.runtime?.askForPayloads(ids, again),
      onFailure,
      faults: faultModelOf(options.genesis.protocol),
      roster: () => running.runtime?.machine.ledger.roster(),
    })
    const machine = await LedgerMachine.open({
      genesis,
      blocks,
      log,
      store,
      payloads,
      signed: parts.checkpoints.last,
      onExecuted: (delivered, requests) => {
        running.runtime?.submissions.executed(delivered, requests)
        running.runtime?.executed(delivered)
        onEvent({ type: 'executed', delivered })
      },
    })
    const table = new MeshMembers(machine.ledger, options.bootstrap)
    const members = (): readonly Member[] => table.now()
    const keys = new ConsensusKeys(self, parts.consensusKeys)
    await keys.follow([...machine.succession.known, ...machine.succession.inForce])
    const final = await lastKept(blocks, machine.applied.sequence)
    const kept = await keptNote(options.notes.cosigned)
    const records = await journal.read()
    const comparison = await Comparison.open({
      ...options,
      store,
      ledger: machine.ledger,
      peers: () => running.runtime?.mesh.peers() ?? [],
      send: (to, told) => {
        if (running.runtime !== undefined) running.runtime.#send(to, told)
      },
    })
    const met = await Met.open(options.notes.met)
    // Last, so that nothing that fails before it leaves a port open.
    const onMeshEvent = (event: MeshEvent): void => {
      if (event.type === 'connected') running.runtime?.heights.tell(event.node)
      onEvent(event)
    }
    const transportSeed = identity.transport
    const mesh = await openMesh({ ledger, self, transportSeed, listen, members, onEvent: onMeshEvent })
    const found = { machine, mesh, payloads, verdicts, keys, final, kept, journal: records, comparison, met }
    try {
      running.runtime = new Runtime(options, found)
    } catch (error) {
      await mesh.close()
      throw error
    }
    await running.runtime.heights.begin()
    running.runtime.#purges.wake()
    running.runtime.#reports.wake()
    return running.runtime
  }

  /** The newest proof that a block is final; undefined before the first. */
  final(): ResultCertificate | undefined {
    return this.#final
  }

  /** What the protocol says of itself. */
  status(): CoreStatus {
    return this.heights.status(this.#validator.status())
  }

  async stop(): Promise<void> {
    this.heights.stop()
    this.epochs.stop()
    this.reads.close()
    this.arrivals.close()
    const done = Promise.allSettled([this.#purges.stop(), this.#reports.stop(), this.comparison.stop()])
    await endAll(
      () => this.acts.stop(),
      () => done,
      () => this.cosigning.stop(),
      () => this.mesh.close(),
      () => this.#validator.stop(),
    )
  }

  /** A block was executed. */
  executed({ erased, outcomes }: Delivered): void {
    this.reads.executed()
    this.arrivals.executed()
    const ordered = outcomes.some(({ code, transaction }) => code === 'OK' && transaction.act.type === 'erase')
    if (erased.length > 0 || ordered) this.#purges.wake()
  }

  #purgesOf({ machine }: Started): Purges {
    const { parts, erasing, ...rest } = this.#options
    const { notes, ...how } = erasing
    return new Purges({ ...rest, ...how, machine, store: parts.store, probes: new ProbeFiles(notes), acts: this.acts })
  }

  askForPayloads(ids: readonly RequestId[], again: boolean): void {
    for (const peer of this.mesh.peers()) {
      this.#send(peer, { type: 'payloads-wanted', ids })
      // Executed long ago at the others, a payload comes with its block.
      if (again && peer !== this.#sync.owing)
        this.#send(peer, { type: 'blocks-wanted', from: sequenceOf(this.machine.applied.sequence + 1), count: 1 })
    }
  }

  #setup(journal: readonly JournalRecord[]): Setup {
    const { self, random } = this.#options
    const { ledger, applied, checkpoint, mandate } = this.machine
    return {
      ledger: ledger.id,
      self,
      ...mandate,
      applied,
      checkpoint,
      sign: (domain, bytes, epoch) => this.#keys.sign(domain, bytes, epoch),
      random,
      journal,
    }
  }

  async #becomeFinal(certificate: ResultCertificate): Promise<void> {
    const { sequence, epoch, checkpoint } = certificate.result
    await this.#options.parts.blocks.putResult(sequence, encode(resultCertificateSchema, certificate))
    this.#final = certificate
    this.submissions.final(sequence)
    if (checkpoint.length > 0) {
      await this.#keys.settle(epoch)
      this.comparison.reached(sequence)
    }
    this.#options.onEvent({ type: 'final', sequence })
    if (certificate.result.checkpoint.length > 0) this.cosigning.gather().catch(this.#options.onFailure)
  }

  #send(to: NodeId, envelope: Envelope): boolean {
    return this.mesh.send(to, 'sync', encode(envelopeSchema, envelope))
  }

  async #receive(from: NodeId, bytes: Uint8Array): Promise<void> {
    const envelope = decode(envelopeSchema, bytes)
    switch (envelope.type) {
      case 'protocol':
        if (!(await this.heights.mayHear(from))) break
        this.#validator.receive(from, envelope.message, envelope.payloads)
        break
      case 'payloads':
        // An answer holds no more than fits it. One of no use asks for nothing: a liar's would be multiplied.
        if (this.#payloads.offer(from, envelope.payloads)) this.#payloads.askAgain()
        break
      case 'payloads-wanted': {
        const carried = await this.#payloads.answer(envelope.ids)
        if (carried.length > 0) this.#send(from, { type: 'payloads', payloads: carried })
        break
      }
      case 'blocks':
        for (const served of envelope.blocks) {
          this.#payloads.offer(from, served.payloads)
          this.#payloads.offerKept(from, served.kept)
        }
        this.#sync.receive(from, envelope)
        break
      case 'note':
      case 'note-wanted':
        await this.cosigning.receive(from, envelope)
        break
      case 'result':
      case 'result-wanted':
        await this.epochs.receive(from, envelope)
        break
      case 'content':
        await this.comparison.hear(from, envelope)
        break
      case 'height':
        this.#options.onEvent({ type: 'heard', from, time: envelope.time, software: envelope.software })
        await this.heights.hear(from, envelope)
        break
      case 'blocks-wanted':
        await this.#serve(from, envelope)
    }
  }

  async #serve(to: NodeId, wanted: BlocksWanted): Promise<void> {
    try {
      const answer = await this.#sync.serve(to, wanted)
      if (answer !== undefined) this.#send(to, answer)
    } catch (error) {
      // What is wrong with this node's own files is not the fault of who asked.
      this.#options.onFailure(error)
    }
  }

  /** What a peer sent is its fault and refused; anything else is ours. */
  #blame(from: NodeId, error: unknown): void {
    const { onEvent, onFailure } = this.#options
    if (error instanceof LedgerError && error.code !== 'STORAGE_FAILED')
      onEvent({ type: 'refuse', from, code: error.code })
    else onFailure(error)
  }
}

interface Started {
  readonly machine: LedgerMachine
  readonly mesh: Mesh
  readonly payloads: PayloadPool
  readonly verdicts: Verdicts
  readonly keys: ConsensusKeys
  readonly comparison: Comparison
  readonly met: Met
  readonly final: ResultCertificate | undefined
  readonly kept: string | undefined
  readonly journal: readonly JournalRecord[]
}
