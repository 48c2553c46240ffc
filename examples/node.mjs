// A node of a ledger within an application: node examples/node.mjs HOME GENESIS KEYFILE
// HOME is what `quadrille node init` made, KEYFILE what its --unlock names.

import { setTimeout as sleep } from 'node:timers/promises'
import { createNode } from 'quadrille'

const [home, genesis, keyFile] = process.argv.slice(2)

/** pino fits, and so does anything with its methods. */
const logger = Object.fromEntries(
  ['debug', 'info', 'warn', 'error', 'fatal'].map((level) => [
    level,
    (facts, message) => level !== 'debug' && console.error(level, message, JSON.stringify(facts)),
  ]),
)

const node = await createNode({ home, genesis, unlock: { keyFile }, http: false, logger })
await node.start()

while (!(await node.status()).quorumConnected) await sleep(100)
await node.confirmed(AbortSignal.timeout(20_000))

let quads = 0
for await (const _ of node.source().match()) quads += 1
console.log(`height ${node.height}: ${quads} quads, read in this process`)

await node.stop()
