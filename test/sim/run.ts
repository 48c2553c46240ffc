// One run of the simulator: a seed, a protocol, so many nodes and liars. First everything goes wrong and nothing may
// become unsafe; then a quorum is healed, and everything that clients asked for must become final.

import type { SignatureDomain } from '../../src/base/domains.ts'
import type { LedgerId, NodeId } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import type { RequestId } from '../../src/consensus/batch.ts'
import type { Parameters, Protocol } from '../../src/consensus/contract.ts'
import { type FaultModel, faultsMax, quorumOf } from '../../src/consensus/quorum.ts'
import { type Roster, validatorOf } from '../../src/consensus/roster.ts'
import { type Changes, drawChanges, noChanges } from './changes.ts'
import { Clients } from './clients.ts'
import { drawParameters } from './drawing.ts'
import { Host, type Lie } from './host.ts'
import { genericLiars, type LiarFactory } from './liars.ts'
import { Network } from './network.ts'
import { Oracle, Violation } from './oracle.ts'
import { Random } from './random.ts'
import { simLedger, simMandate, simRoster, simValidator } from './roster.ts'
import { toySign, toyVerify } from './signatures.ts'
import type { Examined, Stage } from './stage.ts'
import type { Subject } from './subject.ts'
import { VirtualTime } from './time.ts'
import { Trace, type TraceSink } from './trace.ts'
import { calm, drawWeather, type Weather } from './weather.ts'

export interface RunOptions<Message> {
  readonly subject: Subject<Message>
  readonly nodes: number
  readonly liars: number
  readonly seed: number
  readonly sink?: TraceSink
  /** What liars do, instead of any of the generic ways and of the subject's own. */
  readonly lies?: readonly LiarFactory<Message>[]
  /** Instead of the weather that the seed draws. */
  readonly weather?: Weather
  /** Whether validators change and disks are lost, where the subject knows of it: they do unless told otherwise. */
  readonly changes?: boolean
  /** The power fails at exactly this boundary between effects, counted from 0 over all nodes. */
  readonly crashAt?: number
}

export interface RunReport {
  /** Undefined when all went well. */
  readonly failure: string | undefined
  /** Batches agreed. */
  readonly delivered: number
  /** Epochs that ended. */
  readonly epochs: number
  /** Highest round that a correct node saw. */
  readonly rounds: number
  /** Virtual milliseconds from healing until all that had been submitted was final everywhere; undefined on failure. */
  readonly recoveryMs: number | undefined
  /** Boundaries between effects at which the power could have failed. */
  readonly boundaries: number
  readonly traceHash: string
}

const stormMs = 8_000
const requestsInStorm = 24
const requestsAfter = 6

/** Plays one seed. Never throws for what the protocol does wrong: that is `failure`. */
export function play<Message>(options: RunOptions<Message>): RunReport {
  return new Run(options).play()
}

class Run<Message> implements Stage<Message> {
  readonly protocol: Protocol<Message>
  readonly ledger: LedgerId = simLedger
  readonly faults: FaultModel
  readonly roster: Roster
  readonly parameters: Parameters
  readonly time: VirtualTime = new VirtualTime()
  readonly trace: Trace
  readonly oracle: Oracle
  readonly #options: RunOptions<Message>
  readonly #random: Random
  readonly #network: Network
  readonly #clients: Clients
  readonly #hosts: Host<Message>[] = []
  readonly #liars: readonly NodeId[]
  /** Messages never change, and most are sent to several peers, several times. */
  readonly #examined: WeakMap<object, Examined> = new WeakMap()
  readonly #sides: Map<NodeId, 0 | 1> = new Map()
  readonly #changes: Changes
  readonly #nodes: readonly NodeId[]
  #weather: Weather
  /** Those that may stay down once the storm is over. */
  #abandoned: ReadonlySet<NodeId> = new Set()
  #boundaries = 0
  #carried = 0
  #reads = 0
  #storm = true

