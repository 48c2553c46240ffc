// Twins (Bano and others, "Twins: BFT Systems Made Robust", OPODIS 2021): one validator runs twice under one key, and a scenario
// says for each round who leads it and how the network is split in two. Whatever the twins do is what correct code does, so
// every attack that can be told this way is played without anybody thinking of it.

import type { Digest, NodeId, Sequence, Time } from '../../src/base/ids.ts'
import { batchDigest, requestId } from '../../src/consensus/batch.ts'
import type { Core, Effect, Input, Parameters } from '../../src/consensus/contract.ts'
import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import { SimMachine } from '../sim/machine.ts'
import { simLedger, simMandate, simRoster } from '../sim/roster.ts'
import { toySign, toyVerify } from '../sim/signatures.ts'
import { transaction } from './puppet.ts'

const validators = 4
/** Instance 4 is the twin of instance 0. */
const instances = validators + 1
const rounds = 3
/** Splits of five instances in two, the twins' own sides included; halves have no names. */
const splits = 2 ** (instances - 1)

/** How many different scenarios there are: leaders and splits of each round. */
export const scenarioCount: number = (validators * splits) ** rounds

export interface Scenario {
  readonly leaders: readonly number[]
  /** For each round, which instances are on the side of instance 4, as bits. */
  readonly sides: readonly number[]
}

export function scenario(index: number): Scenario {
  const each = Array.from({ length: rounds }, (_, round) => Math.floor(index / (validators * splits) ** round))
  return {
    leaders: each.map((code) => code % validators),
    sides: each.map((code) => Math.floor(code / validators) % splits),
  }
}

const parameters: Parameters = {
  checkpointInterval: 2,
  window: 4,
  batchTransactionsMax: 8,
  batchBytesMax: 65_536,
  pipelineMax: 2,
  requestsMax: 64,
  resendMs: 200,
  suspectMs: 400,
  suspectMsMax: 400,
  idleBatchMs: 100_000,
}

interface Instance {
  readonly node: NodeId
  readonly twin: boolean
  readonly machine: SimMachine
  readonly core: Core<PbftMessage>
}

type Hears = (from: number, to: number, message: PbftMessage) => boolean

class World {
  readonly roster: ReturnType<typeof simRoster> = simRoster(validators)
  readonly instances: readonly Instance[]
  readonly agreed: Map<Sequence, Digest> = new Map()
  violation: string | undefined
  #now = 1_700_000_000_000
  readonly #queue: (() => void)[] = []
  readonly #verified: WeakMap<object, boolean> = new WeakMap()
  #hears: Hears = () => true
  #requests = 0

  constructor() {
    this.instances = Array.from({ length: instances }, (_, place) => {
      const { node, key } = this.roster.validators[place % validators] as { node: NodeId; key: Uint8Array }
      const machine = new SimMachine(simLedger, simMandate(this.roster, parameters))
      const core = pbft.start({
        ledger: simLedger,
        self: node,
        ...machine.mandate,
        applied: machine.applied,
        checkpoint: machine.checkpoint,
        sign: (domain, bytes) => toySign(key, domain, bytes),
        random: () => 0.5,
        journal: [],
      })
      return { node, twin: place % validators === 0, machine, core }
    })
  }

  /** Everybody on a side is asked for something of its own, so that proposals differ. */
  request(): void {
    for (const place of this.instances.keys()) {
      const bytes = transaction(`${place} asks ${this.#requests++}`)
      this.give(place, { type: 'request', id: requestId(bytes), bytes })
    }
    this.#settle()
  }

  pass(ms: number, hears: Hears): void {
    this.#hears = hears
    for (const end = this.#now + ms; this.#now < end && this.violation === undefined; ) {
      this.#now += 100
      for (const place of this.instances.keys()) this.give(place, { type: 'tick', now: this.#now as Time })
      this.#settle()
    }
  }

  give(place: number, input: Input<PbftMessage>): void {
    const instance = this.instances[place] as Instance
    for (const effect of instance.core.step(input)) this.#carryOut(place, instance, effect)
  }

  #settle(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
  }

  #carryOut(place: number, instance: Instance, effect: Effect<PbftMessage>): void {
    const later = (input: Input<PbftMessage>): void => void this.#queue.push(() => this.give(place, input))
    if (effect.type === 'check') later({ type: 'checked', token: effect.token, verdict: 'valid' })
    if (effect.type === 'deliver') {
      this.#deliver(instance, effect.sequence, batchDigest(effect.batch))
      later({ type: 'applied', ...instance.machine.execute(effect.sequence, effect.batch, effect.certificate) })
    }
    if (effect.type === 'fetch') later(this.#fetch(place, effect.token, effect.sequence))
    if (effect.type !== 'send') return
    const { message } = effect
    for (const [to, other] of this.instances.entries()) {
      if (other.node !== effect.to || to === place || !this.#hears(place, to, message)) continue
      if (this.#holds(message)) this.#queue.push(() => this.give(to, { type: 'receive', from: instance.node, message }))
    }
  }

  #deliver(instance: Instance, sequence: Sequence, digest: Digest): void {
    if (instance.twin) return
    const before = this.agreed.get(sequence)
    if (before !== undefined && before !== digest) this.violation = `two batches at sequence ${sequence}`
    this.agreed.set(sequence, digest)
  }

  #fetch(place: number, token: number, sequence: Sequence): Input<PbftMessage> {
    const { machine } = this.instances[place] as Instance
    const source = this.instances.find(
      (other, from) =>
        other.machine.height >= sequence && this.#hears(from, place, { type: 'want', changes: [], batches: [] }),
    )
    for (const block of source?.machine.records(machine.height, sequence) ?? []) machine.install(block, toyVerify)
    if (machine.height < sequence) return { type: 'fetchFailed', token }
    const { applied: outcome, checkpoint, mandate } = machine
    return { type: 'installed', outcome, checkpoint, mandate }
  }

  #holds(message: PbftMessage): boolean {
    const known = this.#verified.get(message)
    if (known !== undefined) return known
    const holds = pbft.claims(message, simLedger).every(({ signer, domain, bytes, signature }) => {
      const key = this.roster.validators.find(({ node }) => node === signer)?.key
      return key !== undefined && toyVerify(domain, bytes, signature, key)
    })
    this.#verified.set(message, holds)
    return holds
  }
}

/** Only what moves replicas from view to view. */
const moving: Hears = (_from, _to, { type }) => type === 'view-change'

/** Plays one scenario, then ends the twins and heals the rest. Undefined, or what went wrong. */
export function playScenario({ leaders, sides }: Scenario): string | undefined {
  const world = new World()
  let view = -1
  for (const [round, leader] of leaders.entries()) {
    world.request()
    view += 1 + ((leader - (view + 1) + 2 * validators) % validators)
    for (let ms = 0; ms < 20_000 && world.instances.some(({ core }) => core.status().round < view); ms += 200) {
      world.pass(200, moving)
    }
    const side = (place: number): number => ((sides[round] ?? 0) >> place) & 1
    world.pass(700, (from, to) => side(from) === side(to))
  }
  const height = world.agreed.size
  const correct = (place: number): boolean => world.instances[place]?.twin === false
  for (let ms = 0; ms < 30_000 && world.agreed.size <= height; ms += 500) {
    if (ms % 5_000 === 0) world.request()
    world.pass(500, (from, to) => correct(from) && correct(to))
  }
  return world.violation ?? (world.agreed.size <= height ? `no progress above ${height}` : undefined)
}
