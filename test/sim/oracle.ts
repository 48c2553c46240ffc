// What must never happen, whatever the weather and whatever up to f liars do. The oracle sees all correct nodes at once and
// remembers through their crashes. Everything it refuses throws a Violation and ends the run.

import { toHex } from '../../src/base/bytes.ts'
import type { SignatureDomain } from '../../src/base/domains.ts'
import type { Digest, NodeId, Sequence } from '../../src/base/ids.ts'
import { decode } from '../../src/base/schema.ts'
import { type Batch, batchDigest, type RequestId, requestId } from '../../src/consensus/batch.ts'
import type { BlockRecord } from '../../src/consensus/block.ts'
import {
  agreedOf,
  type CommitCertificate,
  commitCertificateFault,
  type ResultCertificate,
  resultCertificateFault,
} from '../../src/consensus/certificate.ts'
import type { Mandate, Outcome } from '../../src/consensus/contract.ts'
import { type FaultModel, oneCorrect, quorumOf } from '../../src/consensus/quorum.ts'
import { type Roster, rosterHash } from '../../src/consensus/roster.ts'
import { type Agreement, agreementSchema, resultSchema } from '../../src/consensus/statements.ts'
import { isValidTransaction } from './clients.ts'
import { type SimMachine, sameOutcome } from './machine.ts'
import { Registers } from './registers.ts'
import { toyVerify } from './signatures.ts'
import type { Examined } from './stage.ts'

function voteOf(signer: NodeId, domain: SignatureDomain, { epoch, round, sequence, digest }: Agreement): string {
  return [signer, epoch, round, sequence, domain, digest].join('/')
}

/** A correct protocol never lets this happen. */
export class Violation extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Violation'
  }
}

const votes: readonly SignatureDomain[] = ['pre-prepare', 'prepare', 'commit', 'acknowledgement']

export class Oracle {
  /** Highest sequence known to be final at some correct node: what clients were told is below it. */
  acknowledged = 0 as Sequence
  /** What clients see. */
  readonly registers: Registers = new Registers()
  /** Of each epoch, as correct nodes executed it. */
  readonly #mandates: Mandate[]
  readonly #epochs: Map<Sequence, number> = new Map()
  /** By sequence, who signed the result. */
  readonly #results: Map<Sequence, Set<NodeId>> = new Map()
  /** Votes of nodes that lose their disks, by place; and who holds each. */
  readonly #held: Map<string, Set<string>> = new Map()
  readonly #forgetful: ReadonlySet<NodeId>
  readonly #faults: FaultModel
  readonly #digests: Map<Sequence, Digest> = new Map()
  readonly #outcomes: Map<Sequence, Outcome> = new Map()
  readonly #requests: Map<RequestId, Sequence> = new Map()
  readonly #votes: Map<string, Digest> = new Map()
  readonly #known: WeakMap<Batch, Digest> = new WeakMap()

  /** `founded`: of the first epoch. `forgetful`: nodes that lose their disks. */
  constructor(founded: Mandate, faults: FaultModel, forgetful: ReadonlySet<NodeId> = new Set()) {
    this.#mandates = [founded]
    this.#faults = faults
    this.#forgetful = forgetful
  }

  /** Undefined for an epoch that no correct node has reached. */
  rosterOf(epoch: number): Roster | undefined {
    return this.#mandates[epoch]?.roster
  }

  /** Epochs that ended. */
  get epochs(): number {
    return this.#mandates.length - 1
  }

  /** Height of the agreed chain. */
  get height(): number {
    return this.#digests.size
  }

  /** Where a request was agreed first. */
  sequenceOf(id: RequestId): Sequence | undefined {
    return this.#requests.get(id)
  }

  /** A correct node asks for its own signature. */
  signed(who: string, machine: SimMachine, domain: SignatureDomain, bytes: Uint8Array): void {
    if (domain !== 'result') return
    const result = decode(resultSchema, bytes)
    const executed = machine.outcomeAt(result.sequence)
    if (executed === undefined) throw new Violation(`${who} signs the result of ${result.sequence} before it has one`)
    if (!sameOutcome(result, executed)) throw new Violation(`${who} signs another result of ${result.sequence}`)
  }

  /** A message that a correct node sends: its claims hold, and its own votes never contradict each other. */
  left(who: string, self: NodeId, { claims, holds }: Examined): void {
    if (!holds) throw new Violation(`${who} sends a message with a claim that does not hold`)
    for (const { signer, domain, bytes } of claims) {
      if (signer !== self) continue
      if (votes.includes(domain)) this.#voted(who, self, domain, decode(agreementSchema, bytes))
      if (domain === 'result') this.#gaveResult(self, decode(resultSchema, bytes).sequence)
    }
  }

