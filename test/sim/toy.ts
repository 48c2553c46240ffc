// The smallest protocol that keeps the contract: the first validator leads for ever, the others vote, whoever holds a
// quorum of COMMITs delivers, a quorum of equal RESULTs makes it final. It tests the simulator and the contract's suite, and
// shows how a core is written; it stops for good without its leader, and trusts it.

import { equal as same } from '../../src/base/bytes.ts'
import { type NodeId, nodeIdOf, type Round, type Sequence, type Time } from '../../src/base/ids.ts'
import { bytes, bytesUpTo, decode, encode, id, type Schema, variant } from '../../src/base/schema.ts'
import { type Batch, batchDigest, batchSchema, type RequestId, requestId } from '../../src/consensus/batch.ts'
import {
  type NodeSignature,
  type ResultCertificate,
  resultCertificateFault,
  resultCertificateSchema,
  sortedSignatures,
} from '../../src/consensus/certificate.ts'
import type { Claim, Core, CoreStatus, Effect, Input, Outcome, Protocol, Setup } from '../../src/consensus/contract.ts'
import { byzantineQuorum } from '../../src/consensus/quorum.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import {
  type Agreement,
  agreementBytes,
  agreementSchema,
  type Result,
  resultBytes,
  resultSchema,
} from '../../src/consensus/statements.ts'
import type { Subject } from './subject.ts'

export type ToyMessage =
  | { readonly type: 'forward'; readonly request: Uint8Array }
  | { readonly type: 'propose'; readonly agreement: Agreement; readonly batch: Batch; readonly signature: Uint8Array }
  | { readonly type: 'commit'; readonly signer: NodeId; readonly agreement: Agreement; readonly signature: Uint8Array }
  | { readonly type: 'result'; readonly signer: NodeId; readonly result: Result; readonly signature: Uint8Array }
  | { readonly type: 'final'; readonly certificate: ResultCertificate }

type Proposal = Extract<ToyMessage, { type: 'propose' }>

export const toyMessageSchema: Schema<ToyMessage> = variant<ToyMessage>({
  forward: [0, { request: bytesUpTo(65_536) }],
  propose: [1, { agreement: agreementSchema, batch: batchSchema, signature: bytes(64) }],
  commit: [2, { signer: id(16, nodeIdOf), agreement: agreementSchema, signature: bytes(64) }],
  result: [3, { signer: id(16, nodeIdOf), result: resultSchema, signature: bytes(64) }],
  final: [4, { certificate: resultCertificateSchema }],
})

/** What a planted bug may change; see mutants/toy.ts. */
export interface ToyRules {
  quorum(n: number): number
  /** Whether a COMMIT counts only for the agreement that it names. */
  readonly matchesAgreement: boolean
}

export const honestRules: ToyRules = { quorum: byzantineQuorum, matchesAgreement: true }

interface Slot {
  proposal: Proposal | undefined
  voted: boolean
  readonly commits: Map<NodeId, Extract<ToyMessage, { type: 'commit' }>>
  readonly results: Map<NodeId, Extract<ToyMessage, { type: 'result' }>>
}

export function toyWith(rules: ToyRules, name = 'toy/1'): Protocol<ToyMessage> {
  return {
    name,
    messages: toyMessageSchema,
    claims: toyClaims,
    forwarded: (message) => (message.type === 'forward' ? [message.request] : []),
    withForwarded: (message) => message,
    start: (setup) => new Toy(setup, rules),
  }
}

export const toy: Protocol<ToyMessage> = toyWith(honestRules)

export const toySubject: Subject<ToyMessage> = {
  protocol: toy,
  faults: 'byzantine',
  fixedLeader: true,
  reads: false,
  epochs: false,
  liars: [],
  progressMsMax: 20_000,
}

