// One server under test among others whose every word the test makes up.

import type { Digest, Epoch, NodeId, Sequence, Term, Time } from '../../src/base/ids.ts'
import { requestId } from '../../src/consensus/batch.ts'
import type { Core, Input, JournalRecord } from '../../src/consensus/contract.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { acknowledgementBytes } from '../../src/raft/claims.ts'
import { hashAt, lastIndex, newLog, replaceAfter } from '../../src/raft/log.ts'
import type { CommitProof, Entry, RaftMessageOf } from '../../src/raft/messages.ts'
import { type RaftMessage, raft } from '../../src/raft/raft.ts'
import { SimMachine } from '../sim/machine.ts'
import { simLedger, simMandate, simRoster } from '../sim/roster.ts'
import { toySign } from '../sim/signatures.ts'
import { parameters, type RaftEffect } from './cluster.ts'

export type EffectOf<Type extends RaftEffect['type']> = Extract<RaftEffect, { readonly type: Type }>

export class Puppet {
  readonly roster: Roster
  readonly self: NodeId
  readonly machine: SimMachine
  readonly effects: RaftEffect[] = []
  journal: JournalRecord[] = []
  core: Core<RaftMessage>
  now = 1_700_000_000_000
  /** Answers `check` and `deliver` at once. */
  helpful = true

  constructor(n = 3) {
    this.roster = simRoster(n)
    this.self = this.node(0)
    this.machine = new SimMachine(simLedger, simMandate(this.roster, parameters))
    this.core = this.#start()
    this.tick(0)
  }

  node(place: number): NodeId {
    return (this.roster.validators[place] as { node: NodeId }).node
  }

  restart(journal: JournalRecord[] = this.journal): void {
    this.journal = journal
    this.core = this.#start()
    this.tick(0)
  }

  give(input: Input<RaftMessage>): readonly RaftEffect[] {
    const effects = [...this.core.step(input)]
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === 'save') this.journal.push(effect.record)
      if (effect.type === 'cut') this.journal = this.journal.filter(({ sequence }) => sequence >= effect.before)
      if (effect.type === 'check' && this.helpful) {
        effects.push(...this.give({ type: 'checked', token: effect.token, verdict: 'valid' }))
      }
      if (effect.type === 'deliver' && this.helpful) effects.push(...this.execute(effect))
    }
    return effects
  }

  execute({ sequence, batch, certificate }: EffectOf<'deliver'>): readonly RaftEffect[] {
    return this.give({ type: 'applied', ...this.machine.execute(sequence, batch, certificate) })
  }

  tick(ms: number): readonly RaftEffect[] {
    const effects: RaftEffect[] = []
    const end = this.now + ms
    do {
      this.now = Math.min(end, this.now + 50)
      effects.push(...this.give({ type: 'tick', now: this.now as Time }))
    } while (this.now < end)
    return effects
  }

  receive(from: number, message: RaftMessage): readonly RaftEffect[] {
    return this.give({ type: 'receive', from: this.node(from), message })
  }

  request(text: string): readonly RaftEffect[] {
    const bytes = transaction(text)
    return this.give({ type: 'request', id: requestId(bytes), bytes })
  }

  /** Stands for election, and gets the votes of all others. Its term afterwards. */
  lead(): Term {
    const [asked] = sent(this.tick(4_000), 'vote')
    const term = (asked as RaftMessageOf<'vote'>).term
    for (let place = 1; place < this.roster.validators.length; place++) {
      this.receive(place, { type: 'voted', term, pre: true, granted: true })
    }
    for (let place = 1; place < this.roster.validators.length; place++) {
      this.receive(place, { type: 'voted', term, pre: false, granted: true })
    }
    return term
  }

  append(
    from: number,
    term: number,
    previous: number,
    previousTerm: number,
    ...entries: readonly Entry[]
  ): readonly RaftEffect[] {
    return this.receive(from, {
      type: 'append',
      term: term as Term,
      previous: previous as Sequence,
      previousTerm: previousTerm as Term,
      entries,
      proof: [],
    })
  }

  /** Of `place`, about the last of these entries, which are a whole log. */
  acknowledgement(place: number, term: number, log: readonly Entry[]): RaftMessageOf<'acknowledge'> {
    const { hash, index } = endOf(this.roster, log)
    const about = { epoch: 0 as Epoch, term: term as Term, index, hash }
    const signature = this.sign(place, about)
    const { epoch } = about
    const acknowledgements = [{ epoch, index, hash, signature }]
    return { type: 'acknowledge', signer: this.node(place), term: about.term, index, acknowledgements }
  }

  proof(term: number, log: readonly Entry[], places: readonly number[]): CommitProof {
    const { hash, index } = endOf(this.roster, log)
    const about = { epoch: 0 as Epoch, term: term as Term, index, hash }
    return {
      ...about,
      signatures: places.map((place) => ({ node: this.node(place), signature: this.sign(place, about) })),
    }
  }

  sign(place: number, about: Pick<CommitProof, 'epoch' | 'term' | 'index' | 'hash'>): Uint8Array {
    const key = this.roster.validators[place]?.key ?? new Uint8Array()
    return toySign(key, 'acknowledgement', acknowledgementBytes(simLedger, about))
  }

  #start(): Core<RaftMessage> {
    const key = this.roster.validators[0]?.key ?? new Uint8Array()
    return raft.start({
      ledger: simLedger,
      self: this.self,
      ...this.machine.mandate,
      applied: this.machine.applied,
      checkpoint: this.machine.checkpoint,
      sign: (domain, bytes) => toySign(key, domain, bytes),
      random: () => 0.5,
      journal: [...this.journal],
    })
  }
}

export function endOf(roster: Roster, entries: readonly Entry[]): { readonly index: Sequence; readonly hash: Digest } {
  const log = newLog(simLedger, roster)
  replaceAfter(log, 0 as Sequence, entries)
  return { index: lastIndex(log), hash: hashAt(log, lastIndex(log)) as Digest }
}

export function transaction(text: string): Uint8Array {
  return new Uint8Array([1, ...new TextEncoder().encode(text)])
}

export function entry(term: number, ...texts: readonly string[]): Entry {
  return {
    term: term as Term,
    batch: { time: 0 as Time, tokens: [], transactions: texts.map(transaction) },
    configuration: [],
    proof: [],
  }
}

export function sent<Type extends RaftMessage['type']>(
  effects: readonly RaftEffect[],
  type: Type,
): readonly RaftMessageOf<Type>[] {
  return effects
    .flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    .filter((message): message is RaftMessageOf<Type> => message.type === type)
}

export function only<Type extends RaftEffect['type']>(
  effects: readonly RaftEffect[],
  type: Type,
): readonly EffectOf<Type>[] {
  return effects.filter((effect): effect is EffectOf<Type> => effect.type === type)
}
