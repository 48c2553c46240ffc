// Four real nodes in one process: real folders, keys, sockets and files, without the command line around them.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from '#crypto'
import { eventually, freePorts } from '../../demo/processes.ts'
import { graphId } from '../../src/base/hash.ts'
import { organisationIdOf, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { generateSigningKey, type SigningKey } from '../../src/base/signature.ts'
import { buildAct, buildData, proveKey, signerOf } from '../../src/ledger/build.ts'
import { signCard } from '../../src/ledger/card.ts'
import {
  defaultParameters,
  defaultPolicies,
  defaultThresholds,
  draftGenesis,
  signGenesis,
} from '../../src/ledger/founding.ts'
import { type LedgerParameters, ledgerIdFor, type SignedGenesis } from '../../src/ledger/genesis.ts'
import type { Organisation } from '../../src/ledger/records.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { initNode, readMembership, requestFor } from '../../src/node/membership.ts'
import { createNode, type NodeEvent, type QuadrilleNode, type Submission } from '../../src/node/node.ts'

export const openGraph = 'urn:g:open'
export const personalGraph = 'urn:g:personal'

export interface Founded {
  readonly directory: string
  readonly genesis: SignedGenesis
  readonly organisationKeys: readonly SigningKey[]
  readonly application: SigningKey
  /** A node of the ledger over its own folder, not started; again and again for restarts. */
  open(
    number: number,
    options?: {
      readonly seal?: boolean
      readonly anchorMs?: number
      readonly onEvent?: (event: NodeEvent) => void
      readonly onFailure?: (error: unknown) => void
    },
  ): Promise<QuadrilleNode>
  home(number: number): string
  remove(): Promise<void>
}

export async function foundFour(
  parameters: Partial<LedgerParameters> = {},
  protocol: 'pbft/1' | 'raft/1' = 'pbft/1',
): Promise<Founded> {
  const directory = await mkdtemp(join(tmpdir(), 'quadrille-nodes-'))
  const ports = await freePorts(4)
  const organisationKeys = ports.map(() => generateSigningKey())
  const organisations = organisationKeys.map(
    ({ publicKey }, number): Organisation => ({
      id: organisationIdOf(`org-${number}`),
      name: `Organisation ${number}`,
      key: publicKey,
    }),
  )
  const home = (number: number): string => join(directory, `node-${number}`)
  const cards = await Promise.all(
    organisations.map(async (organisation, number) => {
      await initNode(homeAt(home(number)), {
        organisation: organisation.id,
        name: `node-${number}`,
        role: 'validator',
        addresses: [`/ip4/127.0.0.1/tcp/${ports[number]}`],
        http: undefined,
        unlock: { provider: 'key-file', path: join(directory, `unlock-${number}.key`) },
      })
      return signCard(await requestFor(homeAt(home(number))), organisation, organisationKeys[number] as SigningKey)
    }),
  )
  const genesis = draftGenesis({
    name: 'Four',
    protocol,
    created: timeOf(Date.now()),
    cards,
    policies: defaultPolicies(organisationIdOf('org-0')),
    graphs: [
      { iri: openGraph, owner: organisationIdOf('org-0'), policy: 'open', writers: [] },
      { iri: personalGraph, owner: organisationIdOf('org-0'), policy: 'personal', writers: [] },
    ],
    parameters: { ...defaultParameters, ...parameters },
    thresholds: defaultThresholds(4),
  })
  const signatures = organisations.map(({ id }, number) =>
    signGenesis(genesis, id, organisationKeys[number] as SigningKey),
  )
  const signed: SignedGenesis = { genesis, signatures }
  return {
    directory,
    genesis: signed,
    organisationKeys,
    application: generateSigningKey(),
    home,
    async open(number, options = {}) {
      const at = homeAt(home(number))
      const { listen, unlock } = await readConfig(at)
      const membership = await readMembership(at)
      return createNode({
        home: at,
        genesis: signed,
        self: membership.id,
        listen,
        unlock,
        joining: membership,
        ...options,
      })
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

export interface Built {
  readonly bytes: Uint8Array
  readonly payload: Uint8Array
}

/** The act that enrols the application key for writing both graphs. */
export async function enrolment(founded: Founded, sequence: number): Promise<Built> {
  const ledger = ledgerIdFor(founded.genesis.genesis)
  const rights = [openGraph, personalGraph]
    .map((iri) => ({ graph: graphId(iri), right: 'write' as const }))
    .sort((a, b) => (a.graph < b.graph ? -1 : 1))
  const { bytes } = await buildAct({
    ledger,
    key: signerOf(founded.organisationKeys[0] as SigningKey),
    sequence,
    expires: timeOf(Date.now() + 3_600_000),
    act: {
      type: 'key-add',
      key: founded.application.publicKey,
      name: 'test application',
      proof: await proveKey(ledger, organisationIdOf('org-0'), signerOf(founded.application)),
      rights,
    },
  })
  return { bytes, payload: new Uint8Array() }
}

/** Enrols the application key through the first of these nodes; resolves once it may write at each of them. */
export async function enrol(founded: Founded, nodes: readonly QuadrilleNode[]): Promise<Submission> {
  const key = founded.organisationKeys[0] as SigningKey
  const [first] = nodes as readonly [QuadrilleNode]
  const { bytes, payload } = await enrolment(founded, first.nextSequence(key.publicKey))
  const submission = await first.submit(bytes, payload, AbortSignal.timeout(20_000))
  await delivered(nodes, submission)
  return submission
}

/** Resolves once each of these nodes has delivered it: a result is final before the slowest has. */
export async function delivered(nodes: readonly QuadrilleNode[], { sequence }: Submission): Promise<void> {
  const has = async (node: QuadrilleNode): Promise<true | undefined> =>
    (await node.status()).height >= sequence || undefined
  await Promise.all(nodes.map((node) => eventually(`height ${sequence} everywhere`, () => has(node))))
}

/** A transaction that says `count` things about subject number `sequence`. */
export async function statement(
  founded: Founded,
  sequence: number,
  options: { readonly graph?: string; readonly count?: number; readonly baseVersion?: number } = {},
): Promise<Built> {
  const { graph = openGraph, count = 3, baseVersion } = options
  const { genesis } = founded.genesis
  const policy = genesis.policies.find(({ class: kind }) => kind === (graph === openGraph ? 'open' : 'personal'))
  if (policy === undefined) throw new Error('the genesis lacks a policy')
  const subject = `https://example.org/thing/${sequence}`
  return buildData({
    ledger: ledgerIdFor(genesis),
    key: signerOf(founded.application),
    sequence,
    expires: timeOf(Date.now() + 3_600_000),
    base: baseVersion === undefined ? [] : [{ graph: graphId(graph), version: sequenceOf(baseVersion) }],
    randomBytes,
    items: [
      {
        graph: graphId(graph),
        policy,
        subjects: policy.class === 'personal' ? [subject] : [],
        terms: [
          { type: 'iri', value: subject },
          { type: 'iri', value: 'https://example.org/says' },
          ...Array.from({ length: count }, (_, number) => ({
            type: 'literal' as const,
            value: `statement ${number} of ${sequence}`,
            datatype: 'http://www.w3.org/2001/XMLSchema#string',
          })),
        ],
        triples: Array.from({ length: count }, (_, number) => ({ subject: 0, predicate: 1, object: 2 + number })),
        retractions: [],
      },
    ],
  })
}

/** Resolves when all stand at one height with nothing waiting, and gives that height. */
export async function settled(nodes: readonly QuadrilleNode[], atLeast = 1, withinMs = 15_000): Promise<number> {
  const end = Date.now() + withinMs
  let states = await Promise.all(nodes.map((node) => node.status()))
  while (Date.now() < end) {
    const [first] = states
    const still = states.every(
      ({ head, height, final, waiting, serves }) => head === first?.head && height === final && waiting === 0 && serves,
    )
    if (still && first !== undefined && first.height >= atLeast) return first.height
    await new Promise((done) => setTimeout(done, 25))
    states = await Promise.all(nodes.map((node) => node.status()))
  }
  throw new Error(
    `not settled: ${JSON.stringify(states.map(({ nodeName, height, final, state, note, waiting }) => ({ nodeName, height, final, state, note, waiting })))}`,
  )
}