/** The leader signs proposals in the domain of PRE-PREPARE; its id is not in the message, so the first validator's is used. */
function toyClaims(message: ToyMessage): readonly Claim[] {
  switch (message.type) {
    case 'forward':
      return []
    case 'propose': {
      const { agreement, signature } = message
      return [
        {
          epoch: agreement.epoch,
          signer: leaderNode,
          domain: 'pre-prepare',
          bytes: agreementBytes(agreement),
          signature,
        },
      ]
    }
    case 'commit': {
      const { signer, agreement, signature } = message
      return [{ epoch: agreement.epoch, signer, domain: 'commit', bytes: agreementBytes(agreement), signature }]
    }
    case 'result': {
      const { signer, result, signature } = message
      return [{ epoch: result.epoch, signer, domain: 'result', bytes: resultBytes(result), signature }]
    }
    case 'final': {
      const { result, signatures } = message.certificate
      const said = resultBytes(result)
      const { epoch } = result
      return signatures.map(({ node, signature }) => ({
        epoch,
        signer: node,
        domain: 'result',
        bytes: said,
        signature,
      }))
    }
  }
}

const leaderNode = nodeIdOf('00'.repeat(16))

class Toy implements Core<ToyMessage> {
  readonly #setup: Setup
  readonly #rules: ToyRules
  readonly #slots: Map<Sequence, Slot> = new Map()
  readonly #proposed: Set<RequestId> = new Set()
  #waiting: Uint8Array[] = []
  #final: ResultCertificate | undefined
  #delivered: Sequence
  #applied: Sequence
  #fetching = 0
  #now = 0 as Time
  #resentAt = 0
  #effects: Effect<ToyMessage>[] = []

  constructor(setup: Setup, rules: ToyRules) {
    this.#setup = setup
    this.#rules = rules
    this.#delivered = setup.applied.sequence
    this.#applied = setup.applied.sequence
    for (const record of setup.journal) this.#remember(decode(toyMessageSchema, record.bytes))
  }

  step(input: Input<ToyMessage>): readonly Effect<ToyMessage>[] {
    this.#effects = []
    switch (input.type) {
      case 'tick':
        this.#now = input.now
        this.#resend()
        break
      case 'request':
        this.#request(input.id, input.bytes)
        break
      case 'receive':
        this.#receive(input.message)
        break
      case 'checked':
        if (input.verdict === 'valid') this.#vote(input.token as Sequence)
        break
      case 'applied':
        this.#appliedTo(input.outcome)
        break
      case 'installed':
        this.#delivered = Math.max(this.#delivered, input.outcome.sequence) as Sequence
        this.#appliedTo(input.outcome)
        this.#fetching = 0
        break
      case 'fetchFailed':
        this.#fetching = 0
        break
      case 'read':
        break
    }
    this.#propose()
    this.#deliver()
    return this.#effects
  }

  rosters(): readonly Roster[] {
    return [this.#setup.roster]
  }

  status(): CoreStatus {
    return {
      round: 0 as Round,
      leader: leaderNode,
      delivered: this.#delivered,
      final: this.#finalAt,
      stable: this.#finalAt,
      waiting: this.#waiting.length,
      state: 'normal',
      note: this.#finalAt > this.#applied ? `fetching up to ${this.#finalAt}` : '',
    }
  }

  get #leads(): boolean {
    return this.#setup.self === leaderNode
  }

