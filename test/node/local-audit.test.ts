// The local logs of four real nodes: anchored while they run and at their end, exported over HTTP and verified offline.

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { exportBundle } from '../../src/audit/export.ts'
import { folderReader } from '../../src/audit/folder.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { remoteBundle } from '../../src/node/remote-bundle.ts'
import { verifyExport } from '../../src/node/verify.ts'
import { piecesOf } from '../../src/store/purge.ts'
import { scanFiles } from '../../src/store/raw-scan.ts'
import { enrol, type Founded, foundFour, settled } from './consortium.ts'
import { attested, enrolErasers, erase, stated } from './erasing.ts'

describe('The local logs of four nodes', function () {
  this.timeout(60_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let http: HttpServer
  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    nodes = await Promise.all(
      [0, 1, 2, 3].map((number) => founded.open(number, { anchorMs: number === 0 ? 300 : 3_600_000 })),
    )
    await Promise.all(nodes.map((each) => each.start()))
    await enrol(founded, nodes)
    http = await startHttp({ bind: { host: '127.0.0.1', port: 0 }, node: node(0), onError: () => undefined })
  })

  after(async () => {
    await http.close()
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  async function exported(folder: string): Promise<Awaited<ReturnType<typeof verifyExport>>> {
    const genesis = utf8(JSON.stringify(signedGenesisSchema.toJson(founded.genesis)))
    const get = async (path: string): Promise<Uint8Array> => {
      const answer = await fetch(`${http.url}${path}`)
      assert.equal(answer.status, 200, path)
      return new Uint8Array(await answer.arrayBuffer())
    }
    const post = async (path: string, sent: Uint8Array): Promise<Uint8Array> => {
      const headers = { 'content-type': 'application/octet-stream' }
      const answer = await fetch(`${http.url}${path}`, { method: 'POST', headers, body: Buffer.from(sent) })
      return new Uint8Array(await answer.arrayBuffer())
    }
    const at = join(founded.directory, folder)
    await exportBundle(at, await remoteBundle({ get, post, witnesses: [], genesis, reader: undefined, local: true }))
    const verdict = await verifyExport(folderReader(at), { genesis, noteSigners: 1 })
    await rm(at, { recursive: true })
    return verdict
  }

  it('tell starts, peers and requests, and are anchored in the consortium log', async () => {
    await (await fetch(`${http.url}/genesis`)).text()
    await (await fetch(`${http.url}/items/nonsense/payload`)).text()
    await eventually('all anchored', async () => {
      const { leaves, anchored } = node(0).local.anchored()
      const types = [...(node(0).local.leaves(node(0).local.log.head().log, 0, leaves) ?? [])].map(
        (leaf) => JSON.parse(Buffer.from(leaf).toString()).type,
      )
      const all = ['began', 'started', 'peer-connected', 'access', 'refused'].every((type) => types.includes(type))
      return (all && anchored > 4) || undefined
    })
    await settled(nodes)
  })

  it('verify in a bundle as far as they are anchored', async () => {
    // The bundle ends with the last checkpoint that a quorum signed, which may be before the first anchor.
    const { findings, locals } = await eventually('an anchor in the bundle', async () => {
      const verdict = await exported('bundle')
      return (verdict.locals[0]?.anchors ?? 0) > 0 ? verdict : undefined
    })
    assert.deepEqual(findings, [])
    assert.equal(locals.length, 1)
    const [local] = locals
    assert.ok(local !== undefined && local.anchored > 0 && local.anchored <= local.size, JSON.stringify(local))
  })

  it('E1 E5 lose the details that name an erased person, as the preview says what left the node before', async () => {
    const erasers = await enrolErasers(founded, nodes)
    const person = 'https://example.org/thing/70'
    const gone = await stated(founded, node(0), 70)
    await settled(nodes)
    const ask = async (body: string): Promise<void> => {
      const headers = { 'content-type': 'application/sparql-query' }
      await (await fetch(`${http.url}/sparql`, { method: 'POST', headers, body })).text()
    }
    await ask(`SELECT * { <${person}> ?p ?o }`)
    await (await fetch(`${http.url}/items/${gone.item}/payload`)).text()
    const selection = JSON.stringify({ type: 'person', person })
    await (await fetch(`${http.url}/persons/export`, { method: 'POST', body: selection })).text()
    await (await fetch(`${http.url}/persons/export`, { method: 'POST', body: selection.replace('70', '71') })).text()
    const { handedOut } = await node(0).overview({ type: 'person', person })
    assert.deepEqual(
      handedOut.listed.map(({ kind }) => kind),
      ['person'],
    )
    assert.deepEqual([handedOut.node, handedOut.unasked], ['node-0', ['node-1', 'node-2', 'node-3']])
    const { local } = node(0)
    const names = { ids: new Set([person, gone.item]), values: new Set<string>() }
    const before = await local.naming(names)
    assert.ok(before.length >= 3, `${before.length} details`)
    const pieces = before.flatMap(({ sealed }) => piecesOf(sealed))
    const raw = async (): Promise<number> => (await scanFiles([founded.home(0)], pieces)).hits
    assert.equal(await raw(), pieces.length)
    const { tx } = await erase(founded, node(1), erasers, [gone.place])
    await attested(nodes, tx)
    assert.deepEqual([await local.naming(names), await raw()], [[], 0])
    const report = await node(2).erasure(tx)
    const own = report?.obligations.find(({ name }) => name === 'node-0')?.attestations[0]
    assert.ok((own?.counts.probes ?? 0) >= pieces.length)
    await local.log.flush()
    const told = [...(local.leaves(local.log.head().log, 0, local.log.head().size) ?? [])].map((leaf) =>
      JSON.parse(Buffer.from(leaf).toString()),
    )
    const erased = told.find(({ type }) => type === 'details-erased')
    assert.deepEqual([erased?.order, erased?.details], [tx, before.length])
    assert.ok(!JSON.stringify(told).includes(person))
  })

  it('are anchored once more when a node ends in order, and begin with when it ran last', async () => {
    const before = Date.now()
    const { log, size } = node(1).local.log.head()
    await node(1).stop()
    nodes[1] = await founded.open(1, { anchorMs: 3_600_000 })
    await node(1).start()
    const { local } = node(1)
    await eventually('caught up', async () => ((await node(1).status()).serves ? true : undefined))
    await local.log.flush()
    const { anchored } = local.anchored()
    assert.equal(local.log.head().log, log)
    assert.ok(anchored > size - 1, `${anchored} of ${size}`)
    const leaves = [...(local.leaves(log, 0, local.log.head().size) ?? [])].map((leaf) =>
      JSON.parse(Buffer.from(leaf).toString()),
    )
    const started = leaves.findLast(({ type }) => type === 'started') ?? {}
    assert.equal(started.orderly, true)
    assert.ok(started.seen >= before && started.downMs < 60_000 && /^[0-9a-f]{64}$/.test(started.software))
    assert.equal(leaves[anchored - 1]?.type, 'stopped')
  })
})
