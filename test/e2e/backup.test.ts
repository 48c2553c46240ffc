// A backup through the command line while the nodes work, and the node that comes back from it in the place of the lost one.

import assert from 'node:assert/strict'
import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, quadrilleJson } from '../../demo/processes.ts'
import { describeLong } from '../long.ts'
import { Four, type NodeProcess } from './four.ts'

describeLong('A backup by the command line', function () {
  this.timeout(120_000)
  let four: Four
  let kept: NodeProcess
  const path = (name: string): string => join(four.folder, name)

  before(async () => {
    four = await Four.begin('{ suspectMs: 1000, checkpointInterval: 8, window: 32 }')
    kept = four.nodes[3] as NodeProcess
    kept.signal('SIGTERM')
    await kept.ended
    await appendFile(join(path(kept.name), 'node.yaml'), 'backups: { keptDays: 7 }\n')
    kept.start()
    await four.ready(kept)
  })

  after(() => four?.end())

  it('is taken under load, and brings back a node that lost its home', async () => {
    const load = four.load(2)
    for (let n = 0; n < 4; n++) await four.submit(n % 2 === 0)
    const home = path(kept.name)
    const { height, parts } = await quadrilleJson<{ height: number; parts: number }>(
      'backup',
      path('b'),
      '--home',
      home,
    )
    await quadrilleJson('keys', 'backup', path('bag'), '--home', home)
    await load.stop()
    assert.ok(height > 0 && parts > 8)
    await four.settled()
    kept.signal('SIGKILL')
    await kept.ended
    await rm(home, { recursive: true })
    const restored = await quadrilleJson<{ height: number; repairNeeded: boolean }>(
      ...['restore', path('b'), '--bag', path('bag'), '--home', home],
    )
    assert.equal(restored.height, height)
    // Items that came between the two backups have their keys; none lacks one.
    assert.equal(restored.repairNeeded, false)
    assert.equal((await quadrilleJson<{ holds: boolean }>('store', 'verify', '--home', home)).holds, true)
    kept.start()
    await four.ready(kept)
    await four.submit(true)
    await four.settled()
    const [expected, found] = await eventually('it holds what the others do', async () => {
      const both = await Promise.all([four.nodes[0] as NodeProcess, kept].map((node) => node.dump()))
      return both[0]?.length === both[1]?.length ? both : undefined
    })
    assert.deepEqual(found, expected)
  })
})
