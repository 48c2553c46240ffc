// What a running ledger commits: real processes on this machine over loopback, every fsync and every signature on. First as
// much as it takes, then half of that with latencies as an application sees them.

import { mkdir } from 'node:fs/promises'
import type { Bench, BenchValue } from './bench.ts'
import { type EtcdRow, measureEtcd } from './running/etcd.ts'
import { drive, type Measured, percentile, type Target } from './running/load.ts'
import { type Consensus, Network, type Usage } from './running/network.ts'
import { type Prepared, Transactions } from './running/transactions.ts'

interface Plan {
  readonly consensus: Consensus
  readonly nodes: number
  readonly quads: readonly number[]
  readonly seconds: number
  readonly clients: number
  readonly profiles: string | undefined
}

export type Row = {
  readonly consensus: string
  readonly nodes: number
  readonly quads: number
  readonly txPerSecond: number
  readonly quadsPerSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly halfLoadP50Ms: number
  readonly halfLoadP99Ms: number
  readonly cpuSecondsPerNode: number
  readonly cpuMicrosPerTxAndNode: number
  readonly rssMiB: number
  readonly transactionBytes: number
  readonly payloadBytes: number
  readonly generatorCpuSeconds: number
}

/** Before anything counts, so that the code is compiled and the files exist; never longer than what counts. */
const warmUpSeconds = 3
/** More than any ledger of this kind takes on this machine: what is made ahead for each second, by quads. */
const perSecondMost = (quads: number): number => Math.ceil(9_000 / (1 + quads / 8))

export const bench: Bench = {
  about: 'a running ledger: transactions and quads a second, latencies, processor time and memory, etcd beside it',
  options: [
    '--consensus LIST   pbft,raft (pbft)',
    '--nodes N          of PBFT (4); Raft has one less',
    '--quads LIST       of a transaction (1,10,100)',
    '--seconds N        at saturation, half of it at half load (20)',
    '--clients N        that wait for one transaction each, spread over all nodes (400)',
    '--profile DIR      leaves a V8 profile of each node there',
  ],
  async run(options, say) {
    const plans = plansOf(options)
    say(
      'every node its own process, loopback, journal, blocks, log and store fsynced, every transaction and vote signed and verified',
    )
    say(`${plans[0]?.clients} clients on keep-alive connections over all nodes, transactions signed beforehand`)
    say(lineOf(titles))
    const rows: Row[] = []
    for (const plan of plans) rows.push(...(await measureLedger(plan, say)))
    const { seconds, clients } = plans[0] ?? { seconds: 20, clients: 400 }
    const etcd = plans.some(({ consensus }) => consensus === 'raft')
      ? await measureEtcd({ seconds, clients, members: 3 })
      : undefined
    say(etcd === undefined ? noEtcd : etcdLine(etcd))
    const batches = 'up to 512 transactions or 1 MiB, as the genesis has it by default'
    return {
      payload: 'EPCIS-like events of class open',
      batches,
      fsync: 'on',
      signatures: 'on',
      rows,
      etcd: etcd ?? noEtcd,
    }
  },
}

function plansOf(options: ReadonlyMap<string, string>): readonly Plan[] {
  const nodes = Number(options.get('nodes') ?? 4)
  return (options.get('consensus') ?? 'pbft').split(',').map((consensus) => {
    if (consensus !== 'pbft' && consensus !== 'raft') throw new RangeError('--consensus is pbft, raft or both')
    return {
      consensus,
      nodes: consensus === 'raft' ? nodes - 1 : nodes,
      quads: (options.get('quads') ?? '1,10,100').split(',').map(Number),
      seconds: Number(options.get('seconds') ?? 20),
      clients: Number(options.get('clients') ?? 400),
      profiles: options.get('profile'),
    }
  })
}

/** A fresh ledger for each number of quads, so that none runs on what another left. */
async function measureLedger(plan: Plan, say: (line: string) => void): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const quads of plan.quads) {
    const { consensus, nodes } = plan
    const profiles = plan.profiles && `${plan.profiles}/${consensus}-${quads}`
    if (profiles !== undefined) await mkdir(profiles, { recursive: true })
    const network = await Network.begin({ consensus, nodes, ...(profiles === undefined ? {} : { profiles }) })
    try {
      rows.push(await measure(network, plan, quads))
    } finally {
      await network.end()
    }
    say(lineOf(rows.at(-1) as Row))
  }
  return rows
}

