// An application writes to a ledger and asks it: node examples/client.mjs ENDPOINT LEDGER KEYFILE GRAPH
// LEDGER is what `quadrille status` shows, KEYFILE the private key that `quadrille client new` made. In a browser the same code runs.

import { readFile } from 'node:fs/promises'
import { DataFactory } from 'n3'
import { createClient } from 'quadrille/client'

const { namedNode, literal, quad } = DataFactory
const [endpoint, ledger, keyFile, graph] = process.argv.slice(2)

const { seed } = JSON.parse(await readFile(keyFile, 'utf8'))
const client = createClient({ endpoint, ledger, key: Uint8Array.from(Buffer.from(seed, 'hex')) })

const subject = namedNode(`urn:x:parcel:${Date.now()}`)
const { tx, height } = await client.submit([quad(subject, namedNode('urn:x:status'), literal('packed'))], { graph })
console.log(`final at height ${height}: ${tx}`)

await client.update(
  `DELETE { GRAPH <${graph}> { ?s ?p "packed" } } INSERT { GRAPH <${graph}> { ?s ?p "sent" } }
   WHERE { GRAPH <${graph}> { ?s ?p "packed" . FILTER(?s = <${subject.value}>) } }`,
)
const answer = await client.query(`SELECT ?status { <${subject.value}> ?p ?status }`, { format: 'csv' })
console.log((await answer.text()).trim().replace(/\s+/g, ' '))
