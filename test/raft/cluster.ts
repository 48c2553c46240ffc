// Servers of Raft whose network the test holds in its hands: messages arrive at once, in order, unless a link is cut or the test
// keeps them; nothing else goes wrong by itself. What is agreed is compared all the time, and certificates are verified.

import assert from 'node:assert/strict'
import type { Epoch, NodeId, Sequence, Time } from '../../src/base/ids.ts'
import { type Batch, batchDigest, requestId } from '../../src/consensus/batch.ts'
import { agreedOf, type CommitCertificate } from '../../src/consensus/certificate.ts'
import type { Core, Effect, Input, JournalRecord, Parameters } from '../../src/consensus/contract.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { type RaftMessage, raft } from '../../src/raft/raft.ts'
import { SimMachine } from '../sim/machine.ts'
import { Random } from '../sim/random.ts'
import { simLedger, simMandate, simRoster } from '../sim/roster.ts'
import { toySign, toyVerify } from '../sim/signatures.ts'

export type RaftEffect = Effect<RaftMessage>

export const parameters: Parameters = {
  checkpointInterval: 4,
  window: 8,
  batchTransactionsMax: 4,
  batchBytesMax: 65_536,
  pipelineMax: 4,
  requestsMax: 16,
  resendMs: 200,
  suspectMs: 1_000,
  suspectMsMax: 8_000,
  idleBatchMs: 600_000,
}

export interface Message {
  readonly from: NodeId
  readonly to: NodeId
  readonly message: RaftMessage
}

export interface Server {
  readonly node: NodeId
  machine: SimMachine
  core: Core<RaftMessage> | undefined
  journal: JournalRecord[]
  readonly effects: RaftEffect[]
}

/** A transaction that asks for the roster of this place in `Cluster.rosters`. */
export const rosterRequest = (place: number): string => `roster ${place}`

export class Cluster {
  /** Of epochs 0 and so on. */
  readonly rosters: Roster[]
  readonly servers: readonly Server[]
  readonly agreed: Map<Sequence, { readonly batch: Batch; readonly certificate: CommitCertificate }> = new Map()
  /** Whether a message is lost. */
  loses: (message: Message) => boolean = () => false
  now = 1_700_000_000_000
  queue: Message[] = []
  /** Kept by the test. */
  readonly later: Message[] = []
  readonly #all: Roster
  readonly #answers: { readonly server: Server; readonly input: Input<RaftMessage> }[] = []

