// A quiet little world for contract tests of protocols: nothing is lost, late or out of order, everything that a core asks
// for is answered at once, and everything that it did can be looked at. The storms are test/sim's affair.

import type { SignatureDomain } from '../../src/base/domains.ts'
import type { NodeId, Sequence, Time } from '../../src/base/ids.ts'
import { requestId } from '../../src/consensus/batch.ts'
import type { Core, Effect, Input, JournalRecord, Parameters, Protocol } from '../../src/consensus/contract.ts'
import { type FaultModel, faultModelOf } from '../../src/consensus/quorum.ts'
import { type Roster, type Validator, validatorOf } from '../../src/consensus/roster.ts'
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
  readonly machine: SimMachine
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
  readonly #queue: (() => void)[] = []

  constructor(protocol: Protocol<Message>, nodes: number) {
    this.protocol = protocol
    this.faults = faultModelOf(protocol.name)
    this.roster = simRoster(nodes)
    this.members = this.roster.validators.map(({ node }) => {
      const machine = new SimMachine(simLedger, simMandate(this.roster, lockstepParameters))
      return { node, machine, core: this.#start(node, machine, []), journal: [], steps: [], final: 0, away: false }
    })
  }

  /** Gives a member back its life with what its disk holds, or with what the test says that it holds. */
  restart(member: Member<Message>, journal: JournalRecord[] = member.journal): void {
    member.journal = journal
    member.core = this.#start(member.node, member.machine, journal)
  }

  request(member: Member<Message>, text: string): void {
    const bytes = new Uint8Array([1, ...new TextEncoder().encode(text)])
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
    return this.protocol.claims(message, simLedger).every(({ signer, domain, bytes, signature }) => {
      const key = validatorOf(this.roster, signer)?.key
      return key !== undefined && toyVerify(domain, bytes, signature, key)
    })
  }

  sign(node: NodeId, domain: SignatureDomain, bytes: Uint8Array): Uint8Array {
    return toySign((validatorOf(this.roster, node) as Validator).key, domain, bytes)
  }

  #start(self: NodeId, machine: SimMachine, journal: readonly JournalRecord[]): Core<Message> {
    const random = new Random(1, self)
    return this.protocol.start({
      ledger: simLedger,
      self,
      ...machine.mandate,
      applied: machine.applied,
      checkpoint: machine.checkpoint,
      sign: (domain, bytes) => {
        const signature = this.sign(self, domain, bytes)
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
        this.#queue.push(() => this.give(to, { type: 'receive', from: member.node, message: effect.message }))
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

  #fetch(member: Member<Message>, token: number, sequence: Sequence): Input<Message> {
    const source = this.members.find((other) => other !== member && !other.away && other.machine.height >= sequence)
    if (source === undefined || member.away) return { type: 'fetchFailed', token }
    const { epoch } = member.machine.mandate.roster
    for (const record of source.machine.records(member.machine.height, sequence)) {
      if (member.machine.mandate.roster.epoch > epoch) break
      const fault = member.machine.install(record, toyVerify, this.faults)
      if (fault !== undefined) throw new Error(`block ${record.header.sequence}: ${fault}`)
    }
    const { applied: outcome, checkpoint, mandate } = member.machine
    return { type: 'installed', outcome, checkpoint, mandate }
  }
}
