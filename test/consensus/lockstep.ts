// A quiet little world for contract tests of protocols: nothing is lost, late or out of order, everything that a core asks
// for is answered at once, and everything that it did can be looked at. The storms are test/sim's affair.

import type { SignatureDomain } from '../../src/base/domains.ts'
import type { NodeId, Sequence, Time } from '../../src/base/ids.ts'
import { requestId } from '../../src/consensus/batch.ts'
import type { Core, Effect, Input, JournalRecord, Mandate, Parameters, Protocol } from '../../src/consensus/contract.ts'
import { type FaultModel, faultModelOf } from '../../src/consensus/quorum.ts'
import { type Roster, validatorOf } from '../../src/consensus/roster.ts'
import { SimMachine } from '../sim/machine.ts'
import { Random } from '../sim/random.ts'
import { simLedger, simMandate, simRoster } from '../sim/roster.ts'
import { toySign, toyVerify } from '../sim/signatures.ts'

const lockstepParameters: Parameters = {
  checkpointInterval: 4,
  window: 16,
  batchTransactionsMax: 8,
  batchBytesMax: 65_536,
  pipelineMax: 4,
  requestsMax: 64,
  resendMs: 300,
  suspectMs: 60_000,
  suspectMsMax: 120_000,
  idleBatchMs: 600_000,
}

export interface Member<Message> {
  readonly node: NodeId
  machine: SimMachine
  core: Core<Message>
  journal: JournalRecord[]
  /** All effects so far with what caused them, in order: each step's together. */
  readonly steps: { readonly input: Input<Message>; readonly effects: readonly Effect<Message>[] }[]
  /** Highest sequence reported final. */
  final: number
  /** What it hears and says is dropped. */
  away: boolean
}

export class Lockstep<Message> {
  readonly roster: Roster
  readonly members: readonly Member<Message>[]
  readonly protocol: Protocol<Message>
  readonly faults: FaultModel
  /** Everything that any core asked to be signed, in hexadecimal of the signature. */
  readonly signatures: Map<string, { readonly domain: SignatureDomain; readonly bytes: Uint8Array }> = new Map()
  now = 1_700_000_000_000
  readonly #founded: Mandate
  readonly #held: WeakMap<object, boolean> = new WeakMap()
  readonly #queue: (() => void)[] = []