  /** `voters`: how many of the servers make up the first roster. */
  constructor(nodes: number, voters: number = nodes) {
    this.#all = simRoster(nodes)
    this.rosters = [this.roster(0, ...Array.from({ length: voters }, (_, i) => i))]
    this.servers = this.#all.validators.map(({ node }) => ({
      node,
      machine: new SimMachine(simLedger, simMandate(this.#all, parameters)),
      core: undefined,
      journal: [],
      effects: [],
    }))
    for (const server of this.servers) this.start(server)
  }

  /** The servers of these places. */
  roster(epoch: number, ...places: readonly number[]): Roster {
    return { epoch: epoch as Epoch, validators: this.#all.validators.filter((_, i) => places.includes(i)) }
  }

  server(place: number): Server {
    return this.servers[place] as Server
  }

  start(server: Server): void {
    const place = this.servers?.indexOf(server) ?? -1
    const key = this.#all.validators.find(({ node }) => node === server.node)?.key ?? new Uint8Array()
    const random = new Random(place + 2, server.node)
    server.core = raft.start({
      ledger: simLedger,
      self: server.node,
      ...simMandate(this.rosters[0] as Roster, parameters),
      applied: server.machine.applied,
      checkpoint: server.machine.checkpoint,
      sign: (domain, bytes) => toySign(key, domain, bytes),
      random: () => random.next(),
      journal: [...server.journal],
    })
  }

  stop(server: Server): void {
    server.core = undefined
  }

  /** Every message between the two groups is lost until `heal`. */
  isolate(...places: readonly number[]): void {
    const nodes = new Set(places.map((place) => this.server(place).node))
    this.loses = ({ from, to }) => nodes.has(from) !== nodes.has(to)
  }

  heal(): void {
    this.loses = () => false
  }

  /** Undefined while none leads, or more than one does. */
  leader(): Server | undefined {
    const leaders = this.servers.filter(({ core, node }) => core?.status().state === 'normal' && leads(core, node))
    return leaders.length === 1 ? leaders[0] : undefined
  }

  /** Passes time until exactly one leads. */
  elect(): Server {
    for (let i = 0; i < 200; i++) {
      const leader = this.leader()
      if (leader !== undefined) return leader
      this.pass(100)
    }
    throw new Error('nobody is elected')
  }

  request(server: Server, text: string): void {
    const bytes = new Uint8Array([1, ...new TextEncoder().encode(text)])
    this.give(server, { type: 'request', id: requestId(bytes), bytes })
    this.settle()
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 50
      for (const server of this.servers) this.give(server, { type: 'tick', now: this.now as Time })
      this.settle()
    }
  }

  settle(): void {
    for (let done = 0; ; done++) {
      const next = this.queue.shift()
      if (next === undefined) return
      if (done > 100_000) throw new Error('the servers never come to rest')
      this.arrive(next)
    }
  }

  arrive({ from, to, message }: Message): void {
    const server = this.servers.find(({ node }) => node === to)
    if (server !== undefined) this.give(server, { type: 'receive', from, message })
  }

  give(server: Server, input: Input<RaftMessage>): readonly RaftEffect[] {
    const effects = server.core?.step(input) ?? []
    server.effects.push(...effects)
    for (const effect of effects) this.#carryOut(server, effect)
    // What follows from these effects comes after all of them, as in a host.
    for (let next = this.#answers.shift(); next !== undefined; next = this.#answers.shift()) {
      this.give(next.server, next.input)
    }
    return effects
  }

  texts(server: Server): readonly string[] {
    return server.machine
      .records(0 as Sequence, server.machine.height)
      .flatMap(({ transactions }) => transactions.map((bytes) => new TextDecoder().decode(bytes.slice(1))))
  }

  #carryOut(server: Server, effect: RaftEffect): void {
    switch (effect.type) {
      case 'save':
        server.journal.push(effect.record)
        break
      case 'cut':
        server.journal = server.journal.filter(({ sequence }) => sequence >= effect.before)
        break
      case 'send': {
        const message = { from: server.node, to: effect.to, message: effect.message }
        this.#verify(effect.message)
        if (!this.loses(message)) this.queue.push(message)
        break
      }
      case 'check':
        this.#answer(server, { type: 'checked', token: effect.token, verdict: 'valid' })
        break
      case 'deliver':
        this.#agree(effect)
        this.#execute(server, effect.sequence)
        break
      case 'fetch':
        this.#fetch(server, effect.token, effect.sequence)
        break
      case 'refuse':
      case 'accuse':
      case 'fence':
        throw new Error(`${effect.type}: ${JSON.stringify(effect)}`)
      default:
        break
    }
  }

  #answer(server: Server, input: Input<RaftMessage>): void {
    this.#answers.push({ server, input })
  }

  #verify(message: RaftMessage): void {
    for (const { signer, domain, bytes, signature } of raft.claims(message, simLedger)) {
      const key = this.#all.validators.find(({ node }) => node === signer)?.key
      assert.ok(key !== undefined && toyVerify(domain, bytes, signature, key), `${message.type} does not verify`)
    }
  }

  #agree({ sequence, batch, certificate }: Extract<RaftEffect, { type: 'deliver' }>): void {
    const known = this.agreed.get(sequence)
    assert.equal(agreedOf(certificate).sequence, sequence)
    assert.equal(agreedOf(certificate).digest, batchDigest(batch))
    if (known === undefined) this.agreed.set(sequence, { batch, certificate })
    else assert.equal(batchDigest(batch), batchDigest(known.batch), `two batches at ${sequence}`)
  }

  #execute(server: Server, sequence: Sequence): void {
    const { batch, certificate } = this.agreed.get(sequence) as { batch: Batch; certificate: CommitCertificate }
    const { outcome } = server.machine.execute(sequence, batch, certificate)
    const asked = batch.transactions
      .map((bytes) => new TextDecoder().decode(bytes.slice(1)))
      .find((text) => text.startsWith('roster '))
    const next = this.rosters[asked === undefined ? 0 : Number(asked.slice(7))] as Roster
    this.#answer(server, { type: 'applied', outcome, mandate: simMandate(next, parameters) })
  }

  #fetch(server: Server, token: number, sequence: Sequence): void {
    if (!this.agreed.has(sequence)) {
      this.#answer(server, { type: 'fetchFailed', token })
      return
    }
    for (let at = server.machine.height + 1; at <= sequence; at++) {
      const { batch, certificate } = this.agreed.get(at as Sequence) as { batch: Batch; certificate: CommitCertificate }
      server.machine.execute(at as Sequence, batch, certificate)
    }
    const { applied: outcome, checkpoint } = server.machine
    const mandate = simMandate(this.rosters[0] as Roster, parameters)
    this.#answer(server, { type: 'installed', outcome, checkpoint, mandate })
  }
}

function leads(core: Core<RaftMessage>, node: NodeId): boolean {
  return core.status().leader === node
}
