// One simulated node: it does for a core what node/loop.ts does in production, with power that may fail at every boundary.
// The journal, the machine and the staged payloads survive a crash; everything else is gone.

import type { NodeId, Sequence } from '../../src/base/ids.ts'
import { type Batch, type RequestId, requestId } from '../../src/consensus/batch.ts'
import type { Claim, Core, Effect, Input } from '../../src/consensus/contract.ts'
import { validatorOf } from '../../src/consensus/roster.ts'
import { planTurn } from '../../src/consensus/turn.ts'
import { type ClientRequest, isValidTransaction } from './clients.ts'
import { SimDisk } from './disk.ts'
import { Executor } from './executor.ts'
import { Lagging } from './lagging.ts'
import type { Liar, LiarFactory } from './liars.ts'
import { SimMachine } from './machine.ts'
import { Violation } from './oracle.ts'
import type { Random } from './random.ts'
import { simMandate } from './roster.ts'
import { toyVerify } from './signatures.ts'
import type { Stage } from './stage.ts'

const tickMs = 100
const inputsPerTurnMax = 64
/** No token of a core. */
const unasked = 0

/** What makes a host a liar. */
export interface Lie<Message> {
  readonly factory: LiarFactory<Message>
  readonly liar: Liar<Message>
  /** Which of two twins this is; 0 for a liar that is alone. */
  readonly twin: 0 | 1
}

export class Host<Message> {
  readonly node: NodeId
  /** For traces: n0, n1 and so on; a second twin has a prime. */
  readonly name: string
  readonly lie: Lie<Message> | undefined
  machine: SimMachine
  core: Core<Message> | undefined
  /** Highest sequence known to be final, kept beside the blocks. */
  final = 0 as Sequence
  round = 0
  readonly #stage: Stage<Message>
  readonly #random: Random
  readonly #disk: SimDisk = new SimDisk()
  readonly #executor: Executor<Message>
  readonly #lagging: Lagging<Message> | undefined
  readonly #payloads: Set<RequestId> = new Set()
  #checks: { readonly token: number; readonly batch: Batch }[] = []
  #reads: Map<string, Sequence> = new Map()
  #inbox: Input<Message>[] = []
  #busy = false
  #stalledUntil = 0
  #fenced = false
  /** The last epoch in which it must not sign. */
  #forgotIn = -1
  /** Copies of the disk, and of how much the machine held then. */
  #copy: { readonly frames: readonly Uint8Array[]; readonly height: Sequence } = { frames: [], height: 0 as Sequence }
  /** Of this life: the last sequence that the core delivered or was told of, and the last that it reported final. */
  #delivered = 0 as Sequence
  #reported = 0 as Sequence
  #life = 0
  /** Broadcasts and resends send one object several times. */
  readonly #sent: WeakSet<object> = new WeakSet()

  constructor(stage: Stage<Message>, node: NodeId, name: string, random: Random, lie: Lie<Message> | undefined) {
    this.node = node
    this.name = name
    this.lie = lie
    this.#stage = stage
    this.#random = random
    this.#executor = new Executor(stage, this, random.fork('executor'))
    this.#lagging = stage.faults === 'byzantine' ? undefined : new Lagging(stage, this, random.fork('lagging'))
    const nature = lie?.factory.diverges === true ? name : ''
    this.machine = new SimMachine(stage.ledger, simMandate(stage.roster, stage.parameters), stage.faults, nature)
  }

  get up(): boolean {
    return this.core !== undefined
  }

  get correct(): boolean {
    return this.lie === undefined
  }

