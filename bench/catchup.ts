// How long a node that was away takes to come back: real processes, one of four stopped while the others write, then started again.
// It fetches certified blocks with their payloads, checks and executes each. Its processor time is the honest figure on a busy machine.

import { eventually } from '../demo/processes.ts'
import type { Bench } from './bench.ts'
import { drive, type Target } from './running/load.ts'
import { Network, usageOf } from './running/network.ts'
import { Transactions } from './running/transactions.ts'

/** One node has so long to come back. */
const patienceMs = 1_800_000
/** Made and sent at a time, so that memory stays flat. */
const portion = 6_000

export const bench: Bench = {
  about: 'a node that was away comes back: seconds and processor time to fetch and execute what it missed',
  options: ['--transactions N   that it missed (50000)', '--quads N          of each (1)', '--clients N        (300)'],
  async run(options, say) {
    const wanted = Number(options.get('transactions') ?? 50_000)
    const quads = Number(options.get('quads') ?? 1)
    const clients = Number(options.get('clients') ?? 300)
    const network = await Network.begin({ consensus: 'pbft', nodes: 4 })
    try {
      const [away, ...others] = [...network.nodes].reverse()
      if (away === undefined) throw new Error('a ledger without nodes')
      away.signal('SIGTERM')
      await away.ended
      const transactions = new Transactions(network)
      const began = performance.now()
      let written = 0
      let height = 0
      while (written < wanted) {
        const share = Math.ceil(Math.min(portion, wanted - written) / others.length)
        const targets: Target[] = []
        for (const place of others.keys()) {
          const { requests } = await transactions.prepare(place, share, quads)
          targets.push({
            url: network.nodes[place]?.url ?? '',
            connections: Math.ceil(clients / others.length),
            requests,
          })
        }
        const sent = await drive(targets, { seconds: 3_600 })
        for (const [place, count] of sent.used.entries()) transactions.sent(place, count)
        written += sent.count
        height = Math.max(height, sent.height)
        say(`${written} transactions in ${height} blocks`)
      }
      const writtenSeconds = (performance.now() - began) / 1_000
      const live = await usageOf(others[0]?.pid ?? 0)
      const started = performance.now()
      away.start()
      await eventually(
        'it has all of it',
        async () => ((await away.state()).height >= height ? true : undefined),
        patienceMs,
      )
      const seconds = (performance.now() - started) / 1_000
      const { cpuSeconds, rssMiB } = await usageOf(away.pid ?? 0)
      const row = {
        transactions: written,
        quads: written * quads,
        blocks: height,
        writtenSeconds: Math.round(writtenSeconds),
        liveCpuSeconds: Math.round(live.cpuSeconds),
        seconds: Math.round(10 * seconds) / 10,
        cpuSeconds: Math.round(10 * cpuSeconds) / 10,
        cpuMicrosPerTx: Math.round((1e6 * cpuSeconds) / written),
        rssMiB: Math.round(rssMiB),
      }
      say(
        `${row.transactions} transactions in ${row.blocks} blocks: back after ${row.seconds} s, ${row.cpuSeconds} s of processor time ` +
          `(${row.cpuMicrosPerTx} us each), ${row.rssMiB} MiB; a node that took part used ${row.liveCpuSeconds} s`,
      )
      return row
    } finally {
      await network.end()
    }
  },
}