  /** A correct core takes a message in. What it holds of others' votes, it tells those who lost theirs. */
  heard(who: string, { claims }: Examined): void {
    if (this.#forgetful.size === 0) return
    for (const { signer, domain, bytes } of claims) {
      if (!this.#forgetful.has(signer) || !votes.includes(domain)) continue
      const place = voteOf(signer, domain, decode(agreementSchema, bytes))
      this.#held.set(place, (this.#held.get(place) ?? new Set()).add(who))
    }
  }

  /** A node went down. */
  forgets(who: string): void {
    for (const holders of this.#held.values()) holders.delete(who)
  }

  #gaveResult(self: NodeId, sequence: Sequence): void {
    this.#results.set(sequence, (this.#results.get(sequence) ?? new Set()).add(self))
  }

  /** A correct core delivers `sequence` when the last that it delivered or was told of is `last`. */
  inOrder(who: string, last: Sequence, sequence: Sequence): void {
    if (sequence !== last + 1) throw new Violation(`${who} delivers ${sequence} after ${last}`)
  }

  /** A delivery of a correct core leaves it: what rests on a save is durable by now. */
  delivered(who: string, sequence: Sequence, batch: Batch, certificate: CommitCertificate): void {
    const digest = this.#digestOf(batch)
    const agreed = agreedOf(certificate)
    if (agreed.sequence !== sequence || agreed.digest !== digest) {
      throw new Violation(`${who} delivers ${sequence} with a certificate of something else`)
    }
    if (this.#faults === 'byzantine') {
      const roster = this.#rosterFor(agreed.epoch)
      const fault = commitCertificateFault(certificate, roster, toyVerify, this.#faults)
      if (fault !== undefined) throw new Violation(`${who} delivers ${sequence} with a certificate: ${fault}`)
      this.#inOneEpoch(who, sequence, agreed.epoch)
    }
    this.#agreed(who, sequence, digest, batch.transactions)
  }

  /** A correct node's machine is about to execute: what an auditor of this very copy will say to the certificate. */
  certifies(who: string, sequence: Sequence, machine: SimMachine, certificate: CommitCertificate): void {
    if (this.#faults === 'byzantine' || sequence !== machine.height + 1) return
    const fault = machine.certificateFault(certificate, toyVerify)
    if (fault !== undefined) throw new Violation(`${who} executes ${sequence} with a certificate: ${fault}`)
  }

  /** A correct node's machine took a fetched block, having checked its certificate: it was agreed, if by others. */
  fetched(who: string, { header, transactions }: BlockRecord): void {
    this.#inOneEpoch(who, header.sequence, header.epoch)
    this.#agreed(who, header.sequence, header.batch, transactions)
  }

  #rosterFor(epoch: number): Roster {
    const roster = this.rosterOf(epoch)
    if (roster === undefined) throw new Violation(`epoch ${epoch} is spoken of before it began`)
    return roster
  }

  #inOneEpoch(who: string, sequence: Sequence, epoch: number): void {
    const other = this.#epochs.get(sequence) ?? epoch
    this.#epochs.set(sequence, epoch)
    if (other !== epoch) throw new Violation(`two sets of validators for sequence ${sequence} (${who})`)
  }

  #agreed(who: string, sequence: Sequence, digest: Digest, transactions: readonly Uint8Array[]): void {
    const before = this.#digests.get(sequence)
    if (before !== undefined && before !== digest) throw new Violation(`two batches at sequence ${sequence} (${who})`)
    if (before !== undefined) return
    this.#digests.set(sequence, digest)
    for (const transaction of transactions) {
      if (!isValidTransaction(transaction)) throw new Violation(`${who} delivers an invalid transaction at ${sequence}`)
      const id = requestId(transaction)
      if (!this.#requests.has(id)) this.#requests.set(id, sequence)
    }
  }

  /** A correct node's machine executed a block. */
  executed(who: string, outcome: Outcome, mandate: Mandate): void {
    const { epoch } = mandate.roster
    const known = this.#mandates[epoch]?.roster
    if (known !== undefined && rosterHash(known) !== rosterHash(mandate.roster)) {
      throw new Violation(`${who} has other validators in epoch ${epoch}`)
    }
    this.#mandates[epoch] = mandate
    const before = this.#outcomes.get(outcome.sequence)
    if (before === undefined) this.#outcomes.set(outcome.sequence, outcome)
    else if (!sameOutcome(before, outcome)) throw new Violation(`${who} has another result of ${outcome.sequence}`)
  }

  /** A correct node learns that a block is final, the last that it learned being `last`: clients hear of it. */
  final(who: string, last: Sequence, certificate: ResultCertificate): void {
    const { result } = certificate
    if (result.sequence <= last) throw new Violation(`${who} reports ${result.sequence} final after ${last}`)
    const roster = this.#rosterFor(result.epoch)
    const fault = resultCertificateFault(certificate, roster, toyVerify, this.#faults)
    if (fault !== undefined) throw new Violation(`${who} reports ${result.sequence} final: ${fault}`)
    const executed = this.#outcomes.get(result.sequence)
    if (executed === undefined) throw new Violation(`${result.sequence} is final and no correct node executed it`)
    if (!sameOutcome(result, executed)) throw new Violation(`another result of ${result.sequence} is final`)
    if (result.sequence <= this.acknowledged) return
    this.acknowledged = result.sequence
    this.registers.acknowledged(result.sequence, (id) => this.#requests.get(id))
  }

  /** A correct node answers a linearizable read from the state at `sequence`. */
  answered(read: string, sequence: Sequence): void {
    this.registers.answers(read, sequence, this.#requests)
  }

  /** At the end of a run. */
  judgeClients(): void {
    const fault = this.registers.fault()
    if (fault !== undefined) throw new Violation(fault)
  }

  /** Nothing acknowledged is lost: a correct node that says it is up to date holds every acknowledged block. */
  holdsAll(who: string, machine: SimMachine): void {
    if (machine.height < this.acknowledged) {
      throw new Violation(`${who} ends at ${machine.height}, ${this.acknowledged} was acknowledged`)
    }
    for (const record of machine.records(0 as Sequence, machine.height)) {
      const agreed = this.#digests.get(record.header.sequence)
      if (agreed !== record.header.batch) throw new Violation(`${who} holds another block ${record.header.sequence}`)
    }
  }

  /** For a correct node's word against another node. */
  blamed(who: string, culprit: string, code: string, evidence: Uint8Array): void {
    throw new Violation(`${who} blames ${culprit}, which is correct: ${code} ${toHex(evidence).slice(0, 64)}`)
  }

  #voted(who: string, self: NodeId, domain: SignatureDomain, vote: Agreement): void {
    const { epoch, round, sequence, digest } = vote
    const slot = [self, epoch, round, sequence, domain].join('/')
    const before = this.#votes.get(slot)
    // A Raft ledger goes over to other validators a little later than its state says.
    if (this.#faults === 'byzantine') this.#inItsEpoch(who, epoch, sequence)
    if (before !== undefined && before !== digest && this.#isHeld(self, domain, { ...vote, digest: before })) {
      throw new Violation(`${who} votes twice: ${domain} of round ${round}, sequence ${sequence}`)
    }
    this.#votes.set(slot, digest)
  }

  /** Nobody votes above the end of an epoch before a quorum of it has executed that. */
  #inItsEpoch(who: string, epoch: number, sequence: Sequence): void {
    const { since, until } = this.#mandates[epoch] ?? { since: Number.POSITIVE_INFINITY as Sequence, until: undefined }
    const end = this.#mandates[epoch + 1]?.since ?? until ?? Number.POSITIVE_INFINITY
    if (sequence <= since || sequence > end) throw new Violation(`${who} votes on ${sequence} in epoch ${epoch}`)
    const before = this.#mandates[epoch - 1]?.roster.validators.length
    if (before === undefined) return
    const correct = quorumOf(this.#faults, before) - oneCorrect(this.#faults, before) + 1
    if ((this.#results.get(since)?.size ?? 0) < correct) {
      throw new Violation(`${who} votes in epoch ${epoch} before its beginning at ${since} is proven`)
    }
  }

  /**
   * What a node that lost its disk signed before, others tell it: q-1 are asked, and f of them lie. More than all but these
   * must hold a vote so that it surely hears of it. Every other node remembers by itself.
   */
  #isHeld(self: NodeId, domain: SignatureDomain, vote: Agreement): boolean {
    if (!this.#forgetful.has(self)) return true
    const n = this.#rosterFor(vote.epoch).validators.length
    const holders = this.#held.get(voteOf(self, domain, vote))?.size ?? 0
    return holders > n - quorumOf(this.#faults, n) + oneCorrect(this.#faults, n) - 1
  }

  #digestOf(batch: Batch): Digest {
    const known = this.#known.get(batch)
    if (known !== undefined) return known
    const digest = batchDigest(batch)
    this.#known.set(batch, digest)
    return digest
  }
}
