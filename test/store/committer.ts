// A process that commits blocks, and rotates keys if it is told to, until it is killed, for the tests that kill it. Each height is said once it is durable.

import { join } from 'node:path'
import { utf8 } from '../../src/base/bytes.ts'
import { openKeyRing } from '../../src/store/key-ring.ts'
import { openStore } from '../../src/store/store.ts'
import { unlock } from '../../src/store/unlock.ts'
import { block, item, requestNamed, row, text } from './world.ts'

const directory = process.argv[2] as string
const root = await unlock({ provider: 'key-file', path: join(directory, 'unlock.key') }, join(directory, 'keys'))
const keyRing = await openKeyRing(join(directory, 'keys'), root)
const store = await openStore(join(directory, 'store'), { keyRing })
// A second argument: keys turn all the time.
if (process.argv[3] === 'rotate')
  void (async () => {
    for (;;) await store.rotate()
  })()
for (let height = store.sequence + 1; ; height++) {
  await store.stage(requestNamed(`${height}`), utf8(`payload ${height}`))
  const rows = Array.from({ length: 20 }, (_, n) => row(`urn:s:${height}`, `urn:p:${n % 5}`, text(`${n}`)))
  await store.commit(
    block(height, {
      items: [item(`${height}`, rows, { class: height % 2 === 0 ? 'personal' : 'open' })],
      records: [{ key: utf8('height'), value: utf8(`${height}`) }],
      unstage: [requestNamed(`${height}`)],
    }),
  )
  process.stdout.write(`${height}\n`)
}
