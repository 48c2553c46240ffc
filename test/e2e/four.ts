// Four nodes (three, with Raft) as processes of the built command line, to be killed at will, and an application that keeps asking: every
// transaction goes with the same bytes to one node after another until one says that it is final.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { randomBytes } from '#crypto'
import { eventually } from '../../demo/processes.ts'
import { graphId } from '../../src/base/hash.ts'
import { organisationIdOf, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { generateSigningKey, type SigningKey } from '../../src/base/signature.ts'
import { type Client, createClient, type Submitted } from '../../src/http/client.ts'
import { buildData, buildErasure, proveKey, signerOf } from '../../src/ledger/build.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { ledgerIdFor, type SignedGenesis } from '../../src/ledger/genesis.ts'
import type { Right } from '../../src/ledger/transaction.ts'
import { readGenesis } from '../../src/node/ceremony.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { readOrganisationKey } from '../../src/node/key-files.ts'
import { foundConsortium, memberIds } from '../cli/consortium.ts'

const program = resolve(import.meta.dirname, '../../bin/quadrille.js')
const graphs = ['urn:g:events', 'urn:g:people'] as const

/** What GET /status gives, as far as it is used here. */
export interface State {
  readonly height: number
  readonly final: number
  readonly head: string
  readonly leader: string
  readonly nodeName: string
  readonly round: number
  readonly state: string
  readonly note: string
  readonly waiting: number
  readonly quorumConnected: boolean
  readonly epoch: number
  readonly validators: number
  readonly stable: number
  readonly serves: boolean
  readonly convicted: readonly { readonly name: string; readonly epoch: number }[]
}

/** A module that is loaded before the command line. */
export interface Hook {
  readonly path: string
  readonly environment: NodeJS.ProcessEnv
}

/** One node: its home, and the process that runs it or ran it last. */
export class NodeProcess {
  readonly name: string
  readonly url: string
  readonly #folder: string
  #child: ChildProcess | undefined
  #ended: Promise<NodeJS.Signals | number | null> = Promise.resolve(null)
  /** All that it ever printed. */
  output = ''

  constructor(folder: string, name: string, url: string) {
    this.#folder = folder
    this.name = name
    this.url = url
  }

  /** `flags`: of Node.js itself. `more`: of the command. */
  start(hook?: Hook, flags: readonly string[] = [], more: readonly string[] = []): void {
    const preload = hook === undefined ? flags : [...flags, '--import', pathToFileURL(hook.path).href]
    const home = ['--home', join(this.#folder, this.name), '--genesis', join(this.#folder, 'genesis.json')]
    const options = ['start', ...home, ...more]
    const child = spawn(process.execPath, [...preload, program, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...hook?.environment },
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    this.#child = child
    this.#ended = new Promise((done) => child.once('close', (code, signal) => done(signal ?? code)))
  }

  /** Of the process that runs it or ran it last. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What ended it: a signal, or its exit code. */
  get ended(): Promise<NodeJS.Signals | number | null> {
    return this.#ended
  }

  /** What ended it. @throws Error with the end of its output when it still runs after that time */
  async endedWithin(ms: number): Promise<NodeJS.Signals | number | null> {
    const late = Symbol()
    const timer = new AbortController()
    const ended = await Promise.race([this.#ended, setTimeout(ms, late, { signal: timer.signal })])
    timer.abort()
    if (ended !== late) return ended as Exclude<typeof ended, symbol>
    throw new Error(`${this.name} still runs after ${ms} ms:\n${this.output.slice(-4_000)}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async state(): Promise<State> {
    const answer = await fetch(`${this.url}/status`, { signal: AbortSignal.timeout(2_000) })
    return (await answer.json()) as State
  }

  async dump(): Promise<readonly string[]> {
    const answer = await fetch(`${this.url}/dump`, { headers: { accept: 'application/n-quads' } })
    return (await answer.text()).split('\n').filter(Boolean).sort()
  }
}

export interface Acknowledged {
  /** The literal that the transaction says, and nobody else. */
  readonly said: string
  readonly height: number
  /** Where its item stands. */
  readonly place: ItemPlace
}

export class Four {
  /** Those that take part. */
  readonly nodes: NodeProcess[]
  /** Those that left. */
  readonly former: NodeProcess[] = []
  /** In the order in which they came. */
  readonly acknowledged: Acknowledged[] = []
  readonly folder: string
  readonly genesis: SignedGenesis
  readonly #key: SigningKey = generateSigningKey()
  #sequence = 0
  #orders = 0
  #enrolled: Promise<readonly [SigningKey, SigningKey]> | undefined

  private constructor(folder: string, genesis: SignedGenesis, nodes: NodeProcess[]) {
    this.folder = folder
    this.genesis = genesis
    this.nodes = nodes
  }

  /** Founds, starts all four and enrols the application. `hooks`: for node 0, 1, ..., once their homes are there. */
  static async begin(
    parameters: string,
    consensus: 'pbft' | 'raft' = 'pbft',
    hooks: (folder: string, names: readonly string[]) => Promise<readonly Hook[]> = async () => [],
  ): Promise<Four> {
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-four-'))
    const ids = await foundConsortium(folder, `parameters: ${parameters}\n`, consensus)
    const nodes = await Promise.all(
      ids.map(async (id) => {
        const { http } = await readConfig(homeAt(join(folder, id)))
        return new NodeProcess(folder, id, `http://127.0.0.1:${http?.port}`)
      }),
    )
    const four = new Four(folder, await readGenesis(join(folder, 'genesis.json')), nodes)
    try {
      const hooked = await hooks(folder, ids)
      for (const [place, node] of nodes.entries()) node.start(hooked[place])
      await Promise.all(nodes.map((node) => four.ready(node)))
      await four.#enrol(four.#key, 'write')
      return four
    } catch (error) {
      await four.end()
      throw error
    }
  }

  async end(): Promise<void> {
    const all = [...this.nodes, ...this.former]
    for (const node of all) node.signal('SIGKILL')
    await Promise.all(all.map(({ ended }) => ended))
    await rm(this.folder, { recursive: true, force: true })
  }

  async ready(node: NodeProcess): Promise<void> {
    await eventually(
      `${node.name} is connected to a quorum`,
      async () => {
        if (!node.alive) throw new Error(node.output.slice(-2_000))
        const { quorumConnected, serves } = await node.state()
        return quorumConnected && serves ? true : undefined
        // On a busy machine four processes take their time to start.
      },
      90_000,
    )
  }

  /** Waits until all stand at one height, final, with nothing waiting. @throws Error with what they say of themselves. */
  async settled(nodes: readonly NodeProcess[] = this.nodes): Promise<readonly State[]> {
    let last: readonly State[] = []
    try {
      return await eventually('one final height at all', async () => {
        last = await Promise.all(nodes.map((node) => node.state()))
        const [first] = last
        return last.every(
          ({ head, height, final, waiting }) => head === first?.head && height === final && waiting === 0,
        )
          ? last
          : undefined
      })
    } catch (error) {
      const said = last.map(({ nodeName, height, final, round, leader, state, note, waiting }) =>
        JSON.stringify({ nodeName, height, final, round, leader, state, note, waiting }),
      )
      const dead = nodes
        .filter(({ alive }) => !alive)
        .map(({ name, output }) => `${name} ended:\n${output.slice(-2_000)}`)
      throw new Error(`not settled:\n${[...said, ...dead].join('\n')}`, { cause: error })
    }
  }

  /** One transaction, personal or open, until a node says that it is final. @throws Error when none did within 40 s. */
  async submit(personal: boolean): Promise<Acknowledged> {
    const sequence = ++this.#sequence
    const said = `statement ${sequence}`
    const { bytes, payload } = await this.#statement(sequence, said, personal)
    const { height, index } = await this.#insist(said, sequence, bytes, payload)
    const acknowledged = { said, height, place: { sequence: sequenceOf(height), transaction: index, index: 0 } }
    this.acknowledged.push(acknowledged)
    return acknowledged
  }

  /** The same bytes to one node after another. */
  async #insist(what: string, from: number, bytes: Uint8Array, payload: Uint8Array): Promise<Submitted> {
    const clients = this.nodes.map(({ url }) => this.client(url))
    const end = Date.now() + 40_000
    let refusal: unknown
    for (let turn = from; Date.now() < end; turn++) {
      try {
        const client = clients[turn % clients.length] as Client
        return await client.submitTransaction(bytes, payload, AbortSignal.timeout(8_000))
      } catch (error) {
        refusal = error
        await setTimeout(20)
      }
    }
    throw new Error(`${what} was never final`, { cause: refusal })
  }

  /** Submits, `workers` at a time and each a few times a second, until the answer is stopped. */
  load(workers: number): { stop(): Promise<void> } {
    let going = true
    const work = async (worker: number): Promise<void> => {
      for (let turn = 0; going; turn++) {
        await this.submit((turn + worker) % 4 === 0)
        await setTimeout(200)
      }
    }
    const all = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
    // Whoever stops it hears of a failure; before that, nobody does.
    all.catch(() => undefined)
    return {
      async stop() {
        going = false
        await all
      },
    }
  }

  /** Orders the erasure of these items; resolves with the order when it is final. */
  async erase(items: readonly ItemPlace[]): Promise<string> {
    const [clerk, officer] = await this.#erasers()
    const { bytes, tx } = await buildErasure({
      ledger: ledgerIdFor(this.genesis.genesis),
      key: signerOf(clerk),
      approver: signerOf(officer),
      sequence: ++this.#orders,
      expires: timeOf(Date.now() + 600_000),
      items,
      reason: 'art17-1-b',
      reference: randomBytes(16),
    })
    await this.#insist('the order', this.#orders, bytes, new Uint8Array())
    return tx
  }

  /** Waits until every node attested an order, as one node tells. */
  async attested(order: string, at: NodeProcess): Promise<void> {
    await eventually('every node attested', async () => {
      const answer = await fetch(`${at.url}/erasures/${order}`)
      return ((await answer.json()) as { readonly complete?: boolean }).complete === true || undefined
    })
  }

  /** Two keys that may erase, enrolled once. */
  #erasers(): Promise<readonly [SigningKey, SigningKey]> {
    this.#enrolled ??= (async () => {
      const keys = [generateSigningKey(), generateSigningKey()] as const
      for (const key of keys) await this.#enrol(key, 'erase')
      return keys
    })()
    return this.#enrolled
  }

  client(endpoint: string, seed: Uint8Array = this.#key.seed): Client {
    return createClient({ endpoint, ledger: ledgerIdFor(this.genesis.genesis), key: seed, retryMs: 0 })
  }

  async #enrol(key: SigningKey, right: Right): Promise<void> {
    const ledger = ledgerIdFor(this.genesis.genesis)
    const organisation = await readOrganisationKey(join(this.folder, `${memberIds[0]}.org.key`))
    const proof = await proveKey(ledger, organisationIdOf(memberIds[0]), signerOf(key))
    const rights = graphs.map((iri) => ({ graph: graphId(iri), right })).sort((a, b) => (a.graph < b.graph ? -1 : 1))
    const act = { type: 'key-add' as const, key: key.publicKey, name: 'test', proof, rights }
    const client = this.client(this.nodes[0]?.url ?? '', organisation.signing.seed)
    await client.submitAct(act, AbortSignal.timeout(20_000))
  }

  #statement(sequence: number, said: string, personal: boolean): ReturnType<typeof buildData> {
    const { genesis } = this.genesis
    const policy = genesis.policies.find(({ class: kind }) => kind === (personal ? 'personal' : 'open'))
    if (policy === undefined) throw new Error('the genesis lacks a policy')
    const subject = `https://example.org/thing/${sequence}`
    return buildData({
      ledger: ledgerIdFor(genesis),
      key: signerOf(this.#key),
      sequence,
      expires: timeOf(Date.now() + 600_000),
      base: [],
      randomBytes,
      items: [
        {
          graph: graphId(graphs[personal ? 1 : 0]),
          policy,
          subjects: personal ? [subject] : [],
          terms: [
            { type: 'iri', value: subject },
            { type: 'iri', value: 'https://example.org/says' },
            { type: 'literal', value: said, datatype: 'http://www.w3.org/2001/XMLSchema#string' },
          ],
          triples: [{ subject: 0, predicate: 1, object: 2 }],
          retractions: [],
        },
      ],
    })
  }
}