  constructor(options: RunOptions<Message>) {
    const { subject, seed, nodes, liars, sink } = options
    if (liars > (subject.faults === 'byzantine' ? faultsMax(nodes) : 0))
      throw new RangeError(`${nodes} nodes do not survive ${liars} liars`)
    this.#options = options
    this.protocol = subject.protocol
    this.faults = subject.faults
    this.#random = new Random(seed, `${nodes}/${liars}`)
    this.roster = simRoster(nodes)
    this.parameters = { ...drawParameters(this.#random.fork('parameters')), ...subject.parameters }
    this.trace = new Trace(sink)
    this.#weather = options.weather ?? drawWeather(this.#random.fork('weather'))
    this.#network = new Network(this.time, this.#random.fork('network'), this.#weather)
    const candidates = this.roster.validators.map(({ node }) => node).slice(subject.fixedLeader ? 1 : 0)
    this.#liars = this.#random.shuffle(candidates).slice(0, liars)
    const changing = subject.epochs && options.changes !== false
    const cast = { faults: this.faults, nodes, liars: this.#liars, parameters: this.parameters }
    this.#changes = changing ? drawChanges(this.#random.fork('changes'), cast) : noChanges(nodes)
    this.oracle = new Oracle(simMandate(this.roster, this.parameters), this.faults, this.#changes.forgetful)
    this.#clients = new Clients(this.time, this.#random.fork('clients'), this.oracle, (request) => {
      const up = this.#hosts.filter((host) => host.up)
      if (up.length > 0) this.#random.pick(up).request(request)
      return up.length > 0
    })
    this.#nodes = Array.from({ length: nodes + this.#changes.learners }, (_, place) => simValidator(place).node)
    for (const node of this.#nodes) this.#addHosts(node)
  }

  play(): RunReport {
    let failure: string | undefined
    let recoveryMs: number | undefined
    try {
      this.#playStorm()
      recoveryMs = this.#playCalm()
    } catch (error) {
      failure = error instanceof Violation ? error.message : `a correct core threw: ${stackOf(error)}`
      this.trace.note(this.time.elapsed, 'run', 'fails', failure)
    }
    const rounds = Math.max(...this.#correct().map(({ round }) => round))
    const { height: delivered, epochs } = this.oracle
    const { hash: traceHash } = this.trace
    return { failure, delivered, epochs, rounds, recoveryMs, boundaries: this.#boundaries, traceHash }
  }

  weather(): Weather {
    return this.#weather
  }

  hosts(): readonly Host<Message>[] {
    return this.#hosts
  }

  isCorrect(node: NodeId): boolean {
    return !this.#liars.includes(node)
  }

  isForgetful(node: NodeId): boolean {
    return this.#changes.forgetful.has(node)
  }

  connected(a: NodeId, b: NodeId): boolean {
    return this.#network.connected(a, b) && this.#network.connected(b, a)
  }

  signAs(node: NodeId, domain: SignatureDomain, bytes: Uint8Array, epoch: number): Uint8Array {
    const key = this.#keyOf(node, epoch)
    if (key === undefined && this.isCorrect(node)) throw new Violation(`${node} signs in epoch ${epoch} without a vote`)
    const signature = toySign(key ?? new Uint8Array(32), domain, bytes)
    this.trace.mixBytes(signature.subarray(0, 8))
    return signature
  }

  powerFails(): boolean {
    const { crashAt } = this.#options
    const boundary = this.#boundaries++
    return crashAt === undefined ? this.#random.chance(this.#weather.crash) : boundary === crashAt
  }

  crashed(host: Host<Message>): void {
    if (this.#abandoned.has(host.node)) return
    this.time.after(this.#random.between(1, this.#weather.restartMsMax), () => {
      if (!host.up && !this.#abandoned.has(host.node)) host.start()
    })
  }

  examine(message: Message): Examined {
    const known = this.#examined.get(message as object)
    if (known !== undefined) return known
    const claims = this.protocol.claims(message, this.ledger)
    const holds = claims.every(({ epoch, signer, domain, bytes, signature }) => {
      return this.#keysOf(signer, epoch).some((key) => toyVerify(domain, bytes, signature, key))
    })
    this.#examined.set(message as object, { claims, holds })
    return { claims, holds }
  }

  #keyOf(node: NodeId, epoch: number): Uint8Array | undefined {
    const roster = this.oracle.rosterOf(epoch)
    return roster && validatorOf(roster, node)?.key
  }

  /** While a Raft ledger goes over to other validators, they sign in the epoch of those before them. */
  #keysOf(node: NodeId, epoch: number): readonly Uint8Array[] {
    const last = this.faults === 'byzantine' ? epoch : this.oracle.epochs
    const keys: Uint8Array[] = []
    for (let at = epoch; at <= last; at++) {
      const key = this.#keyOf(node, at)
      if (key !== undefined) keys.push(key)
    }
    return keys
  }

  carry(from: Host<Message>, to: NodeId, message: Message, payloads: readonly RequestId[]): void {
    const arriving = this.#carried++ % 16 === 0 ? this.#throughCodec(from, message) : message
    for (const host of this.#hosts) {
      if (host.node !== to || !this.#onOneSide(from, host)) continue
      this.#network.carry(from.node, to, () => host.receive(from.node, arriving, payloads))
    }
  }

  /** Now and then a message really becomes bytes: what its schema forgets is lost. Always would cost most of the time. */
  #throughCodec(from: Host<Message>, message: Message): Message {
    try {
      return decode(this.protocol.messages, encode(this.protocol.messages, message))
    } catch (error) {
      if (!from.correct) return message
      throw new Violation(`${from.name} sends what cannot be encoded: ${stackOf(error)}`)
    }
  }

  /** A twin talks only with those on its side. */
  #onOneSide(a: Host<Message>, b: Host<Message>): boolean {
    const side = (host: Host<Message>): 0 | 1 | undefined =>
      host.lie?.factory.twin === true ? host.lie.twin : this.#sides.get(host.node)
    return (a.lie?.factory.twin !== true && b.lie?.factory.twin !== true) || side(a) === side(b)
  }

  #addHosts(node: NodeId): void {
    const name = `n${Number.parseInt(node.slice(0, 2), 16)}`
    const liar = this.#liars.includes(node)
    const factories = this.#options.lies ?? [...genericLiars<Message>(), ...this.#options.subject.liars]
    const factory = liar ? this.#random.pick(factories) : undefined
    const instances: readonly (0 | 1)[] = factory?.twin === true ? [0, 1] : [0]
    for (const twin of instances) {
      const label = name + "'".repeat(twin)
      const random = this.#random.fork(label)
      const lie = factory === undefined ? undefined : this.#lie(factory, node, twin, random)
      this.#hosts.push(new Host<Message>(this, node, label, random, lie))
    }
  }

  #lie(factory: LiarFactory<Message>, self: NodeId, twin: 0 | 1, random: Random): Lie<Message> {
    const signAs = (liar: NodeId, domain: SignatureDomain, bytes: Uint8Array, epoch: number): Uint8Array => {
      if (!this.#liars.includes(liar)) throw new RangeError('a liar has the keys of liars only')
      return this.signAs(liar, domain, bytes, epoch)
    }
    const { ledger, roster, protocol } = this
    const context = { self, liars: this.#liars, ledger, roster, protocol, random: random.fork('lies'), signAs }
    this.trace.note(0, `n${Number.parseInt(self.slice(0, 2), 16)}`, 'lies:', factory.name)
    return { factory, liar: factory.make(context), twin }
  }

  #correct(): readonly Host<Message>[] {
    return this.#hosts.filter((host) => host.correct)
  }

  #playStorm(): void {
    this.#clients.plan(requestsInStorm, stormMs)
    for (const host of this.#hosts) this.time.after(this.#random.below(200), () => host.start())
    this.#disturb(this.#weather.cutEveryMs, () => this.#cutSomething())
    this.#disturb(this.#weather.stallEveryMs, () =>
      this.#random.pick(this.#hosts).stall(this.#random.between(100, 3_000)),
    )
    this.#swapSides()
    for (const act of this.#changes.acts) this.#clients.ask(act, stormMs)
    for (const host of this.#hosts) if (this.isForgetful(host.node)) this.#loseDiskOf(host)
    if (this.#options.subject.reads) this.#disturb(400, () => this.#readSomewhere())
    while (this.time.advance(stormMs));
  }

  /** Heals a quorum, and returns how long it took until all that was asked before is final there. */
  #playCalm(): number {
    const healed = this.#heal()
    this.#clients.plan(requestsAfter, 1_000)
    const start = this.time.elapsed
    const { progressMsMax } = this.#options.subject
    const done = (): boolean => {
      const target = this.#clients.allAgreedAt()
      return (
        target !== undefined &&
        healed.every(
          (host) =>
            host.final >= target &&
            host.machine.height >= Math.max(target, this.oracle.acknowledged) &&
            this.#isSettled(host) &&
            host.readsWaiting === 0,
        )
      )
    }
    while (!done()) {
      if (!this.time.advance(start + progressMsMax)) throw new Violation(this.#stuck(healed))
    }
    for (const host of healed) this.oracle.holdsAll(host.name, host.machine)
    this.oracle.judgeClients()
    return this.time.elapsed - start
  }

  #heal(): readonly Host<Message>[] {
    const correct = this.#correct()
    const [first, ...others] = correct
    const ordered = this.#options.subject.fixedLeader
      ? [first as Host<Message>, ...this.#random.shuffle(others)]
      : this.#random.shuffle(correct)
    const healed = ordered.slice(0, this.#random.between(this.#enough(ordered), correct.length))
    this.#abandoned = new Set(ordered.slice(healed.length).map(({ node }) => node))
    this.#storm = false
    this.#weather = calm
    this.#network.weather = calm
    this.#network.heal()
    this.trace.note(this.time.elapsed, 'run', 'heals', healed.map(({ name }) => name).join(' '))
    for (const host of this.#hosts) {
      if (this.#abandoned.has(host.node)) host.crash('for good')
      else if (!host.up) host.start()
    }
    return healed
  }

  /** No epoch is about to end, and the core is in the last one: its validators are in force, and no others. */
  #isSettled({ machine, core }: Host<Message>): boolean {
    const { roster, until } = machine.mandate
    const { inForce } = machine.succession
    const isInForce = inForce.length === 1 && inForce[0].epoch === roster.epoch
    if (until !== undefined || core?.rosters(roster.epoch).length === 0) return false
    return this.faults === 'byzantine' || isInForce
  }

  /** So many of these that a quorum of every set of validators that there may be is among them, and remembers. */
  #enough(ordered: readonly Host<Message>[]): number {
    const remembering = ordered.filter(({ node }) => !this.isForgetful(node)).map(({ node }) => node)
    const last = this.#changes.rosters.map((roster) => {
      const voting = remembering.filter((node) => roster.has(node))
      return ordered.findIndex(({ node }) => node === voting[quorumOf(this.faults, roster.size) - 1])
    })
    return Math.max(...last) + 1
  }

  /** Once, at some time in the storm: all of it, or it is put back from a copy. */
  #loseDiskOf(host: Host<Message>): void {
    const at = this.#random.between(500, stormMs - 1)
    this.time.after(this.#random.below(at), () => host.copyDisk())
    this.time.after(at, () => host.loseDisk(this.#random.chance(0.5)))
  }

  #disturb(meanMs: number, action: () => void): void {
    if (meanMs === 0) return
    this.time.after(this.#random.between(1, 2 * meanMs), () => {
      if (!this.#storm) return
      action()
      this.#disturb(meanMs, action)
    })
  }

  /** One link one way, one node one way, or the whole network in two. */
  #cutSomething(): void {
    const nodes = this.#random.shuffle(this.#nodes)
    const ms = this.#random.between(100, 4_000)
    const groups = this.#random.pick<readonly [readonly NodeId[], readonly NodeId[]]>([
      [nodes.slice(0, 1), nodes.slice(1, 2)],
      [nodes.slice(0, 1), nodes.slice(1)],
      [nodes.slice(1), nodes.slice(0, 1)],
      [nodes.slice(0, nodes.length >> 1), nodes.slice(nodes.length >> 1)],
    ])
    const bothWays = this.#random.chance(0.5)
    for (const a of groups[0]) {
      for (const b of groups[1]) {
        this.#network.cut(a, b, ms)
        if (bothWays) this.#network.cut(b, a, ms)
      }
    }
  }

  #swapSides(): void {
    for (const node of this.#nodes) this.#sides.set(node, this.#random.pick([0, 1]))
    this.time.after(this.#random.between(200, 3_000), () => this.#swapSides())
  }

  #readSomewhere(): void {
    const up = this.#correct().filter((host) => host.up)
    if (up.length > 0) this.#random.pick(up).read((this.#reads++).toString(16).padStart(32, '0'))
  }

  #stuck(healed: readonly Host<Message>[]): string {
    const states = healed.map((host) => {
      const status = host.core?.status()
      return `${host.name} at ${host.machine.height}, final ${host.final}: ${status?.state ?? 'down'}, ${status?.note ?? ''}`
    })
    return `no progress in ${this.#options.subject.progressMsMax} ms after healing (${states.join('; ')})`
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
