// A ledger as it runs in the field, on one machine: a process for each node, found, started, and with an application key for
// each node enrolled. Says what each process has used of the machine.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { graphId } from '../../src/base/hash.ts'
import { type LedgerId, organisationIdOf } from '../../src/base/ids.ts'
import { generateSigningKey, type SigningKey } from '../../src/base/signature.ts'
import { createClient } from '../../src/http/client.ts'
import { proveKey, signerOf } from '../../src/ledger/build.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import type { Policy } from '../../src/ledger/records.ts'
import { readGenesis } from '../../src/node/ceremony.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { readOrganisationKey } from '../../src/node/key-files.ts'
import { foundConsortium } from '../../test/cli/consortium.ts'
import { NodeProcess } from '../../test/e2e/four.ts'

export type Consensus = 'pbft' | 'raft'

export const benchGraph = 'urn:g:events'

/** What a process has used so far. */
export interface Usage {
  readonly cpuSeconds: number
  readonly rssMiB: number
}

export interface NetworkOptions {
  readonly consensus: Consensus
  readonly nodes: number
  /** Folder for a V8 profile of each node. */
  readonly profiles?: string
}

export class Network {
  readonly ledger: LedgerId
  /** Of the graph that is written. */
  readonly policy: Policy
  readonly nodes: readonly NodeProcess[]
  /** One application key for each node. */
  readonly keys: readonly SigningKey[]
  readonly #folder: string

  private constructor(parts: Pick<Network, 'ledger' | 'policy' | 'nodes' | 'keys'>, folder: string) {
    this.ledger = parts.ledger
    this.policy = parts.policy
    this.nodes = parts.nodes
    this.keys = parts.keys
    this.#folder = folder
  }

  static async begin({ consensus, nodes: count, profiles }: NetworkOptions): Promise<Network> {
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-bench-'))
    const ids = await foundConsortium(folder, '', consensus, count)
    const { genesis } = await readGenesis(join(folder, 'genesis.json'))
    const policy = genesis.policies.find(({ class: kind }) => kind === 'open')
    if (policy === undefined) throw new Error('the genesis lacks an open policy')
    const nodes: NodeProcess[] = []
    for (const id of ids) {
      const { http } = await readConfig(homeAt(join(folder, id)))
      nodes.push(new NodeProcess(folder, id, `http://127.0.0.1:${http?.port}`))
    }
    const keys = ids.map(() => generateSigningKey())
    const network = new Network({ ledger: ledgerIdFor(genesis), policy, nodes, keys }, folder)
    try {
      const flags = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
      for (const node of nodes) node.start(undefined, flags)
      for (const node of nodes) await network.#ready(node)
      for (const key of keys) await network.#enrol(key, ids[0] ?? '')
      return network
    } catch (error) {
      await network.end()
      throw error
    }
  }

  /** Ends all processes: politely, so that a profile is written, then the folder goes. */
  async end(): Promise<void> {
    for (const node of this.nodes) node.signal('SIGTERM')
    await Promise.all(this.nodes.map(({ ended }) => ended))
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Resolves when every node has this height and knows it to be final. */
  async finalEverywhere(height: number): Promise<void> {
    for (const node of this.nodes) {
      await eventually(`${node.name} has ${height} as final`, async () => {
        if (!node.alive) throw new Error(node.output.slice(-2_000))
        return (await node.state()).final >= height || undefined
      })
    }
  }

  /** Of each node, in order. */
  usage(): Promise<readonly Usage[]> {
    return Promise.all(this.nodes.map(({ pid }) => usageOf(pid ?? 0)))
  }

  async #ready(node: NodeProcess): Promise<void> {
    await eventually(`${node.name} is connected to all`, async () => {
      if (!node.alive) throw new Error(node.output.slice(-2_000))
      return (await node.state()).quorumConnected || undefined
    })
  }

  async #enrol(key: SigningKey, member: string): Promise<void> {
    const { organisation, signing } = await readOrganisationKey(join(this.#folder, `${member}.org.key`))
    const proof = await proveKey(this.ledger, organisationIdOf(organisation.id), signerOf(key))
    const rights = [{ graph: graphId(benchGraph), right: 'write' as const }]
    const client = createClient({ endpoint: this.nodes[0]?.url ?? '', ledger: this.ledger, key: signing.seed })
    await client.submitAct({ type: 'key-add', key: key.publicKey, name: 'bench', proof, rights })
  }
}

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100

/** @throws Error where there is no /proc. */
export async function usageOf(pid: number): Promise<Usage> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const resident = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    rssMiB: Number(resident?.[1] ?? 0) / 1024,
  }
}