  /** `learners`: nodes that do not vote in the first epoch. */
  constructor(protocol: Protocol<Message>, nodes: number, learners = 0, parameters: Partial<Parameters> = {}) {
    this.protocol = protocol
    this.faults = faultModelOf(protocol.name)
    this.roster = simRoster(nodes)
    this.#founded = simMandate(this.roster, { ...lockstepParameters, ...parameters })
    this.members = simRoster(nodes + learners).validators.map(({ node }) => {
      const machine = new SimMachine(simLedger, this.#founded, this.faults)
      return { node, machine, core: this.#start(node, machine, []), journal: [], steps: [], final: 0, away: false }
    })
  }

  member(place: number): Member<Message> {
    const member = this.members[place]
    if (member === undefined) throw new RangeError(`no member ${place}`)
    return member
  }

  /** Gives a member back its life with what its disk holds, or with what the test says that it holds. */
  restart(member: Member<Message>, journal: JournalRecord[] = member.journal): void {
    member.journal = journal
    member.core = this.#start(member.node, member.machine, journal)
  }

  /** Its disk is lost, all of it, or put back as it was at `height`. */
  wipe(member: Member<Message>, height = 0, journal: JournalRecord[] = []): void {
    member.machine = member.machine.upTo(height as Sequence)
    this.restart(member, journal)
  }

  request(member: Member<Message>, text: string): void {
    this.submit(member, new Uint8Array([1, ...new TextEncoder().encode(text)]))
  }

  submit(member: Member<Message>, bytes: Uint8Array): void {
    this.give(member, { type: 'request', id: requestId(bytes), bytes })
  }

  /** Ticks everybody every 100 ms and carries out all that follows. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 100
      for (const member of this.members) this.give(member, { type: 'tick', now: this.now as Time })
      this.settle()
    }
  }

  /** Carries out everything that is under way, without letting time pass. */
  settle(): void {
    for (let done = 0; ; done++) {
      const next = this.#queue.shift()
      if (next === undefined) return
      if (done > 100_000) throw new Error('the cores never come to rest without time passing')
      next()
    }
  }

  give(member: Member<Message>, input: Input<Message>): readonly Effect<Message>[] {
    const effects = member.core.step(input)
    member.steps.push({ input, effects })
    for (const effect of effects) this.#carryOut(member, effect)
    return effects
  }

  verifies(message: Message): boolean {
    const known = this.#held.get(message as object)
    if (known !== undefined) return known
    const holds = this.protocol.claims(message, simLedger).every(({ epoch, signer, domain, bytes, signature }) => {
      // While a Raft ledger goes over to other validators, they sign in the epoch of those before them.
      const epochs = this.faults === 'byzantine' ? [epoch] : [epoch, epoch + 1]
      const keys = epochs.flatMap((each) => this.#keyOf(signer, each) ?? [])
      return keys.some((key) => toyVerify(domain, bytes, signature, key))
    })
    this.#held.set(message as object, holds)
    return holds
  }

  sign(node: NodeId, domain: SignatureDomain, bytes: Uint8Array, epoch = 0): Uint8Array {
    const key = this.#keyOf(node, epoch)
    if (key === undefined) throw new Error(`${node} signs in epoch ${epoch}, in which it does not vote`)
    return toySign(key, domain, bytes)
  }

  #keyOf(node: NodeId, epoch: number): Uint8Array | undefined {
    for (const { machine } of this.members ?? []) {
      const mandate = machine.mandateOf(epoch)
      if (mandate !== undefined) return validatorOf(mandate.roster, node)?.key
    }
    return undefined
  }

  #start(self: NodeId, machine: SimMachine, journal: readonly JournalRecord[]): Core<Message> {
    const random = new Random(1, self)
    return this.protocol.start({
      ledger: simLedger,
      self,
      ...machine.mandate,
      applied: machine.applied,
      checkpoint: machine.checkpoint,
      sign: (domain, bytes, epoch) => {
        const signature = this.sign(self, domain, bytes, epoch)
        this.signatures.set(String(signature), { domain, bytes })
        return signature
      },
      random: () => random.next(),
      journal: [...journal],
    })
  }

  #carryOut(member: Member<Message>, effect: Effect<Message>): void {
    const later = (input: Input<Message>): void => {
      this.#queue.push(() => this.give(member, input))
    }
    switch (effect.type) {
      case 'save':
        member.journal.push(effect.record)
        break
      case 'send': {
        const to = this.members.find(({ node }) => node === effect.to)
        if (to === undefined || to.away || member.away) break
        this.#queue.push(() => this.#arrive(to, member.node, effect.message))
        break
      }
      case 'check':
        later({ type: 'checked', token: effect.token, verdict: 'valid' })
        break
      case 'deliver': {
        later({ type: 'applied', ...member.machine.execute(effect.sequence, effect.batch, effect.certificate) })
        break
      }
      case 'final':
        member.final = Math.max(member.final, effect.certificate.result.sequence)
        break
      case 'fetch':
        later(this.#fetch(member, effect.token, effect.sequence))
        break
      case 'cut':
        member.journal = member.journal.filter(({ sequence }) => sequence >= effect.before)
        break
      default:
        break
    }
  }

  /** As in a host: only what verifies in an epoch that the core knows. */
  #arrive(to: Member<Message>, from: NodeId, message: Message): void {
    const claims = this.protocol.claims(message, simLedger)
    if (!claims.every(({ epoch }) => to.core.rosters(epoch).length > 0)) return
    if (!this.verifies(message)) throw new Error(`${from} sends what does not verify`)
    this.give(to, { type: 'receive', from, message })
  }

  #fetch(member: Member<Message>, token: number, sequence: Sequence): Input<Message> {
    const source = this.members.find((other) => other !== member && !other.away && other.machine.height >= sequence)
    if (source === undefined || member.away) return { type: 'fetchFailed', token }
    const { epoch } = member.machine.mandate.roster
    for (const record of source.machine.records(member.machine.height, sequence)) {
      if (member.machine.mandate.roster.epoch > epoch) break
      const fault = member.machine.install(record, toyVerify)
      if (fault !== undefined) throw new Error(`block ${record.header.sequence}: ${fault}`)
    }
    const { applied: outcome, checkpoint, mandate } = member.machine
    return { type: 'installed', outcome, checkpoint, mandate }
  }
}
