// Random histories: what fast-check draws are small numbers, and here they become transactions over a few keys, graphs and
// policies, so that they meet. Signatures are left out: executing a transaction does not look at them.

import fc from 'fast-check'
import { toHex } from '../../src/base/bytes.ts'
import { graphId, keyId, policyId } from '../../src/base/hash.ts'
import { organisationIdOf, type Sequence, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { type SigningKey, sign } from '../../src/base/signature.ts'
import { approvalBytes, comparePlaces, type ItemPlace } from '../../src/ledger/erasure-acts.ts'
import {
  type Act,
  type Base,
  keyProofBytes,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from '../../src/ledger/transaction.ts'
import type { Facts, Model } from './model.ts'
import { events, ledgerId, organisationKey, organisationNames, owned, people, testKey } from './world.ts'

export const applications: readonly SigningKey[] = ['a', 'b', 'c', 'd'].map((name) => testKey(`history ${name}`))
const organisationKeys = organisationNames.map(organisationKey)
const nodeKeys = organisationNames.map((name) => testKey(`${name}-1 consensus`))
const signers = [...applications, ...organisationKeys, ...nodeKeys]
/** The identity: a canonical point of order 1. */
const weakKey = Uint8Array.from({ length: 32 }, (_, place) => (place === 0 ? 1 : 0))
const enrollable = [
  ...applications.map(({ publicKey }) => publicKey),
  weakKey,
  ...organisationKeys.map(({ publicKey }) => publicKey),
  testKey('acme-1 consensus').publicKey,
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

const small = fc.nat({ max: 255 })
const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom<Operation['kind'][]>(
    'data',
    'data',
    'data',
    'data-based',
    'data-based',
    'key-add',
    'key-add',
    'key-revoke',
    'policy-add',
    'graph-add',
    'erase',
    'erase',
    'hold',
    'hold-lift',
    'erasure-attest',
    'erasure-attest',
  ),
  signer: small,
  jump: small,
  a: small,
  b: small,
  c: small,
  mishap: small,
})

export const history: fc.Arbitrary<readonly HistoryBlock[]> = fc.array(
  fc.record({ time: fc.nat({ max: 40 }), operations: fc.array(operation, { maxLength: 8 }) }),
  { minLength: 1, maxLength: 14 },
)

function pick<T>(from: readonly T[], place: number): T {
  return from[place % from.length] as T
}

/** Turns operations into transactions as they come; it is told the numbers that keys have used. */
export class Historian {
  readonly #proofs = new Map<string, string>()
  readonly #approvals = new Map<string, string>()
  readonly facts: Facts = { weakKeys: [toHex(weakKey)], proofs: this.#proofs, approvals: this.#approvals }

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
        return nodeKeys
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
          items: this.#items(operation),
          base: operation.kind === 'data' ? [] : this.#base(operation, model.height + 1),
        }
      case 'erase': {
        const approver = pick(mishap % 8 === 1 ? signers : applications.slice(0, 2), b)
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
          order: pick([...model.orders.map(({ tx }) => tx), '00'.repeat(32)], a) as never,
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

  /** One or two places, most of them of items that stand. */
  #places({ a, b, mishap }: Operation, model: Model): readonly ItemPlace[] {
    const nowhere = { sequence: sequenceOf(a), transaction: b % 4, index: 0 }
    const known = model.items.map(({ place }) => place)
    const drawn = mishap % 8 === 2 || known.length === 0 ? [nowhere] : [pick(known, a), pick(known, a + (b % 2))]
    const sorted = [...new Map(drawn.map((place) => [JSON.stringify(place), place])).values()].sort(comparePlaces)
    return sorted
  }

  #placeOf(signer: Uint8Array): number {
    return Math.max(
      0,
      organisationKeys.findIndex(({ publicKey }) => toHex(publicKey) === toHex(signer)),
    )
  }

  #items({ a, b, c, mishap }: Operation): Extract<Act, { type: 'data' }>['items'] {
    const personal = a % 2
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
    const owner = signers.find(({ publicKey }) => toHex(publicKey) === toHex(key))
    if (owner === undefined) return new Uint8Array(64)
    const proof = sign('proof-of-possession', keyProofBytes({ ledger: ledgerId, organisation, key }), owner.seed)
    this.#proofs.set(toHex(proof), `${organisation} ${toHex(key)}`)
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
