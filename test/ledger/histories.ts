// Random histories: what fast-check draws are small numbers, and here they become transactions over a few keys, graphs and
// policies, so that they meet. Signatures are left out: executing a transaction does not look at them.

import fc from 'fast-check'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { encodeCbor } from '../../src/base/cbor.ts'
import { graphId as idOfGraph, keyId, policyId } from '../../src/base/hash.ts'
import {
  digestOf,
  type Epoch,
  type GraphId,
  type ItemId,
  organisationIdOf,
  type Sequence,
  sequenceOf,
  type TxId,
  timeOf,
} from '../../src/base/ids.ts'
import { consistencyProof, leafHash, readerOf, rootAt } from '../../src/base/merkle.ts'
import { encode } from '../../src/base/schema.ts'
import { type SigningKey, sign } from '../../src/base/signature.ts'
import { type Result, resultBytes } from '../../src/consensus/statements.ts'
import { approvalBytes, comparePlaces, type ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { type Genesis, ledgerIdFor } from '../../src/ledger/genesis.ts'
import { padPart } from '../../src/ledger/items.ts'
import { assertionsSchema, retractionsSchema } from '../../src/ledger/payload.ts'
import {
  type Act,
  type Base,
  itemIdFor,
  keyProofBytes,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from '../../src/ledger/transaction.ts'
import type { Facts, Model } from './model.ts'
import { badCard, laterNodeKeys, laterOrganisationKeys, Proposals } from './proposals.ts'
import { events, genesis, organisationKey, organisationNames, owned, people, testKey, testNode } from './world.ts'

export const applications: readonly SigningKey[] = ['a', 'b', 'c', 'd'].map((name) => testKey(`history ${name}`))
const organisationKeys = organisationNames.map(organisationKey)
const nodeKeys = organisationNames.map((name) => testKey(`${name}-1 consensus`))
const signers = [...applications, ...organisationKeys, ...nodeKeys, ...laterOrganisationKeys, ...laterNodeKeys]
const byKey = new Map(signers.map((each) => [toHex(each.publicKey), each]))
/** The identity: a canonical point of order 1. */
const weakKey = Uint8Array.from({ length: 32 }, (_, place) => (place === 0 ? 1 : 0))
const enrollable = [
  ...applications.map(({ publicKey }) => publicKey),
  weakKey,
  ...organisationKeys.map(({ publicKey }) => publicKey),
  testKey('acme-1 consensus').publicKey,
  testKey('bolt-1 transport').publicKey,
  testKey('elm-1 consensus').publicKey,
]
const graphNames = [events, people, owned, 'urn:g:new-1', 'urn:g:new-2']
const policyNames = ['open', 'personal', 'new-1', 'new-2']
const jumps = [1, 1, 1, 1, 1, 2, 3, 0, -1, -2, 900, 1024, 1025, -1023, -1024, -1025]

export interface Operation {
  readonly kind: Act['type'] | 'data-based'
  /** Independent numbers that the kind makes something of. */
  readonly signer: number
  readonly jump: number
  readonly a: number
  readonly b: number
  readonly c: number
  readonly mishap: number
}

export interface HistoryBlock {
  readonly time: number
  readonly operations: readonly Operation[]
}

/** How often each kind is drawn. */
const kinds: readonly Operation['kind'][] = [
  ...Array<'data'>(7).fill('data'),
  ...Array<'data-based'>(3).fill('data-based'),
  ...(['key-add', 'key-add', 'key-revoke', 'policy-add', 'graph-add'] as const),
  ...Array<'erase'>(4).fill('erase'),
  ...Array<'erasure-attest'>(5).fill('erasure-attest'),
  ...(['hold', 'hold-lift'] as const),
  ...(['govern', 'govern', 'govern', 'announce', 'announce', 'evidence', 'evidence'] as const),
  ...(['anchor', 'anchor', 'anchor'] as const),
]

/** One number for each operation: drawing many small ones takes longer than carrying a history out. */
function operationOf(drawn: number): Operation {
  let rest = drawn
  const next = (below: number): number => {
    const value = rest % below
    rest = Math.floor(rest / below)
    return value
  }
  const kind = kinds[next(kinds.length)] ?? 'data'
  return { kind, jump: next(16), signer: next(64), a: next(128), b: next(128), c: next(128), mishap: next(256) }
}

const blockOf = ([time, ...drawn]: readonly number[]): HistoryBlock => ({
  time: (time ?? 0) % 41,
  operations: drawn.map(operationOf),
})

export const history: fc.Arbitrary<readonly HistoryBlock[]> = fc
  .array(fc.array(fc.noBias(fc.maxSafeNat()), { maxLength: 7 }), { minLength: 1, maxLength: 24 })
  .map((blocks) => blocks.map(blockOf))

/** The test genesis with epochs of a few blocks. */
export const historyGenesis: Genesis = {
  ...genesis,
  parameters: { ...genesis.parameters, checkpointInterval: 2, window: 4 },
}
const ledgerId = ledgerIdFor(historyGenesis)
const graphIds = new Map(graphNames.map((iri) => [iri, idOfGraph(iri)]))
const graphId = (iri: string): GraphId => graphIds.get(iri) ?? idOfGraph(iri)

/** What an item of a history says, in bytes and in plain words. */
export interface Content {
  readonly assertions: Uint8Array
  readonly retractions: Uint8Array
  /** Whom it names: only under a header of the same kind it is no void part. */
  readonly about: 'person' | 'nobody' | 'nothing'
  /** Triples by row; none when the part is void. */
  readonly says: readonly string[]
  /** Item and row; none when the part is void. */
  readonly takesBack: readonly (readonly [string, number])[]
}

function pick<T>(from: readonly T[], place: number): T {
  return from[place % from.length] as T
}

const proposals = new Proposals(ledgerId)

/** Nodes under all keys that they ever have, by their names. */
const liars: readonly (readonly [string, string])[] = [
  ['acme-1', 'acme-1 consensus'],
  ['bolt-1', 'bolt-1 consensus'],
  ['bolt-1', 'bolt-1 consensus 2'],
  ['bolt-1', 'bolt-1 consensus 3'],
  ['elm-1', 'elm-1 consensus'],
  ['dune-1', 'acme-1 consensus'],
]
const contradictions = new Map<string, string>()
const contradictionsMade = new Map<string, Extract<Act, { type: 'evidence' }>>()

/** A validator that signed two results of one block; or the same twice, or one of them under no key. */
function contradictory({ a, b, mishap }: Operation): Act {
  const [name, keyName] = pick(liars, a)
  const epoch = pick([0, 0, 0, 1, 1, 2, 9], b) as Epoch
  const flaw = mishap % 8 === 0 ? 'same' : mishap % 8 === 1 ? 'forged' : 'none'
  const made = contradictionsMade.get(`${name} ${keyName} ${epoch} ${flaw}`)
  if (made !== undefined) return made
  const key = testKey(keyName)
  const said = (block: string) => {
    const statement: Result = {
      ledger: ledgerId,
      epoch,
      sequence: sequenceOf(5),
      block: digestOf(block.repeat(32)),
      logSize: 7,
      logRoot: digestOf('33'.repeat(32)),
      checkpoint: [],
    }
    return { statement, signature: sign('result', resultBytes(statement), key.seed) }
  }
  const first = said('11')
  const second = flaw === 'same' ? first : { ...said('22') }
  if (flaw === 'forged') second.signature = new Uint8Array(64)
  const pair = `${toHex(first.signature)} ${toHex(second.signature)}`
  if (flaw === 'none') contradictions.set(pair, toHex(key.publicKey))
  const contradiction = { type: 'result' as const, culprit: testNode('acme', name).id, first, second }
  const act = { type: 'evidence' as const, key: key.publicKey, contradiction }
  contradictionsMade.set(`${name} ${keyName} ${epoch} ${flaw}`, act)
  return act
}

/** "organisation key" of each proof that holds: the same for all histories. */
const proofs = new Map<string, string>()
const proofsMade = new Map<string, Uint8Array>()

const localLeaves = 40
const leavesOf = (name: string) =>
  readerOf(Array.from({ length: localLeaves + 8 }, (_, place) => leafHash(utf8(`${name} ${place}`))))
const localLog = leavesOf('leaf')
const rewrittenLog = leavesOf('another leaf')
/** "from size, its root, to size" of each proof that holds. */
const proofsOfGrowth = new Map<string, string>()

/** How a proof is found among those that hold. */
export function proofKey(root: string, consistency: readonly Uint8Array[]): string {
  return [root, ...consistency.map(toHex)].join(' ')
}

/** Turns operations into transactions as they come; it is told the numbers that keys have used. */
export class Historian {
  readonly #approvals = new Map<string, string>()
  readonly #proposals = proposals
  /** Of every item that was ever sent, by its id. */
  readonly contents: Map<string, Content> = new Map()
  readonly facts: Facts = {
    weakKeys: [toHex(weakKey)],
    proofs,
    approvals: this.#approvals,
    ballots: this.#proposals.ballots,
    memberProofs: this.#proposals.proofs,
    badCards: [badCard],
    contents: this.contents,
    contradictions,
    growth: proofsOfGrowth,
  }

  transaction(operation: Operation, model: Model): Transaction {
    const { kind, mishap } = operation
    const expected = this.#signersOf(kind)
    const key = pick(mishap % 16 === 0 ? signers : expected, operation.signer).publicKey
    const sequence = Math.max(0, model.highest(toHex(key)) + pick(jumps, operation.jump))
    const expires = timeOf(mishap % 16 === 1 ? 20 : 1_000_000)
    return { ledger: ledgerId, key, sequence, expires, act: this.#act(operation, model, key, sequence) }
  }

  /** Lets the first two applications do everything, for one organisation, so that histories get far. */
  opening(): readonly Transaction[] {
    const [key] = organisationKeys
    const organisation = organisationIdOf(organisationNames[0])
    const rights = graphNames
      .slice(0, 2)
      .flatMap((iri) => (['erase', 'write'] as const).map((right) => ({ graph: graphId(iri), right })))
    return applications.slice(0, 2).map(({ publicKey }, place) => ({
      ledger: ledgerId,
      key: key?.publicKey ?? publicKey,
      sequence: place + 1,
      expires: timeOf(1_000_000),
      act: { type: 'key-add', key: publicKey, name: 'app', rights, proof: this.#proof(publicKey, organisation) },
    }))
  }

  #signersOf(kind: Operation['kind']): readonly SigningKey[] {
    switch (kind) {
      case 'erasure-attest':
      case 'announce':
      case 'evidence':
      case 'anchor':
        return [...nodeKeys.slice(0, 2), ...nodeKeys, ...laterNodeKeys.slice(0, 2)]
      case 'govern':
        return [...organisationKeys, ...laterOrganisationKeys]
      case 'key-add':
      case 'key-revoke':
      case 'policy-add':
      case 'graph-add':
        return organisationKeys
      case 'erase':
      case 'hold':
        return applications.slice(0, 2)
      default:
        return applications
    }
  }

  #act(operation: Operation, model: Model, signer: Uint8Array, sequence: number): Act {
    const { a, b, c, mishap } = operation
    const organisation = organisationIdOf(pick(organisationNames, mishap % 16 === 2 ? a : this.#placeOf(signer)))
    switch (operation.kind) {
      case 'data':
      case 'data-based':
        return {
          type: 'data',
          items: this.#items(operation, model, txIdFor({ ledger: ledgerId, key: signer, sequence })),
          base: operation.kind === 'data' ? [] : this.#base(operation, model.height + 1),
        }
      case 'erase': {
        const [first, second] = applications as [SigningKey, SigningKey]
        const other = toHex(first.publicKey) === toHex(signer) ? second : first
        const approver = pick(mishap % 8 === 1 ? signers : [other, other, other, first], b)
        const order = { items: this.#places(operation, model), reason: 'other', reference: new Uint8Array(16) } as const
        const statement = { ledger: ledgerId, order: txIdFor({ ledger: ledgerId, key: signer, sequence }), ...order }
        const signature =
          mishap % 8 === 0 ? new Uint8Array(64) : sign('erasure-approval', approvalBytes(statement), approver.seed)
        this.#approvals.set(toHex(signature), mishap % 8 === 0 ? '' : toHex(approver.publicKey))
        return { type: 'erase', ...order, approval: { key: approver.publicKey, signature } }
      }
      case 'hold':
        return { type: 'hold', items: this.#places(operation, model), reference: new Uint8Array(16) }
      case 'hold-lift':
        return { type: 'hold-lift', hold: pick([...model.holds.map(({ tx }) => tx), '00'.repeat(32)], a) as never }
      case 'erasure-attest':
        return {
          type: 'erasure-attest',
          order: pick([...model.orders.map(({ tx }) => tx), '00'.repeat(32)], a % 4 === 3 ? b : 0) as never,
          counts: { files: 1, bytes: 2, probes: mishap % 8 === 0 ? 0 : 3, hits: mishap % 8 === 1 ? 1 : 0 },
          software: new Uint8Array(32),
          unlock: 'key-file',
          backupsEnd: timeOf(0),
        }
      case 'key-add': {
        const key = pick(mishap % 4 === 0 ? enrollable : applications.map(({ publicKey }) => publicKey), a)
        const rights = graphNames
          .filter((_, place) => ((b | 3) >> place) & 1)
          .map((iri) => ({ graph: graphId(iri), right: c % 8 === 0 ? ('read' as const) : ('write' as const) }))
          .flatMap((each) => (c % 3 === 0 ? [each] : [{ ...each, right: 'erase' as const }, each]))
          .filter(({ graph }) => graph !== graphId(owned) || mishap % 3 === 0)
          .filter((_, place) => place < 4 || c % 5 === 0)
        return { type: 'key-add', key, name: 'app', rights, proof: this.#proof(key, organisation) }
      }
      case 'key-revoke':
        return { type: 'key-revoke', key: keyId(pick(applications, a).publicKey) }
      case 'govern':
        return this.#proposals.act(operation, model)
      case 'announce':
        return { type: 'announce', version: pick([1, 2, 2, 3], b) }
      case 'evidence':
        return contradictory(operation)
      case 'anchor':
        return this.#anchors(operation, model, signer)
      case 'policy-add':
        return {
          type: 'policy-add',
          policy: {
            name: pick(policyNames, a),
            controller: organisation,
            purpose: 'test',
            legalBasis: 'test',
            retentionDays: 0,
            class: pick(['open', 'personal', 'confidential'], b),
            audience: c % 7 === 0 ? [organisation] : [],
            algorithm: pick(['sha256', 'pedersen'], c % 5 === 0 ? b + 1 : b % 3),
            carriage: c % 6 === 0 ? 'receipts' : 'proposal',
          },
        }
      case 'graph-add':
        return {
          type: 'graph-add',
          graph: {
            iri: pick(graphNames, a),
            owner: organisation,
            policy: pick(policyNames, b),
            writers: c % 3 === 0 ? [organisation] : [],
          },
        }
    }
  }

  /** Of a log that grew, shrank or was written anew since the last one. */
  #anchors({ a, b, c, mishap }: Operation, model: Model, signer: Uint8Array): Act {
    const last = model.lastAnchor(toHex(signer))
    const log = timeOf(mishap % 8 === 0 ? a : (last?.log ?? 50) + (mishap % 8 === 1 ? 1 : 0))
    const known = last !== undefined && log === last.log
    const size = 1 + ((known ? last.size + pick([1, 1, 2, 3, 0, -1], b) - 1 : b) % localLeaves)
    const rewritten = c % 16 === 0
    const reader = rewritten ? rewrittenLog : localLog
    const proven = mishap % 16 === 3 ? 1 : known && size > last.size ? last.size : 0
    const consistency = proven === 0 ? [] : consistencyProof(Math.min(proven, size), size, reader)
    const root = digestOf(rootAt(size, reader))
    if (proven > 0)
      proofsOfGrowth.set(proofKey(root, consistency), `${proven} ${digestOf(rootAt(proven, reader))} ${size}`)
    return { type: 'anchor', log, size, root, consistency }
  }

  /** One or two places, most of them of items that stand. */
  #places({ a, b, mishap }: Operation, model: Model): readonly ItemPlace[] {
    const nowhere = { sequence: sequenceOf(a), transaction: b % 4, index: 0 }
    const known = model.items.map(({ place }) => place)
    const drawn = mishap % 8 === 2 || known.length === 0 ? [nowhere] : [pick(known, a), pick(known, a + (b % 2))]
    const sorted = [...new Map(drawn.map((place) => [JSON.stringify(place), place])).values()].sort(comparePlaces)
    return sorted
  }

  #placeOf(signer: Uint8Array): number {
    const place = organisationKeys.indexOf(byKey.get(toHex(signer)) as SigningKey)
    return Math.max(0, place)
  }

  #items(operation: Operation, model: Model, tx: TxId): Extract<Act, { type: 'data' }>['items'] {
    const { a, b, c, mishap } = operation
    const personal = a % 2
    for (let index = 0; index < 1 + (c % 2); index++) {
      // Under a number that was drawn before, the first content stands: it may have been executed.
      const item = itemIdFor(tx, index)
      const content = contentOf(operation, personal === 1, itemsNamed(operation, model, item))
      this.contents.set(item, this.contents.get(item) ?? content)
    }
    return Array.from({ length: 1 + (c % 2) }, () => ({
      graph: graphId(mishap % 5 === 0 ? pick(graphNames, a) : pick([events, people], a)),
      policy: policyId(mishap % 7 === 0 ? pick(policyNames, b) : pick(['open', 'personal'], personal)),
      sizeClass: 8,
      algorithm:
        mishap % 11 === 0 ? pick(['sha256', 'pedersen'] as const, b) : pick(['sha256', 'pedersen'] as const, personal),
      assertions: new Uint8Array(32),
      retractions: new Uint8Array(32),
      carriage:
        mishap % 13 === 0
          ? {
              type: 'receipts',
              receipts: [{ node: '00'.repeat(16) as never, key: new Uint8Array(32), signature: new Uint8Array(64) }],
            }
          : { type: 'proposal' },
    }))
  }

  #base({ b, c, mishap }: Operation, height: number): readonly Base[] {
    const back = pick([0, 0, 1, 2, -1, 65_535, 65_536, 65_537], c)
    const graph = graphId(pick(mishap % 5 === 0 ? graphNames : [events, people], b))
    return [{ graph, version: Math.max(0, height - back) as Sequence }]
  }

  #proof(key: Uint8Array, organisation: ReturnType<typeof organisationIdOf>): Uint8Array {
    const name = `${organisation} ${toHex(key)}`
    const owner = byKey.get(toHex(key))
    if (owner === undefined) return new Uint8Array(64)
    const proof =
      proofsMade.get(name) ??
      sign('proof-of-possession', keyProofBytes({ ledger: ledgerId, organisation, key }), owner.seed)
    proofsMade.set(name, proof)
    proofs.set(toHex(proof), name)
    return proof
  }
}

/** As it is ordered, with a signature that nobody will look at. */
export function unsigned(transaction: Transaction): Uint8Array {
  return encode(signedTransactionSchema, {
    body: encode(transactionSchema, transaction),
    signature: new Uint8Array(64),
  })
}

/** Rows that an item takes back: of earlier items, of itself, and of one that nobody knows. */
function itemsNamed({ a, b, c, mishap }: Operation, model: Model, own: ItemId): readonly (readonly [ItemId, number])[] {
  const earlier = model.items.map(({ item }) => item as ItemId)
  const named = [...earlier.slice(b % 5, (b % 5) + (c % 4)), ...(a % 9 === 0 ? [own] : [])]
  const unknown = mishap % 32 === 9 ? [itemIdFor(own as string as TxId, 0)] : []
  return [...new Set([...named, ...unknown])].sort().map((item) => [item, (a + b) % 3] as const)
}

/** Up to two triples about a person or a product; now and then a part that is void. */
function contentOf(
  { a, b, c, mishap }: Operation,
  personal: boolean,
  named: readonly (readonly [ItemId, number])[],
): Content {
  const count = b % 3
  const objects = Array.from({ length: count }, (_, place) => ({
    type: 'iri' as const,
    value: `urn:o:${(c + place) % 5}`,
  }))
  const [s, p] = [`urn:s:${a % 3}`, 'urn:p']
  const value = {
    skolem: new Uint8Array(16),
    subjects: personal && count > 0 ? ['urn:person'] : [],
    terms: count === 0 ? [] : [{ type: 'iri' as const, value: s }, { type: 'iri' as const, value: p }, ...objects],
    triples: objects.map((_, place) => ({ subject: 0, predicate: mishap % 16 === 10 ? 9 : 1, object: place + 2 })),
  }
  const retracted = { retractions: named.map(([item, row]) => ({ item, rows: [row] })) }
  const isVoid = mishap % 16 === 10 && count > 0
  const isTorn = mishap % 16 === 11
  return {
    assertions: padPart(encode(assertionsSchema, value)),
    about: count === 0 ? 'nothing' : personal ? 'person' : 'nobody',
    retractions: padPart(isTorn ? encodeCbor([1, 2]) : encode(retractionsSchema, retracted)),
    says: isVoid ? [] : objects.map(({ value: object }) => `<${s}> <${p}> <${object}>`),
    takesBack: isTorn ? [] : named,
  }
}
