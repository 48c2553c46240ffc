// One host's machine room: delivered batches and fetched blocks are executed one after another, each durable when its time
// is over; a crash loses what waits. A deliver that a fetch has overtaken changes nothing and is not answered: `installed`
// has told the core more.

import type { NodeId, Sequence } from '../../src/base/ids.ts'
import type { BlockRecord } from '../../src/consensus/block.ts'
import type { Effect } from '../../src/consensus/contract.ts'
import type { Checkpoint } from '../../src/consensus/statements.ts'
import type { Host } from './host.ts'
import type { Random } from './random.ts'
import { toyVerify } from './signatures.ts'
import type { Stage } from './stage.ts'

type Deliver<Message> = Extract<Effect<Message>, { type: 'deliver' }>
type Fetch<Message> = Extract<Effect<Message>, { type: 'fetch' }>

export class Executor<Message> {
  readonly #stage: Stage<Message>
  readonly #host: Host<Message>
  readonly #random: Random
  #jobs: (() => void)[] = []
  #running = false
  #life = 0

  constructor(stage: Stage<Message>, host: Host<Message>, random: Random) {
    this.#stage = stage
    this.#host = host
    this.#random = random
  }

  crash(): void {
    this.#jobs = []
    this.#running = false
    this.#life++
  }

  deliver({ sequence, batch, certificate }: Deliver<Message>): void {
    this.#queue(() => {
      const { machine, correct } = this.#host
      if (sequence <= machine.height) return
      // A liar may have led its own core to deliver anything; its machine takes only what follows.
      if (!correct && sequence > machine.height + 1) return
      if (correct) this.#stage.oracle.certifies(this.#host.name, sequence, machine, certificate)
      const applied = machine.execute(sequence, batch, certificate)
      this.#executed()
      this.#host.give({ type: 'applied', ...applied })
    })
  }

  fetch({ token, from, sequence, checkpoint }: Fetch<Message>): void {
    const life = this.#life
    this.#stage.time.after(this.#random.between(1, 20), () => {
      if (life !== this.#life) return
      const source = this.#sources(from, sequence)
      if (source === undefined) this.#host.give({ type: 'fetchFailed', token })
      else this.#queue(() => this.#install(source, token, sequence, checkpoint))
    })
  }

  /** Blocks of the first source that can serve: those asked for before others, correct or not. */
  #sources(from: readonly NodeId[], sequence: Sequence): (() => readonly BlockRecord[])[] | undefined {
    const { node, machine } = this.#host
    const able = this.#stage
      .hosts()
      .filter((host) => host.node !== node && host.up && host.machine.height >= sequence)
      .filter((host) => this.#stage.connected(node, host.node))
    const ordered = this.#random.shuffle(able).sort((a, b) => preference(from, a.node) - preference(from, b.node))
    if (ordered.length === 0) return undefined
    return ordered.map((host) => () => {
      const records = host.machine.records(machine.height, sequence)
      return host.correct || this.#random.chance(0.5) ? records : records.map((record) => this.#spoiled(record))
    })
  }

  #spoiled(record: BlockRecord): BlockRecord {
    const [signature, ...others] = record.certificate.signatures
    return this.#random.pick<BlockRecord>([
      { ...record, transactions: [...record.transactions, new Uint8Array([1, 2, 3])] },
      { ...record, certificate: { ...record.certificate, signatures: others } },
      {
        ...record,
        certificate: {
          ...record.certificate,
          signatures: signature === undefined ? others : [signature, signature, ...others],
        },
      },
    ])
  }

  #install(
    sources: readonly (() => readonly BlockRecord[])[],
    token: number,
    sequence: Sequence,
    checkpoint: readonly Checkpoint[],
  ): void {
    const { machine } = this.#host
    const before = machine.height
    const { epoch } = machine.mandate.roster
    const isDone = (): boolean => machine.height >= sequence || machine.mandate.roster.epoch > epoch
    for (const source of sources) {
      for (const record of source()) {
        if (isDone()) break
        if (machine.install(record, toyVerify) !== undefined) break
        if (this.#host.correct) this.#stage.oracle.fetched(this.#host.name, record)
        this.#executed()
        if (this.#stage.powerFails()) {
          this.#host.crash('between two installed blocks')
          return
        }
      }
      if (isDone()) break
    }
    const reached = machine.outcomeAt(sequence)
    const agrees = checkpoint.every(({ state }) => reached?.checkpoint.some((own) => own.state === state) === true)
    const done = isDone() && (reached === undefined || agrees)
    if (done || machine.height > before) {
      const { applied: outcome, checkpoint, mandate } = machine
      this.#host.give({ type: 'installed', outcome, checkpoint, mandate })
    }
    if (!done) this.#host.give({ type: 'fetchFailed', token })
  }

  #executed(): void {
    const { correct, name, machine } = this.#host
    this.#stage.trace.note(this.#stage.time.elapsed, name, 'applied', machine.height)
    if (correct) this.#stage.oracle.executed(name, machine.applied, machine.mandate)
  }

  #queue(job: () => void): void {
    this.#jobs.push(job)
    this.#run()
  }

  #run(): void {
    if (this.#running || this.#jobs.length === 0) return
    this.#running = true
    const life = this.#life
    this.#stage.time.after(this.#random.between(0, this.#stage.weather().applyMsMax), () => {
      if (life !== this.#life) return
      this.#running = false
      this.#jobs.shift()?.()
      this.#run()
    })
  }
}

function preference(from: readonly NodeId[], node: NodeId): number {
  const place = from.indexOf(node)
  return place < 0 ? from.length : place
}
