// A ledger of seven of which two are faulty builds of different kinds, as many as it bears: what the others still commit, beside
// the same ledger while all are honest. Real processes.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../demo/processes.ts'
import { built, builtHook } from '../test/e2e/hooks.ts'
import type { Bench, BenchValue } from './bench.ts'
import { drive, percentile } from './running/load.ts'
import { Network } from './running/network.ts'
import { Transactions } from './running/transactions.ts'

const nodes = 7

export const bench: Bench = {
  about: 'seven nodes of which two are faulty builds: transactions a second and latencies, beside seven honest ones',
  options: [
    '--lies LIST    what the two do (equivocates,stalls)',
    '--seconds N    of load, honest and with liars (20)',
    '--clients N    over the honest nodes (50)',
  ],
  async run(options, say) {
    const lies = (options.get('lies') ?? 'equivocates,stalls').split(',')
    const seconds = Number(options.get('seconds') ?? 20)
    const clients = Number(options.get('clients') ?? 50)
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-bench-liars-'))
    const network = await Network.begin({ consensus: 'pbft', nodes })
    try {
      const transactions = new Transactions(network)
      const rows: { [name: string]: BenchValue }[] = []
      const measure = async (faulty: readonly string[]): Promise<void> => {
        const honest = [...network.nodes.keys()].slice(0, nodes - lies.length)
        const targets = []
        for (const place of honest) {
          const { requests } = await transactions.prepare(place, 400 * seconds, 1)
          const { url } = network.nodes[place] ?? { url: '' }
          targets.push({ url, connections: Math.ceil(clients / honest.length), requests })
        }
        const { count, seconds: took, latencies, used } = await drive(targets, { seconds })
        for (const [place, sent] of used.entries()) transactions.sent(place, sent)
        const row = {
          faulty: faulty.join(' and ') || 'none',
          txPerSecond: Math.round(count / took),
          p50Ms: percentile(latencies, 0.5),
          p99Ms: percentile(latencies, 0.99),
          maxMs: Math.max(...latencies.map(Math.round)),
        }
        rows.push(row)
        say(
          `faulty: ${row.faulty}: ${row.txPerSecond} tx/s, p50 ${row.p50Ms} ms, p99 ${row.p99Ms} ms, at most ${row.maxMs} ms`,
        )
      }
      await measure([])
      const path = await builtHook(folder, '../pbft/liar-hook')
      for (const [place, lie] of lies.entries()) {
        const liar = network.nodes[nodes - 1 - place]
        if (liar === undefined) throw new RangeError(`${lies.length} liars of ${nodes}`)
        liar.signal('SIGTERM')
        await liar.ended
        liar.start({ path, environment: { QUADRILLE_LIE: lie, QUADRILLE_BUILT: built } })
        await eventually(`${liar.name} runs again`, async () => (await liar.state()).height > 0)
      }
      await measure(lies)
      return { nodes, seconds, clients, rows }
    } finally {
      await network.end()
      await rm(folder, { recursive: true, force: true })
    }
  },
}
