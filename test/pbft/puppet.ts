// One replica under test among validators whose every word the test makes up. Their signatures are the simulator's; what a
// host would check before a message is received (its claims) is checked here too.

import type { SignatureDomain } from '../../src/base/domains.ts'
import { hash } from '../../src/base/hash.ts'
import type { Digest, Epoch, NodeId, Sequence, Time, View } from '../../src/base/ids.ts'
import { type Batch, batchDigest, requestId } from '../../src/consensus/batch.ts'
import { type ResultCertificate, sortedSignatures } from '../../src/consensus/certificate.ts'
import type { Core, Effect, Input, JournalRecord, Parameters } from '../../src/consensus/contract.ts'
import { byzantineQuorum } from '../../src/consensus/quorum.ts'
import { type Roster, validatorOf } from '../../src/consensus/roster.ts'
import { type Result, resultBytes } from '../../src/consensus/statements.ts'
import { digestBytes, newViewBytes, viewChangeDigest, voteBytes } from '../../src/pbft/claims.ts'
import type {
  NewView,
  PbftMessage,
  PbftMessageOf,
  Phase,
  PreparedCertificate,
  SignedResult,
  ViewChange,
  Vote,
} from '../../src/pbft/messages.ts'
import { computeO } from '../../src/pbft/new-view.ts'
import { pbft } from '../../src/pbft/pbft.ts'
import { nullDigest } from '../../src/pbft/state.ts'
import { SimMachine } from '../sim/machine.ts'
import { simLedger, simMandate, simRoster } from '../sim/roster.ts'
import { toySign, toyVerify } from '../sim/signatures.ts'

export type PbftEffect = Effect<PbftMessage>
export type EffectOf<Type extends PbftEffect['type']> = Extract<PbftEffect, { readonly type: Type }>

export const parameters: Parameters = {
  checkpointInterval: 4,
  window: 8,
  batchTransactionsMax: 8,
  batchBytesMax: 65_536,
  pipelineMax: 4,
  requestsMax: 16,
  resendMs: 300,
  suspectMs: 1_000,
  suspectMsMax: 8_000,
  idleBatchMs: 60_000,
}

export class Puppet {
  readonly roster: Roster
  readonly nodes: readonly NodeId[]
  readonly self: NodeId
  readonly q: number
  readonly machine: SimMachine
  readonly journal: JournalRecord[] = []
  /** Everything that the replica did, in order. */
  readonly effects: PbftEffect[] = []
  core: Core<PbftMessage>
  now = 1_700_000_000_000
  /** Answers `check` and `deliver` at once. */
  helpful = true
  /** The others know of nothing that this replica signed before it started. */
  recalling = true

  /** The replica is number `place` of `n`; number 0 leads view 0. */
  constructor(place = 1, n = 4) {
    this.roster = simRoster(n)
    this.nodes = this.roster.validators.map(({ node }) => node)
    this.self = this.node(place)
    this.q = byzantineQuorum(n)
    this.machine = new SimMachine(simLedger, simMandate(this.roster, parameters))
    this.core = this.#start()
    this.tick(0)
  }

  node(place: number): NodeId {
    const node = this.nodes[place]
    if (node === undefined) throw new RangeError(`no validator ${place}`)
    return node
  }

  /** As after kill -9: what was saved is found again, what was executed too. */
  restart(journal: readonly JournalRecord[] = this.journal): void {
    this.journal.splice(0, this.journal.length, ...journal)
    this.core = this.#start()
    this.tick(0)
  }

