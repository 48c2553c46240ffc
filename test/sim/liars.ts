// Liars: nodes that run the protocol's own core and then do with its messages, its disk and its machine what they like.
// They sign with their own keys only. A protocol adds liars that know its messages through `LiarFactory`.

import type { SignatureDomain } from '../../src/base/domains.ts'
import { LedgerError } from '../../src/base/errors.ts'
import type { LedgerId, NodeId } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import type { Protocol } from '../../src/consensus/contract.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import type { Random } from './random.ts'

export interface LiarContext<Message> {
  readonly self: NodeId
  /** All liars of this run, which may conspire. */
  readonly liars: readonly NodeId[]
  readonly ledger: LedgerId
  readonly roster: Roster
  readonly protocol: Protocol<Message>
  readonly random: Random
  /** @throws RangeError for the key of a correct node. */
  signAs(liar: NodeId, domain: SignatureDomain, bytes: Uint8Array, epoch: number): Uint8Array
}

export interface Liar<Message> {
  /** What goes to `to` instead of `message`: nothing, the same, others. What does not verify never reaches a core. */
  rewrite(to: NodeId, message: Message): readonly Message[]
}

export interface LiarFactory<Message> {
  readonly name: string
  /** Two instances under one key, each talking with its own half of the others. */
  readonly twin?: true
  /** Loses its journal, or the end of it, with each crash. */
  readonly amnesia?: true
  /** Executes differently from everybody else. */
  readonly diverges?: true
  make(context: LiarContext<Message>): Liar<Message>
}

const faithful = <Message>(): Liar<Message> => ({ rewrite: (_to, message) => [message] })

/** Sends nothing to some, or nothing at all. */
function withholding<Message>({ random, roster }: LiarContext<Message>): Liar<Message> {
  const shunned = new Set(roster.validators.map(({ node }) => node).filter(() => random.chance(0.6)))
  return { rewrite: (to, message) => (shunned.has(to) ? [] : [message]) }
}

/** Sends something that it sent or was about to send long ago, to anybody, besides or instead. */
function replaying<Message>({ random }: LiarContext<Message>): Liar<Message> {
  const kept: Message[] = []
  return {
    rewrite: (_to, message) => {
      kept.push(message)
      if (kept.length > 500) kept.splice(random.below(kept.length), 1)
      const old = random.pick(kept)
      return random.chance(0.3) ? [old] : random.chance(0.3) ? [message, old] : [message]
    },
  }
}

/** Holds messages back and sends them late and in another order. */
function delaying<Message>({ random }: LiarContext<Message>): Liar<Message> {
  const held: Message[] = []
  return {
    rewrite: (_to, message) => {
      held.push(message)
      if (held.length < 12) return []
      return held.splice(random.below(held.length), random.between(1, 2))
    },
  }
}

/** Changes bytes, and half of the time signs the outcome anew, so that it verifies. */
function mutating<Message>(context: LiarContext<Message>): Liar<Message> {
  const { random } = context
  return { rewrite: (_to, message) => (random.chance(0.5) ? mutations(context, message) : [message]) }
}

function mutations<Message>(context: LiarContext<Message>, message: Message): readonly Message[] {
  const { messages } = context.protocol
  const bytes = encode(messages, message)
  const place = context.random.below(bytes.length)
  bytes[place] = (bytes[place] as number) ^ (1 << context.random.below(8))
  try {
    const changed = decode(messages, bytes)
    return [context.random.chance(0.5) ? changed : signedAnew(context, changed)]
  } catch (error) {
    // A correct receiver would refuse what does not decode: nothing arrives.
    if (error instanceof LedgerError) return []
    throw error
  }
}

/** `message` with each claim of a liar signed again over what it says now. @throws LedgerError */
function signedAnew<Message>(context: LiarContext<Message>, message: Message): Message {
  const { protocol, liars, ledger } = context
  const bytes = encode(protocol.messages, message)
  for (const claim of protocol.claims(message, ledger)) {
    const place = liars.includes(claim.signer) ? indexOf(bytes, claim.signature) : undefined
    if (place !== undefined) bytes.set(context.signAs(claim.signer, claim.domain, claim.bytes, claim.epoch), place)
  }
  return decode(protocol.messages, bytes)
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number | undefined {
  for (let start = 0; start + part.length <= bytes.length; start++) {
    if (part.every((byte, i) => bytes[start + i] === byte)) return start
  }
  return undefined
}

/** Those that need to know nothing about a protocol. */
export function genericLiars<Message>(): readonly LiarFactory<Message>[] {
  return [
    { name: 'withholds', make: withholding },
    { name: 'replays', make: replaying },
    { name: 'delays', make: delaying },
    { name: 'mutates', make: mutating },
    { name: 'twin', twin: true, make: faithful },
    { name: 'forgets', amnesia: true, make: faithful },
    { name: 'diverges', diverges: true, make: faithful },
  ]
}