async function measure(network: Network, plan: Plan, quads: number): Promise<Row> {
  const { consensus, nodes, seconds, clients } = plan
  const run = new Run(network, clients, quads)
  await run.warmUp(Math.min(warmUpSeconds, seconds))
  await run.prepare(seconds * perSecondMost(quads))
  const before = await network.usage()
  const own = process.cpuUsage()
  const began = performance.now()
  const full = await run.drive(seconds)
  await network.finalEverywhere(full.height)
  const took = (performance.now() - began) / 1_000
  const generator = process.cpuUsage(own)
  const after = await network.usage()
  const txPerSecond = full.count / took
  await run.prepare((seconds / 2) * txPerSecond)
  const half = await run.drive(seconds / 2, txPerSecond / 2)
  const cpuSeconds = mean(after, ({ cpuSeconds }) => cpuSeconds) - mean(before, ({ cpuSeconds }) => cpuSeconds)
  return {
    consensus,
    nodes,
    quads,
    txPerSecond: Math.round(txPerSecond),
    quadsPerSecond: Math.round(txPerSecond * quads),
    p50Ms: percentile(full.latencies, 0.5),
    p95Ms: percentile(full.latencies, 0.95),
    p99Ms: percentile(full.latencies, 0.99),
    halfLoadP50Ms: percentile(half.latencies, 0.5),
    halfLoadP99Ms: percentile(half.latencies, 0.99),
    cpuSecondsPerNode: Math.round(100 * cpuSeconds) / 100,
    cpuMicrosPerTxAndNode: Math.round((1e6 * cpuSeconds) / full.count),
    rssMiB: Math.round(mean(after, ({ rssMiB }) => rssMiB)),
    transactionBytes: run.sizes.transactionBytes,
    payloadBytes: run.sizes.payloadBytes,
    generatorCpuSeconds: Math.round((generator.user + generator.system) / 1e4) / 100,
  }
}

/** The clients of one ledger and what they still have to send. */
class Run {
  readonly #network: Network
  readonly #transactions: Transactions
  readonly #clients: number
  readonly #quads: number
  #prepared: readonly Prepared[] = []

  constructor(network: Network, clients: number, quads: number) {
    this.#network = network
    this.#transactions = new Transactions(network)
    this.#clients = clients
    this.#quads = quads
  }

  get sizes(): Omit<Prepared, 'requests'> {
    return this.#prepared[0] ?? { transactionBytes: 0, payloadBytes: 0 }
  }

  async warmUp(seconds: number): Promise<void> {
    await this.prepare(seconds * perSecondMost(this.#quads))
    const { height } = await this.drive(seconds)
    await this.#network.finalEverywhere(height)
  }

  /** Makes `count` transactions, spread over the nodes. */
  async prepare(count: number): Promise<void> {
    const share = Math.ceil(count / this.#network.nodes.length)
    const prepared: Prepared[] = []
    for (const place of this.#network.nodes.keys()) {
      prepared.push(await this.#transactions.prepare(place, share, this.#quads))
    }
    this.#prepared = prepared
  }

  async drive(seconds: number, perSecond?: number): Promise<Measured> {
    const { nodes } = this.#network
    const connections = Math.ceil(this.#clients / nodes.length)
    const targets = nodes.map(
      ({ url }, place): Target => ({ url, connections, requests: this.#prepared[place]?.requests ?? [] }),
    )
    const measured = await drive(targets, { seconds, ...(perSecond === undefined ? {} : { perSecond }) })
    for (const [place, count] of measured.used.entries()) this.#transactions.sent(place, count)
    return measured
  }
}

function mean(usages: readonly Usage[], of: (usage: Usage) => number): number {
  return usages.reduce((sum, usage) => sum + of(usage), 0) / usages.length
}

const titles = {
  consensus: 'consensus',
  nodes: 'nodes',
  quads: 'quads',
  txPerSecond: 'tx/s',
  quadsPerSecond: 'quads/s',
  p50Ms: 'p50 ms',
  p95Ms: 'p95 ms',
  p99Ms: 'p99 ms',
  halfLoadP50Ms: 'half p50',
  halfLoadP99Ms: 'half p99',
  cpuSecondsPerNode: 'cpu s/node',
  cpuMicrosPerTxAndNode: 'us/tx/node',
  rssMiB: 'rss MiB',
  transactionBytes: 'tx B',
  payloadBytes: 'payload B',
  generatorCpuSeconds: 'load cpu s',
} as const

const noEtcd = 'etcd is measured beside raft, where etcd-server is installed'

function etcdLine(row: EtcdRow): string {
  return (
    `etcd ${row.version}, ${row.members} members, gRPC, ${row.valueBytes}-byte values, fsync on: ${row.writesPerSecond} writes/s, ` +
    `p50 ${row.p50Ms} p95 ${row.p95Ms} p99 ${row.p99Ms} ms; at half load p50 ${row.halfLoadP50Ms} p99 ${row.halfLoadP99Ms} ms; ` +
    `${row.cpuSecondsPerMember} s of processor time and ${row.rssMiB} MiB a member, ${row.generatorCpuSeconds} s the load generator`
  )
}

/** One line of the table for people, `titles` the first. */
function lineOf(row: Readonly<Record<keyof typeof titles, BenchValue>>): string {
  return Object.keys(titles)
    .map((name) => String(row[name as keyof typeof titles]).padStart(11))
    .join('')
}