  get #finalAt(): Sequence {
    return this.#final?.result.sequence ?? (0 as Sequence)
  }

  #request(id: RequestId, request: Uint8Array): void {
    if (!this.#leads) this.#send(leaderNode, { type: 'forward', request }, [id])
    else if (!this.#proposed.has(id)) {
      this.#proposed.add(id)
      this.#waiting.push(request)
    }
  }

  #propose(): void {
    if (!this.#leads || this.#waiting.length === 0 || this.#fetching !== 0) return
    const { parameters, ledger, roster } = this.#setup
    const sequence = (Math.max(this.#delivered, ...this.#proposals().keys()) + 1) as Sequence
    const room = sequence <= this.#finalAt + parameters.window && sequence <= this.#delivered + parameters.pipelineMax
    if (!room) return
    const transactions = this.#waiting.splice(0, parameters.batchTransactionsMax)
    const batch = { time: this.#now, tokens: [], transactions }
    const agreement = { ledger, epoch: roster.epoch, round: 0 as Round, sequence, digest: batchDigest(batch) }
    const signature = this.#setup.sign('pre-prepare', agreementBytes(agreement), roster.epoch)
    const proposal: Proposal = { type: 'propose', agreement, batch, signature }
    this.#slot(sequence).proposal = proposal
    this.#save(sequence, proposal)
    this.#broadcast(proposal, transactions.map(requestId))
    this.#vote(sequence)
  }

  #receive(message: ToyMessage): void {
    switch (message.type) {
      case 'forward':
        this.#request(requestId(message.request), message.request)
        return
      case 'propose': {
        const { sequence, digest } = message.agreement
        const slot = this.#inWindow(sequence) ? this.#slot(sequence) : undefined
        if (slot === undefined || slot.voted || (slot.proposal ?? message).agreement.digest !== digest) return
        if (digest !== batchDigest(message.batch)) return
        slot.proposal = message
        this.#effects.push({ type: 'check', token: sequence, batch: message.batch })
        return
      }
      case 'commit':
        if (this.#inWindow(message.agreement.sequence)) {
          this.#slot(message.agreement.sequence).commits.set(message.signer, message)
        }
        return
      case 'result':
        if (this.#inWindow(message.result.sequence)) {
          this.#slot(message.result.sequence).results.set(message.signer, message)
          this.#finish(message.result.sequence)
        }
        return
      case 'final':
        if (message.certificate.result.sequence <= this.#finalAt) return
        // The signatures were verified before; what is left to check is that they are a quorum's.
        if (resultCertificateFault(message.certificate, this.#setup.roster, () => true) === undefined) {
          this.#becomesFinal(message.certificate)
        }
    }
  }

  #vote(sequence: Sequence): void {
    const slot = this.#slots.get(sequence)
    if (slot?.proposal === undefined || slot.voted) return
    slot.voted = true
    const { agreement } = slot.proposal
    const signature = this.#setup.sign('commit', agreementBytes(agreement), agreement.epoch)
    const commit = { type: 'commit', signer: this.#setup.self, agreement, signature } as const
    slot.commits.set(this.#setup.self, commit)
    this.#save(sequence, slot.proposal)
    this.#save(sequence, commit)
    this.#broadcast(commit)
  }

  #deliver(): void {
    for (;;) {
      const sequence = (this.#delivered + 1) as Sequence
      const { proposal, commits } = this.#slots.get(sequence) ?? {}
      const quorum = this.#rules.quorum(this.#setup.roster.validators.length)
      if (proposal === undefined || commits === undefined || commits.size < quorum) return
      const { agreement, batch } = proposal
      const votes = [...commits.values()].filter(
        (commit) => !this.#rules.matchesAgreement || same(agreementBytes(commit.agreement), agreementBytes(agreement)),
      )
      if (votes.length < quorum) return
      const certificate = { type: 'pbft', agreement, signatures: signaturesOf(votes) } as const
      this.#delivered = sequence
      this.#effects.push({ type: 'deliver', sequence, batch, certificate })
    }
  }

  #appliedTo(outcome: Outcome): void {
    const { ledger, roster, self, sign } = this.#setup
    if (outcome.sequence > this.#applied) this.#applied = outcome.sequence
    this.#forget()
    if (outcome.sequence <= this.#finalAt) return
    const result = { ...outcome, ledger, epoch: roster.epoch }
    const signed = {
      type: 'result',
      signer: self,
      result,
      signature: sign('result', resultBytes(result), roster.epoch),
    } as const
    this.#slot(outcome.sequence).results.set(self, signed)
    this.#broadcast(signed)
    this.#finish(outcome.sequence)
  }

  #finish(sequence: Sequence): void {
    const results = [...(this.#slots.get(sequence)?.results.values() ?? [])]
    const quorum = this.#rules.quorum(this.#setup.roster.validators.length)
    const own = results.find(({ signer }) => signer === this.#setup.self)
    if (own === undefined || results.length < quorum) return
    const said = resultBytes(own.result)
    const agreeing = results.filter(({ result }) => same(resultBytes(result), said))
    if (agreeing.length >= quorum) this.#becomesFinal({ result: own.result, signatures: signaturesOf(agreeing) })
  }

  #becomesFinal(certificate: ResultCertificate): void {
    const { sequence } = certificate.result
    if (sequence <= this.#finalAt) return
    this.#final = certificate
    this.#save(sequence, { type: 'final', certificate })
    this.#effects.push({ type: 'final', certificate }, { type: 'cut', before: sequence })
    this.#forget()
  }

  /** What is final and applied here needs no more votes. */
  #forget(): void {
    for (const past of this.#slots.keys()) if (past <= this.#finalAt && past <= this.#applied) this.#slots.delete(past)
  }

  /** Whatever is not final may have been lost, and whoever is behind learns from what is final. */
  #resend(): void {
    if (this.#now < this.#resentAt + this.#setup.parameters.resendMs) return
    this.#resentAt = this.#now
    const { applied, self } = this.#setup
    if (applied.sequence === this.#applied && !this.#slots.get(applied.sequence)?.results.has(self))
      this.#appliedTo(applied)
    if (this.#final !== undefined) this.#broadcast({ type: 'final', certificate: this.#final })
    for (const [sequence, { proposal, commits, results }] of this.#slots) {
      if (proposal !== undefined && this.#leads) this.#broadcast(proposal, proposal.batch.transactions.map(requestId))
      if (this.#leads) this.#vote(sequence)
      const commit = commits.get(self)
      const result = results.get(self)
      if (commit !== undefined) this.#broadcast(commit)
      if (result !== undefined) this.#broadcast(result)
    }
    if (this.#finalAt > this.#applied && this.#fetching === 0) {
      this.#fetching = this.#finalAt
      const from = this.#final?.signatures.map(({ node }) => node) ?? []
      this.#effects.push({ type: 'fetch', token: 0, from, sequence: this.#finalAt, checkpoint: [] })
    }
  }

  #remember(message: ToyMessage): void {
    if (message.type === 'final') this.#final = message.certificate
    if (message.type === 'propose') {
      this.#slot(message.agreement.sequence).proposal = message
      for (const request of message.batch.transactions) this.#proposed.add(requestId(request))
    }
    if (message.type === 'commit') {
      const slot = this.#slot(message.agreement.sequence)
      slot.voted = true
      slot.commits.set(message.signer, message)
    }
  }

  #inWindow(sequence: Sequence): boolean {
    return sequence > this.#finalAt && sequence <= this.#delivered + this.#setup.parameters.window
  }

  #proposals(): ReadonlyMap<Sequence, Slot> {
    return new Map([...this.#slots].filter(([, { proposal }]) => proposal !== undefined))
  }

  #slot(sequence: Sequence): Slot {
    const slot = this.#slots.get(sequence)
    if (slot !== undefined) return slot
    const fresh = { proposal: undefined, voted: false, commits: new Map(), results: new Map() }
    this.#slots.set(sequence, fresh)
    return fresh
  }

  #save(sequence: Sequence, message: ToyMessage): void {
    this.#effects.push({ type: 'save', record: { sequence, bytes: encode(toyMessageSchema, message) } })
  }

  #broadcast(message: ToyMessage, carries: readonly RequestId[] = []): void {
    for (const { node } of this.#setup.roster.validators) {
      if (node !== this.#setup.self) this.#send(node, message, carries)
    }
  }

  #send(to: NodeId, message: ToyMessage, carries: readonly RequestId[] = []): void {
    this.#effects.push({ type: 'send', to, message, carries })
  }
}

function signaturesOf(
  votes: readonly { readonly signer: NodeId; readonly signature: Uint8Array }[],
): readonly NodeSignature[] {
  return sortedSignatures(votes.map(({ signer, signature }) => ({ node: signer, signature })))
}