  give(input: Input<PbftMessage>): readonly PbftEffect[] {
    const effects = [...this.core.step(input)]
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === 'save') this.journal.push(effect.record)
      if (effect.type === 'cut') {
        const kept = this.journal.filter(({ sequence }) => sequence >= effect.before)
        this.journal.splice(0, this.journal.length, ...kept)
      }
      if (effect.type === 'check' && this.helpful) {
        effects.push(...this.give({ type: 'checked', token: effect.token, verdict: 'valid' }))
      }
      if (effect.type === 'deliver' && this.helpful) effects.push(...this.execute(effect))
      if (effect.type === 'send' && effect.message.type === 'recall' && this.recalling) {
        effects.push(...this.give({ type: 'receive', from: effect.to, message: nothingKnown(effect.message) }))
      }
    }
    return effects
  }

  execute({ sequence, batch, certificate }: EffectOf<'deliver'>): readonly PbftEffect[] {
    return this.give({ type: 'applied', ...this.machine.execute(sequence, batch, certificate) })
  }

  tick(ms: number): readonly PbftEffect[] {
    const effects: PbftEffect[] = []
    const end = this.now + ms
    do {
      this.now = Math.min(end, this.now + 100)
      effects.push(...this.give({ type: 'tick', now: this.now as Time }))
    } while (this.now < end)
    return effects
  }

  /** Only what verifies is received, as in a host. */
  receive(from: number, message: PbftMessage): readonly PbftEffect[] {
    return this.verifies(message) ? this.give({ type: 'receive', from: this.node(from), message }) : []
  }

  verifies(message: PbftMessage): boolean {
    return pbft.claims(message, simLedger).every(({ signer, domain, bytes, signature }) => {
      const key = validatorOf(this.roster, signer)?.key
      return key !== undefined && toyVerify(domain, bytes, signature, key)
    })
  }

  sign(place: number, domain: SignatureDomain, bytes: Uint8Array): Uint8Array {
    return toySign(this.roster.validators[place]?.key ?? new Uint8Array(), domain, bytes)
  }

  request(text: string): readonly PbftEffect[] {
    const bytes = transaction(text)
    return this.give({ type: 'request', id: requestId(bytes), bytes })
  }

  vote(phase: Phase, place: number, view: number, sequence: number, digest: Digest): Vote {
    const about = { epoch: 0 as Epoch, view: view as View, sequence: sequence as Sequence, digest }
    return { signer: this.node(place), ...about, signature: this.sign(place, phase, voteBytes(simLedger, about)) }
  }

  /** Of the leader of `view`. */
  prePrepare(view: number, sequence: number, batch: Batch): PbftMessageOf<'pre-prepare'> {
    const leader = view % this.nodes.length
    return { type: 'pre-prepare', vote: this.vote('pre-prepare', leader, view, sequence, batchDigest(batch)), batch }
  }

  prepare(place: number, view: number, sequence: number, digest: Digest): PbftMessageOf<'prepare'> {
    return { type: 'prepare', vote: this.vote('prepare', place, view, sequence, digest) }
  }

  commit(place: number, view: number, sequence: number, digest: Digest): PbftMessageOf<'commit'> {
    return { type: 'commit', vote: this.vote('commit', place, view, sequence, digest) }
  }

  /** The others but `without`, in order. */
  others(...without: readonly number[]): readonly number[] {
    return this.nodes
      .map((_, place) => place)
      .filter((place) => this.node(place) !== this.self && !without.includes(place))
  }

  /** All votes that make the replica deliver `batch` in `view`. */
  agree(view: number, sequence: number, batch: Batch): readonly PbftEffect[] {
    const leader = view % this.nodes.length
    const digest = batchDigest(batch)
    const effects = [...this.receive(leader, this.prePrepare(view, sequence, batch))]
    for (const place of this.others(leader))
      effects.push(...this.receive(place, this.prepare(place, view, sequence, digest)))
    for (const place of this.others()) effects.push(...this.receive(place, this.commit(place, view, sequence, digest)))
    return effects
  }

  /** What `place` signs when it executed what this replica executed. */
  result(place: number, sequence: number, changed: Partial<Result> = {}): SignedResult {
    const outcome = this.machine.outcomeAt(sequence as Sequence)
    if (outcome === undefined) throw new RangeError(`nothing was executed at ${sequence}`)
    const result: Result = { ledger: simLedger, epoch: 0 as Epoch, ...outcome, ...changed }
    return { signer: this.node(place), result, signature: this.sign(place, 'result', resultBytes(result)) }
  }

  /** Equal results of `places`. */
  certificate(sequence: number, places: readonly number[], changed: Partial<Result> = {}): ResultCertificate {
    const signed = places.map((place) => this.result(place, sequence, changed))
    const result = signed[0]?.result
    if (result === undefined) throw new RangeError('nobody signs')
    return {
      result,
      signatures: sortedSignatures(signed.map(({ signer, signature }) => ({ node: signer, signature }))),
    }
  }

  prepared(view: number, sequence: number, digest: Digest, places?: readonly number[]): PreparedCertificate {
    const leader = view % this.nodes.length
    const backups =
      places ??
      this.nodes
        .map((_, place) => place)
        .filter((place) => place !== leader)
        .slice(0, this.q - 1)
    const of = (phase: Phase, place: number) => {
      const { signer, signature } = this.vote(phase, place, view, sequence, digest)
      return { node: signer, signature }
    }
    const prepares = sortedSignatures(backups.map((place) => of('prepare', place)))
    return {
      view: view as View,
      sequence: sequence as Sequence,
      digest,
      proposal: of('pre-prepare', leader),
      prepares,
    }
  }

  viewChange(
    place: number,
    view: number,
    prepared: readonly PreparedCertificate[] = [],
    stable: readonly ResultCertificate[] = [],
  ): ViewChange {
    const unsigned = { signer: this.node(place), epoch: 0 as Epoch, view: view as View, stable, prepared }
    const signature = this.sign(place, 'view-change', digestBytes(viewChangeDigest(simLedger, unsigned)))
    return { ...unsigned, signature }
  }

  /** Of the leader of `view`, as it follows from `changes`, or with other proposals. */
  newView(view: number, changes: readonly ViewChange[], digests?: readonly Digest[]): NewView {
    const leader = view % this.nodes.length
    const { from, proposals } = computeO(changes, nullDigest, this.machine.mandate.since)
    const carried = (digests ?? proposals.map(({ digest }) => digest)).map((digest, i) => {
      const { sequence, signature } = this.vote('pre-prepare', leader, view, from + i + 1, digest)
      return { sequence, digest, signature }
    })
    const names = changes.map((change) => ({ node: change.signer, digest: viewChangeDigest(simLedger, change) }))
    const unsigned = {
      signer: this.node(leader),
      epoch: 0 as Epoch,
      view: view as View,
      changes: names,
      proposals: carried,
    }
    return { ...unsigned, signature: this.sign(leader, 'new-view', newViewBytes(simLedger, unsigned)) }
  }

  /** The others leave for `view` with what they prepared, and its leader begins it. */
  enter(view: number, prepared: readonly PreparedCertificate[] = []): readonly PbftEffect[] {
    const changes = this.others()
      .map((place) => this.viewChange(place, view, prepared))
      .slice(0, this.q)
    const effects = changes.flatMap((change, i) => [
      ...this.receive(this.others()[i] as number, { type: 'view-change', change }),
    ])
    const leader = view % this.nodes.length
    return [...effects, ...this.receive(leader, { type: 'new-view', newView: this.newView(view, changes) })]
  }

  #start(): Core<PbftMessage> {
    const place = this.nodes.indexOf(this.self)
    return pbft.start({
      ledger: simLedger,
      self: this.self,
      ...this.machine.mandate,
      applied: this.machine.applied,
      checkpoint: this.machine.checkpoint,
      sign: (domain, bytes) => this.sign(place, domain, bytes),
      random: () => 0.5,
      journal: [...this.journal],
    })
  }
}

export function nothingKnown({ epoch, nonce }: PbftMessageOf<'recall'>): PbftMessageOf<'recalled'> {
  return { type: 'recalled', epoch, nonce, proposals: [], prepares: [], commits: [], changes: [], stable: [] }
}

export function transaction(text: string): Uint8Array {
  return new Uint8Array([1, ...new TextEncoder().encode(text)])
}

export function batchOf(puppet: Puppet, ...texts: readonly string[]): Batch {
  return { time: puppet.now as Time, tokens: [], transactions: texts.map(transaction) }
}

export function sent<Type extends PbftMessage['type']>(
  effects: readonly PbftEffect[],
  type: Type,
): readonly PbftMessageOf<Type>[] {
  const messages = effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
  return [...new Set(messages)].filter((message): message is PbftMessageOf<Type> => message.type === type)
}

export function only<Type extends PbftEffect['type']>(
  effects: readonly PbftEffect[],
  type: Type,
): readonly EffectOf<Type>[] {
  return effects.filter((effect): effect is EffectOf<Type> => effect.type === type)
}

/** A digest of nothing in particular. */
export function someDigest(text: string): Digest {
  return hash('batch', new TextEncoder().encode(text))
}
