// Founds and runs a consortium of four organisations (three, with Raft) on this machine, through the command line only: every key, card,
// signature and genesis is made as an operator would make it, and every node is a process of its own.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts, quadrille, Running } from './processes.ts'

export interface Member {
  /** Short name, as in the genesis. */
  readonly id: string
  /** As people know it. */
  readonly name: string
  readonly home: string
  /** Its organisation's private key file. */
  readonly organisationKey: string
  readonly url: string
  process: Running | undefined
}

export interface Consortium {
  /** How many members there are, in words. */
  readonly count: 'three' | 'four'
  readonly directory: string
  readonly genesis: string
  readonly members: readonly Member[]
  /** Private key file of an application of the first member, with the right to write all graphs. */
  readonly applicationKey: string
}

/** What `status` says, as far as it is used here. */
export interface NodeState {
  readonly height: number
  readonly final: number
  readonly head: string
  readonly leader: string
  readonly nodeName: string
  readonly quads: number
  readonly waiting: number
  readonly quorumConnected: boolean
  readonly serves: boolean
}

/** With pbft members may lie; with raft they may only crash, and so fewer are enough. */
export type Consensus = 'pbft' | 'raft'

const organisations: readonly (readonly [id: string, name: string])[] = [
  ['acme', 'Acme Foods'],
  ['blue', 'Blue Freight'],
  ['corner', 'Corner Shops'],
  ['delta', 'Delta Labs'],
]

export interface Founding {
  readonly consensus: Consensus
  readonly directory: string
  readonly graphs: readonly { readonly iri: string; readonly policy: 'open' | 'personal' }[]
}

/** Founds the ledger; starts nothing. */
export async function found({ consensus, directory, graphs }: Founding): Promise<Consortium> {
  const founders = consensus === 'pbft' ? organisations : organisations.slice(0, 3)
  const ports = await freePorts(2 * founders.length)
  const members = await Promise.all(
    founders.map(([id, name], number) =>
      foundMember(directory, id, name, ports[2 * number] ?? 0, ports[2 * number + 1] ?? 0),
    ),
  )
  const rules = join(directory, 'rules.yaml')
  await writeFile(rules, rulesFor(graphs))
  const cards = members.flatMap(({ id }) => ['--card', join(directory, `${id}.card.json`)])
  const draft = join(directory, 'draft.json')
  await writeFile(
    draft,
    await quadrille('genesis', 'draft', '--name', 'Olive Trace', '--consensus', consensus, ...cards, '--rules', rules),
  )
  const signatures = await Promise.all(
    members.map(async ({ id, organisationKey }) => {
      const path = join(directory, `${id}.sig.json`)
      await writeFile(path, await quadrille('org', 'sign', draft, '--key', organisationKey))
      return path
    }),
  )
  const genesis = join(directory, 'genesis.json')
  await writeFile(genesis, await quadrille('genesis', 'assemble', draft, ...signatures))
  const count = consensus === 'pbft' ? 'four' : 'three'
  return { count, directory, genesis, members, applicationKey: join(directory, 'application.key') }
}

/** What one organisation does on its own machines; only its card leaves them. */
async function foundMember(
  directory: string,
  id: string,
  name: string,
  meshPort: number,
  httpPort: number,
): Promise<Member> {
  const home = join(directory, id)
  const organisationKey = join(directory, `${id}.org.key`)
  await mkdir(home, { recursive: true })
  await quadrille('org', 'init', name, '--id', id, '--out', organisationKey)
  const unlock = `key-file:${join(directory, `${id}.unlock.key`)}`
  const listen = `/ip4/127.0.0.1/tcp/${meshPort}`
  await quadrille(
    'node',
    'init',
    '--home',
    home,
    '--org',
    id,
    '--listen',
    listen,
    '--unlock',
    unlock,
    '--http',
    String(httpPort),
  )
  const request = join(directory, `${id}.node.json`)
  await writeFile(request, await quadrille('node', 'request', '--home', home))
  await writeFile(join(directory, `${id}.card.json`), await quadrille('org', 'sign', request, '--key', organisationKey))
  return { id, name, home, organisationKey, url: `http://127.0.0.1:${httpPort}`, process: undefined }
}

function rulesFor(graphs: Founding['graphs']): string {
  const policies = [...new Set(graphs.map(({ policy }) => policy))]
  return `policies:
${policies.map((policy) => `  - { name: ${policy}, controller: acme, purpose: traceability, legalBasis: ${policy === 'personal' ? 'art6-1-f' : 'none'}, class: ${policy} }`).join('\n')}
graphs:
${graphs.map(({ iri, policy }) => `  - { iri: ${JSON.stringify(iri)}, owner: acme, policy: ${policy} }`).join('\n')}
`
}

export function startMember(consortium: Consortium, member: Member, environment: NodeJS.ProcessEnv = {}): void {
  const log = join(consortium.directory, `${member.id}.log`)
  member.process = new Running({ log, environment }, 'start', '--home', member.home, '--genesis', consortium.genesis)
}

export async function stateOf(member: Member): Promise<NodeState> {
  const answer = await fetch(`${member.url}/status`)
  return (await answer.json()) as NodeState
}

/** Enrols the application key of the first member for writing `graphs`. */
export async function enrolApplication(consortium: Consortium, graphs: readonly string[]): Promise<void> {
  await enrolKey(consortium, consortium.applicationKey, graphs, 'write')
}

/** Makes a key of the first member in the file `key`, and enrols it. */
export async function enrolKey(
  { members }: Consortium,
  key: string,
  graphs: readonly string[],
  right: 'write' | 'erase',
): Promise<void> {
  const [first] = members
  if (first === undefined) throw new Error('a consortium has members')
  await quadrille('client', 'new', '--out', key, '--home', first.home)
  const rights = graphs.flatMap((graph) => ['--graph', `${graph}:${right}`])
  const organisation = ['--key', first.organisationKey, '--home', first.home]
  await quadrille('client', 'add', key.replace(/key$/, 'pub'), ...rights, ...organisation)
}

export async function stopAll(consortium: Consortium, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  await Promise.all(consortium.members.map(({ process }) => process?.end(signal)))
}