  start(): void {
    const { protocol, ledger, oracle } = this.#stage
    this.#delivered = this.machine.height
    this.#reported = 0 as Sequence
    this.#fenced = false
    const journal = this.#disk.read()
    this.#note('starts', journal.length)
    this.core = protocol.start({
      ledger,
      self: this.node,
      ...this.machine.mandate,
      applied: this.machine.applied,
      checkpoint: this.machine.checkpoint,
      random: () => this.#random.next(),
      journal,
      sign: (domain, bytes, epoch) => {
        if (this.correct) {
          if (epoch <= this.#forgotIn)
            throw new Violation(`${this.name} signs in an epoch in which it forgot its votes`)
          if (this.#fenced) throw new Violation(`${this.name} signs while it is fenced`)
          oracle.signed(this.name, this.machine, domain, bytes)
        }
        return this.#stage.signAs(this.node, domain, bytes, epoch)
      },
    })
    this.#tick(this.#life, this.#random.below(tickMs))
    const life = this.#life
    this.#lagging?.listen(() => life === this.#life)
  }

  crash(where: string): void {
    if (this.core === undefined) return
    this.#note('crashes', where)
    this.core = undefined
    this.#life++
    this.#inbox = []
    this.#checks = []
    this.#reads.clear()
    this.#busy = false
    this.#stalledUntil = 0
    this.#disk.crash(this.#random)
    if (this.lie?.factory.amnesia === true) this.#disk.rollBack(this.#random.below(this.#disk.length + 1))
    this.#executor.crash()
    if (this.correct) this.#stage.oracle.forgets(this.name)
    this.#stage.crashed(this)
  }

  /** Somebody makes a copy of its disk. */
  copyDisk(): void {
    this.#copy = { frames: this.#disk.copy(), height: this.machine.height }
  }

  /** Its disk is lost with the power, and another one put in its place: an empty one, or a copy. */
  loseDisk(restored: boolean): void {
    this.crash('and loses its disk')
    const { frames, height } = restored ? this.#copy : { frames: [], height: 0 as Sequence }
    this.#disk.replace(frames)
    this.machine = this.machine.upTo(height)
    this.final = Math.min(this.final, height) as Sequence
    this.#note('disk', height)
  }

  /** A process that is paused: it keeps its connections and its memory and does nothing. */
  stall(ms: number): void {
    this.#stalledUntil = this.#stage.time.elapsed + ms
    this.#stage.time.after(ms, () => this.#wake())
  }

  request({ id, bytes }: ClientRequest): void {
    this.#payloads.add(id)
    this.give({ type: 'request', id, bytes })
    this.#answerChecks()
  }

  /** Blocks of others, unasked by the core. */
  catchUp(sequence: Sequence, from: NodeId): void {
    this.#executor.fetch({ type: 'fetch', token: unasked, from: [from], sequence, checkpoint: [] })
  }

  /** A linearizable read: whatever was acknowledged by now must be at or below its answer. */
  read(id: string): void {
    this.#reads.set(id, this.#stage.oracle.acknowledged)
    this.#stage.oracle.registers.asksToRead(id)
    this.give({ type: 'read', id })
  }

  get readsWaiting(): number {
    return this.#reads.size
  }

  /** What the network brings. Only what verifies reaches the core. */
  receive(from: NodeId, message: Message, payloads: readonly RequestId[]): void {
    if (!this.up) return
    for (const id of payloads) this.#payloads.add(id)
    if (payloads.length > 0) this.#answerChecks()
    if (!this.#stage.protocol.forwarded(message).every((bytes) => this.#acceptable(bytes))) return
    const { claims, holds } = this.#stage.examine(message)
    if (!claims.every(({ epoch }) => this.core?.rosters(epoch).length !== 0)) this.#note('another epoch', from)
    else if (holds && claims.every((claim) => this.#verifies(claim))) this.give({ type: 'receive', from, message })
    else this.#note('forgery', from)
  }

  /** By the keys that this core knows. Where nobody lies, whoever speaks of others is misunderstood. */
  #verifies({ epoch, signer, domain, bytes, signature }: Claim): boolean {
    if (this.#stage.faults === 'byzantine') return true
    const key = this.core?.rosters(epoch).flatMap((roster) => validatorOf(roster, signer)?.key ?? [])[0]
    if (key !== undefined && toyVerify(domain, bytes, signature, key)) return true
    throw new Violation(`${this.name} would refuse a ${domain} of ${signer} in epoch ${epoch}`)
  }

  give(input: Input<Message>): void {
    if (!this.up) return
    this.#inbox.push(input)
    this.#wake()
  }

  #tick(life: number, ms: number): void {
    this.#stage.time.after(ms, () => {
      if (life !== this.#life) return
      if (!this.#inbox.some(({ type }) => type === 'tick')) {
        this.give({ type: 'tick', now: this.#stage.time.now() })
      }
      this.#tick(life, tickMs)
    })
  }

  #wake(): void {
    const { time } = this.#stage
    if (this.#busy || this.#inbox.length === 0 || !this.up || time.elapsed < this.#stalledUntil) return
    this.#busy = true
    const life = this.#life
    time.after(this.#random.below(2), () => {
      if (life === this.#life) this.#turn()
    })
  }

  #turn(): void {
    const { time } = this.#stage
    const life = this.#life
    const turn = planTurn(this.#steps())
    if (life !== this.#life) return
    if (!this.#release(turn.before)) return
    if (turn.saves.length === 0) {
      this.#endTurn()
      return
    }
    this.#disk.append(turn.saves)
    const { syncMsMax, tear } = this.#stage.weather()
    const syncMs = this.#random.between(0, syncMsMax)
    if (this.#random.chance(tear)) {
      time.after(this.#random.below(syncMs + 1), () => {
        if (life === this.#life) this.crash('while it saves')
      })
    }
    time.after(syncMs, () => {
      if (life !== this.#life) return
      this.#disk.sync()
      this.#note('saved', turn.saves.length)
      if (this.#release(turn.after)) this.#endTurn()
    })
  }

  #steps(): readonly Effect<Message>[] {
    const effects: Effect<Message>[] = []
    for (const input of this.#inbox.splice(0, inputsPerTurnMax)) {
      this.#noteInput(input)
      if (this.correct && input.type === 'receive')
        this.#stage.oracle.heard(this.name, this.#stage.examine(input.message))
      if (input.type === 'installed') {
        this.#delivered = Math.max(this.#delivered, input.outcome.sequence) as Sequence
        this.#fenced = false
      }
      for (const effect of this.#step(input)) {
        if (effect.type === 'deliver') {
          if (this.correct) this.#stage.oracle.inOrder(this.name, this.#delivered, effect.sequence)
          this.#delivered = effect.sequence
        }
        effects.push(effect)
      }
    }
    return effects
  }

  #step(input: Input<Message>): readonly Effect<Message>[] {
    try {
      return this.core?.step(input) ?? []
    } catch (error) {
      if (this.correct) throw error
      // What a liar does to its own core is its own affair.
      this.crash('of its own lies')
      return []
    }
  }

  #endTurn(): void {
    this.#busy = false
    this.#wake()
  }

  /** Carries effects out in order; false when the power failed on the way. */
  #release(effects: readonly Exclude<Effect<Message>, { type: 'save' }>[]): boolean {
    for (const effect of effects) {
      if (this.#stage.powerFails()) {
        this.crash(`before ${effect.type}`)
        return false
      }
      this.#carryOut(effect)
    }
    if (!this.#stage.powerFails()) return true
    this.crash('at the end of a turn')
    return false
  }

  #carryOut(effect: Exclude<Effect<Message>, { type: 'save' }>): void {
    const { oracle } = this.#stage
    switch (effect.type) {
      case 'send':
        this.#send(effect.to, effect.message, effect.carries)
        break
      case 'check':
        this.#check(effect.token, effect.batch)
        break
      case 'deliver':
        this.#note('delivers', effect.sequence)
        if (this.correct) oracle.delivered(this.name, effect.sequence, effect.batch, effect.certificate)
        this.#executor.deliver(effect)
        break
      case 'final':
        this.#note('final', effect.certificate.result.sequence)
        if (this.correct) oracle.final(this.name, this.#reported, effect.certificate)
        this.#reported = effect.certificate.result.sequence
        this.final = Math.max(this.final, this.#reported) as Sequence
        break
      case 'readable':
        this.#readable(effect.id, effect.sequence)
        break
      case 'fetch':
        this.#note('fetches', effect.sequence)
        this.#executor.fetch(effect)
        break
      case 'cut':
        this.#disk.cut(effect.before)
        break
      case 'lead':
        this.#note('round', effect.round)
        this.round = Math.max(this.round, effect.round)
        break
      case 'drop':
        break
      case 'reject':
        this.#note('rejects', effect.code)
        break
      case 'refuse':
        this.#blame(effect.from, effect.code, new Uint8Array())
        break
      case 'accuse':
        this.#blame(effect.culprit, 'accused', effect.evidence)
        break
      case 'fence':
        if (effect.code === 'VOTES_FORGOTTEN' && this.#stage.isForgetful(this.node)) this.#forget()
        else {
          this.#fenced = true
          this.#blame(this.node, effect.code, effect.evidence)
        }
        break
    }
  }

  #forget(): void {
    const { epoch } = this.machine.mandate.roster
    this.#forgotIn = this.core?.rosters(epoch).length === 0 ? epoch - 1 : epoch
    this.#note('forgot', this.#forgotIn)
  }

  #send(to: NodeId, message: Message, carries: readonly RequestId[]): void {
    const { oracle } = this.#stage
    if (to === this.node || !this.#stage.hosts().some(({ node }) => node === to)) {
      throw new Violation(`${this.name} sends to ${to}, which is no peer`)
    }
    if (this.correct && !this.#sent.has(message as object)) {
      this.#sent.add(message as object)
      oracle.left(this.name, this.node, this.#stage.examine(message))
    }
    const payloads = carries.filter((id) => this.#payloads.has(id))
    const messages = this.lie === undefined ? [message] : this.lie.liar.rewrite(to, message)
    for (const each of messages) this.#stage.carry(this, to, each, payloads)
  }

  #check(token: number, batch: Batch): void {
    const life = this.#life
    this.#stage.time.after(this.#random.between(0, this.#stage.weather().checkMsMax), () => {
      if (life !== this.#life) return
      this.#checks.push({ token, batch })
      this.#answerChecks()
    })
  }

  /** The answer waits until every payload is here, and comes at once for what can never be valid. */
  #answerChecks(): void {
    const open = this.#checks
    this.#checks = []
    for (const check of open) {
      const { token, batch } = check
      const valid = batch.transactions.every(isValidTransaction)
      const complete = batch.transactions.every((bytes) => this.#payloads.has(requestId(bytes)))
      if (valid && !complete) this.#checks.push(check)
      else this.give({ type: 'checked', token, verdict: valid ? 'valid' : 'invalid' })
    }
  }

  /** A request without its payload, once proposed, would keep everybody's check waiting. */
  #acceptable(bytes: Uint8Array): boolean {
    return isValidTransaction(bytes) && this.#payloads.has(requestId(bytes))
  }

  #readable(id: string, sequence: Sequence): void {
    const atLeast = this.#reads.get(id)
    this.#note('readable', sequence)
    this.#reads.delete(id)
    if (this.correct) this.#stage.oracle.answered(id, sequence)
    if (this.correct && (atLeast === undefined || sequence < atLeast)) {
      throw new Violation(
        `${this.name} answers a read at ${sequence}, ${atLeast ?? 'nothing'} was acknowledged before it`,
      )
    }
  }

  #blame(culprit: NodeId, code: string, evidence: Uint8Array): void {
    this.#note('blames', `${culprit} ${code}`)
    if (this.correct && this.#stage.isCorrect(culprit)) this.#stage.oracle.blamed(this.name, culprit, code, evidence)
  }

  #note(what: string, detail: string | number): void {
    this.#stage.trace.note(this.#stage.time.elapsed, this.name, what, detail)
  }

  #noteInput(input: Input<Message>): void {
    const { trace, protocol, time } = this.#stage
    if (input.type !== 'receive') {
      if (input.type !== 'tick') this.#note(input.type, '')
      return
    }
    trace.note(time.elapsed, this.name, 'receive', input.from, () => {
      const json = JSON.stringify(protocol.messages.toJson(input.message))
      return `from n${input.from.slice(0, 2)}: ${json.length > 400 ? `${json.slice(0, 400)}...` : json}`
    })
  }
}
