// That the benchmarks of a running ledger still run, and end with the object that they promise: only in verify:long:field.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describeLong } from '../long.ts'

const main = resolve(import.meta.dirname, '../../bench/main.ts')

/** The object that `npm run bench -- ARGS --json` ends with. */
function bench(...args: readonly string[]): Readonly<Record<string, unknown>> {
  const flags = ['--expose-gc', '--conditions=source', '--import', 'tsx']
  const output = execFileSync(process.execPath, [...flags, main, ...args, '--json'], { encoding: 'utf8' })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Readonly<Record<string, unknown>>
}

describeLong('the benchmarks of a running ledger', function () {
  this.timeout(300_000)

  it('measure what it commits', () => {
    const { rows } = bench('commit', '--quads', '1', '--seconds', '1', '--clients', '16')
    const [row] = rows as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual([row?.['consensus'], row?.['nodes'], row?.['quads']], ['pbft', 4, 1])
    for (const name of ['txPerSecond', 'p50Ms', 'halfLoadP50Ms', 'cpuSecondsPerNode', 'rssMiB']) {
      assert.ok(Number(row?.[name]) > 0, name)
    }
  })

  it('measure how long it is without a leader', () => {
    const { kills, p50Ms, maxMs } = bench('failover', '--kills', '1')
    assert.equal(kills, 1)
    assert.ok(Number(p50Ms) > 0 && Number(maxMs) >= Number(p50Ms))
  })
})
