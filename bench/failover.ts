// How long a ledger is without a leader, as clients see it: real processes, the leader killed with -9 under load again and
// again, from its death to the next acknowledged write. Nothing that was acknowledged may be lost, which is checked.

import { failovers } from '../test/e2e/failover.ts'
import { Four } from '../test/e2e/four.ts'
import type { Bench, BenchValue } from './bench.ts'
import { percentile } from './running/load.ts'

export const bench: Bench = {
  about: 'the leader of a loaded ledger killed with -9: ms to the next acknowledged write',
  options: [
    '--consensus LIST   pbft,raft (pbft)',
    '--kills N          of each (20)',
    '--suspect-ms N     for how long a silent leader is borne: a parameter of the ledger (1000, with raft 800)',
  ],
  async run(options, say) {
    const kills = Number(options.get('kills') ?? 20)
    const rows: { [name: string]: BenchValue }[] = []
    for (const consensus of (options.get('consensus') ?? 'pbft').split(',')) {
      if (consensus !== 'pbft' && consensus !== 'raft') throw new RangeError('--consensus is pbft, raft or both')
      const suspectMs = Number(options.get('suspect-ms') ?? (consensus === 'pbft' ? 1_000 : 800))
      const ledger = await Four.begin(`{ suspectMs: ${suspectMs} }`, consensus)
      try {
        const all = await failovers(ledger, kills)
        const row = {
          consensus,
          nodes: ledger.nodes.length,
          suspectMs,
          kills,
          p50Ms: percentile(all, 0.5),
          maxMs: Math.max(...all),
        }
        rows.push({ ...row, acknowledged: ledger.acknowledged.length, lost: 0, all })
        say(
          `${consensus}, ${row.nodes} nodes, suspectMs ${suspectMs}, ${kills} kills: p50 ${row.p50Ms} ms, max ${row.maxMs} ms, ` +
            `${ledger.acknowledged.length} acknowledged writes and none lost`,
        )
      } finally {
        await ledger.end()
      }
    }
    const [first] = rows
    return { kills, p50Ms: first?.['p50Ms'] ?? 0, maxMs: first?.['maxMs'] ?? 0, rows }
  },
}
