// A consortium for tests: four organisations with one validator each, keys from fixed seeds, "random" bytes from a counter.
// The same calls give the same bytes in every run.

import { sha256 } from '#crypto'
import { utf8 } from '../../src/base/bytes.ts'
import { graphId, keyId } from '../../src/base/hash.ts'
import {
  type KeyId,
  nodeIdOf,
  type OrganisationId,
  organisationIdOf,
  type Sequence,
  type Time,
  timeOf,
} from '../../src/base/ids.ts'
import { type SigningKey, signingKeyOf } from '../../src/base/signature.ts'
import type { Batch } from '../../src/consensus/batch.ts'
import { type BuiltData, buildAct, buildData, type ItemInput, proveKey, signerOf } from '../../src/ledger/build.ts'
import { type NodeCard, requestCard, signCard } from '../../src/ledger/card.ts'
import {
  defaultParameters,
  defaultPolicies,
  defaultThresholds,
  draftGenesis,
  signGenesis,
} from '../../src/ledger/founding.ts'
import { type Genesis, ledgerIdFor, type SignedGenesis } from '../../src/ledger/genesis.ts'
import { Ledger } from '../../src/ledger/ledger.ts'
import type { Graph, Node, Organisation, Policy } from '../../src/ledger/records.ts'
import type { Act, Base, GraphRight } from '../../src/ledger/transaction.ts'

const keys = new Map<string, SigningKey>()

export function testKey(name: string): SigningKey {
  const key = keys.get(name) ?? signingKeyOf(sha256(utf8(`test key ${name}`)))
  keys.set(name, key)
  return key
}

export const organisationNames = ['acme', 'bolt', 'crux', 'dune'] as const
export const acme: OrganisationId = organisationIdOf('acme')
export const bolt: OrganisationId = organisationIdOf('bolt')
export const organisationKey = (id: string): SigningKey => testKey(`organisation ${id}`)

export const events = 'urn:g:events'
export const people = 'urn:g:people'
export const owned = 'urn:g:acme-only'

export function testOrganisation(id: string): Organisation {
  return { id: organisationIdOf(id), name: `${id} Ltd`, key: organisationKey(id).publicKey }
}

export function testNode(organisation: string, name: string, role: Node['role'] = 'validator'): Node {
  return {
    id: nodeIdOf(sha256(utf8(`node ${name}`)).subarray(0, 16)),
    organisation: organisationIdOf(organisation),
    name,
    role,
    keys: {
      consensus: testKey(`${name} consensus`).publicKey,
      transport: testKey(`${name} transport`).publicKey,
      payload: sha256(utf8(`${name} payload`)),
      checkpoint: testKey(`${name} checkpoint`).publicKey,
    },
    addresses: ['/ip4/127.0.0.1/tcp/4701'],
  }
}

export function testCard(organisation: string, name: string, role: Node['role'] = 'validator'): NodeCard {
  const request = requestCard(testNode(organisation, name, role), {
    consensus: testKey(`${name} consensus`),
    transport: testKey(`${name} transport`),
    checkpoint: testKey(`${name} checkpoint`),
  })
  return signCard(request, testOrganisation(organisation), organisationKey(organisation))
}

export const graphs: readonly Graph[] = [
  { iri: events, owner: acme, policy: 'open', writers: [] },
  { iri: people, owner: acme, policy: 'personal', writers: [] },
  { iri: owned, owner: acme, policy: 'open', writers: [acme] },
]

export function testGenesis(
  cards: readonly NodeCard[] = organisationNames.map((id) => testCard(id, `${id}-1`)),
): Genesis {
  return draftGenesis({
    name: 'Test Trace',
    protocol: 'pbft/1',
    created: timeOf(1_000),
    cards,
    policies: defaultPolicies(acme),
    graphs,
    parameters: defaultParameters,
    thresholds: defaultThresholds(4),
  })
}

export function signedBy(genesis: Genesis, names: readonly string[] = organisationNames): SignedGenesis {
  return {
    genesis,
    signatures: names.map((id) => signGenesis(genesis, organisationIdOf(id), organisationKey(id))),
  }
}

