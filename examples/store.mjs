// An encrypted RDF/JS store on its own: node examples/store.mjs FOLDER

import { join } from 'node:path'
import { DataFactory } from 'n3'
import { openStore } from 'quadrille/store'

const { namedNode, literal, quad } = DataFactory
const [folder = 'quads'] = process.argv.slice(2)

// The key file is made if there is none. In earnest it lies on another disk than what it opens.
const unlock = { provider: 'key-file', path: join(folder, '..', 'store.key') }
const store = await openStore(folder, { unlock })

await store.add([quad(namedNode('urn:x:alice'), namedNode('urn:x:knows'), literal('Bob'))])
await store.add([quad(namedNode('urn:x:alice'), namedNode('urn:x:knows'), literal('Carol'))])

for await (const { object } of store.match(namedNode('urn:x:alice'))) console.log('Alice knows', object.value)
console.log(
  'quads now:',
  await store.countQuads(),
  'and one change ago:',
  await store.at(store.height - 1).countQuads(),
)

await store.close()