export const genesis: Genesis = testGenesis()
export const ledgerId = ledgerIdFor(genesis)
export const policyNamed = (name: string): Policy => {
  const policy = genesis.policies.find((each) => each.name === name)
  if (policy === undefined) throw new RangeError(name)
  return policy
}

let drawn = 0
/** Different at each call, the same in each run. */
export function testBytes(length: number): Uint8Array {
  drawn += 1
  const bytes = new Uint8Array(length)
  for (let offset = 0; offset < length; offset += 32) {
    bytes.set(sha256(utf8(`drawn ${drawn} ${offset}`)).subarray(0, length - offset), offset)
  }
  return bytes
}

export const forEver: Time = timeOf(8_640_000_000_000_000)

/** An act signed by the key of an organisation. */
export async function act(
  organisation: string,
  sequence: number,
  what: Exclude<Act, { readonly type: 'data' }>,
  expires: Time = forEver,
): Promise<Uint8Array> {
  const key = signerOf(organisationKey(organisation))
  return (await buildAct({ ledger: ledgerId, key, sequence, expires, act: what })).bytes
}

export function right(iri: string, name: GraphRight['right'] = 'write'): GraphRight {
  return { graph: graphId(iri), right: name }
}

export async function keyAdd(
  organisation: string,
  sequence: number,
  key: SigningKey,
  rights: readonly GraphRight[],
): Promise<Uint8Array> {
  const proof = await proveKey(ledgerId, organisationIdOf(organisation), signerOf(key))
  const sorted = [...rights].sort((a, b) => (`${a.graph} ${a.right}` < `${b.graph} ${b.right}` ? -1 : 1))
  return act(organisation, sequence, { type: 'key-add', key: key.publicKey, name: 'app', rights: sorted, proof })
}

/** One triple about a product. */
export function openItem(object = 'box', iri = events): ItemInput {
  return {
    graph: graphId(iri),
    policy: policyNamed('open'),
    subjects: [],
    terms: [
      { type: 'iri', value: 'urn:p:1' },
      { type: 'iri', value: 'urn:v:is' },
      { type: 'language', value: object, language: 'en' },
    ],
    triples: [{ subject: 0, predicate: 1, object: 2 }],
    retractions: [],
  }
}

/** One triple about a person. */
export function personalItem(name = 'Ada'): ItemInput {
  return {
    graph: graphId(people),
    policy: policyNamed('personal'),
    subjects: ['urn:person:1'],
    terms: [
      { type: 'iri', value: 'urn:person:1' },
      { type: 'iri', value: 'urn:v:name' },
      { type: 'language', value: name, language: 'en' },
    ],
    triples: [{ subject: 0, predicate: 1, object: 2 }],
    retractions: [],
  }
}

export async function data(
  key: SigningKey,
  sequence: number,
  items: readonly ItemInput[] = [openItem()],
  options: { readonly base?: readonly Base[]; readonly expires?: Time } = {},
): Promise<BuiltData> {
  return await buildData({
    ledger: ledgerId,
    key: signerOf(key),
    sequence,
    expires: options.expires ?? forEver,
    items,
    base: options.base ?? [],
    randomBytes: testBytes,
  })
}

export function batch(transactions: readonly Uint8Array[], time = 2_000): Batch {
  return { time: timeOf(time), tokens: [], transactions }
}

/** A ledger on the test genesis, and the next block in one call. */
export class World {
  ledger: Ledger = Ledger.fromGenesis(genesis)
  readonly batches: Batch[] = []

  /** Outcome codes of these transactions in one block. */
  deliver(transactions: readonly Uint8Array[], time = 2_000): readonly string[] {
    const next = batch(transactions, time)
    this.batches.push(next)
    return this.ledger.apply((this.ledger.height + 1) as Sequence, next).outcomes.map(({ code }) => code)
  }

  skip(blocks: number): void {
    for (let passed = 0; passed < blocks; passed++) this.deliver([])
  }
}

export const app: SigningKey = testKey('app of acme')
export const appId: KeyId = keyId(app.publicKey)

/** A world in which acme's application may write everywhere. */
export async function worldWithApp(): Promise<World> {
  const world = new World()
  world.deliver([await keyAdd('acme', 1, app, [right(events), right(people), right(owned)])])
  return world
}

export { graphId, keyId }
