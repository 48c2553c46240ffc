// `quadrille audit watch` over HTTP: what it says, what it keeps, and how it ends.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publicKeyOf } from '#crypto'
import { forkProofSchema, judgeFork } from '../../src/audit/fork.ts'
import { type Log, openLog } from '../../src/audit/log.ts'
import { checkpointText, consortiumOrigin, formatNote, signerName, signNote } from '../../src/audit/note.ts'
import type { LedgerId, NodeId } from '../../src/base/ids.ts'
import type { JsonValue } from '../../src/base/schema.ts'
import { watchAudit } from '../../src/cli/commands/audit-watch.ts'
import { createContext } from '../../src/cli/context.ts'
import { ledgerIdFor, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt, readJson } from '../../src/node/home.ts'
import { loadIdentity } from '../../src/store/identity.ts'
import { unlock } from '../../src/store/unlock.ts'
import { foundConsortium } from './consortium.ts'

interface Signer {
  readonly node: NodeId
  readonly seed: Uint8Array
}

describe('audit watch', function () {
  this.timeout(60_000)
  let folder: string
  let ledger: LedgerId
  let signers: readonly Signer[]
  const logs: Log[] = []
  const servers: Server[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quadrille-watch-'))
    const ids = await foundConsortium(folder)
    const { genesis } = await readJson(join(folder, 'genesis.json'), signedGenesisSchema)
    ledger = ledgerIdFor(genesis)
    signers = await Promise.all(
      ids.map(async (id) => {
        const home = homeAt(join(folder, id))
        const root = await unlock((await readConfig(home)).unlock, home.keys)
        const { checkpoint: seed } = await loadIdentity(home.identity, root)
        const key = Buffer.from(publicKeyOf(seed))
        const node = genesis.nodes.find(({ keys }) => key.equals(keys.checkpoint)) ?? assert.fail(id)
        return { node: node.id, seed }
      }),
    )
  })

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
    await Promise.all(logs.splice(0).map((log) => log.close()))
  })

  after(() => rmSync(folder, { recursive: true }))

  /** The log's routes of a node, over so many leaves, of which those from `forked` on are its own. */
  async function serve(place: number, count: number, forked = count): Promise<string> {
    const log = await openLog(mkdtempSync(join(folder, 'log-')))
    logs.push(log)
    log.append(
      Array.from({ length: count }, (_, at) => ({ type: 'test', number: at, branch: at < forked ? 0 : place })),
    )
    const { node, seed } = signers[place] ?? assert.fail()
    const origin = consortiumOrigin(ledger)
    const server = createServer(({ url = '' }, answer) => {
      const { pathname, searchParams } = new URL(url, 'http://localhost')
      const size = Number(searchParams.get('size') ?? count)
      const text = checkpointText({ origin, size, root: log.rootAt(size) })
      const tile = log.tile(pathname.slice('/log/'.length))
      if (pathname === '/status') answer.end(JSON.stringify({ epoch: 0, final: 1 }))
      else if (pathname === '/log/checkpoint') {
        answer.end(formatNote({ text, signatures: [signNote(text, signerName(origin, node), seed)] }))
      } else if (tile !== undefined) answer.end(tile)
      else answer.writeHead(404).end()
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async function watch(
    urls: readonly string[],
    options: object = {},
  ): Promise<{ code: number; said: readonly JsonValue[] }> {
    const said: JsonValue[] = []
    const home = homeAt(join(folder, 'nobody'))
    const context = createContext(home, true, { out: process.stdout, err: process.stderr })
    const quiet = { ...context, answer: (value: JsonValue): void => void said.push(value) }
    const genesis = join(folder, 'genesis.json')
    const code = await watchAudit(urls, { genesis, once: true, proof: join(folder, 'proof.json'), ...options }, quiet)
    return { code, said }
  }

  it('says of each node what it shows, and ends with 0 when all fit', async () => {
    const { code, said } = await watch([await serve(0, 300), await serve(1, 700), await serve(2, 20)])
    assert.equal(code, 0)
    assert.deepEqual(
      said.map((each) => {
        const { type, size, signers } = each as { type: string; size: number; signers: number }
        return [type, size, signers]
      }),
      [
        ['holds', 300, 1],
        ['holds', 700, 1],
        ['holds', 20, 1],
      ],
    )
  })

  it('N11 FORK_DETECTED: ends with an error and leaves the proof in a file', async () => {
    const [one, other] = [await serve(0, 300), await serve(1, 700, 250)]
    await assert.rejects(watch([one, other]), { code: 'FORK_DETECTED', exitCode: 1 })
    const proof = forkProofSchema.fromJson(JSON.parse(readFileSync(join(folder, 'proof.json'), 'utf8')), '')
    const keys = signers.map(({ node, seed }) => ({
      name: signerName(consortiumOrigin(ledger), node),
      publicKey: publicKeyOf(seed),
    }))
    const verdict = judgeFork(proof, keys) ?? assert.fail()
    assert.deepEqual([verdict.size, verdict.first.length, verdict.second.length], [300, 1, 1])
  })

  it('N11 refuses a kept checkpoint that is none, and cries out when no log continues it', async () => {
    const [url, kept] = [await serve(0, 300), join(folder, 'kept')]
    const note = await (await fetch(`${url}/log/checkpoint?size=200`)).text()
    writeFileSync(kept, note)
    assert.equal((await watch([url], { since: kept })).code, 0)
    writeFileSync(kept, 'a note\n')
    await assert.rejects(watch([url], { since: kept }), {
      code: 'MALFORMED',
      details: { file: kept, expected: 'a signed note' },
    })
    writeFileSync(kept, note)
    await assert.rejects(watch([await serve(1, 700, 150)], { since: kept }), { code: 'FORK_DETECTED', exitCode: 1 })
  })

  it('ends with 5 when a node is away, and names it', async () => {
    const { code, said } = await watch([await serve(0, 5), 'http://127.0.0.1:9'])
    assert.equal(code, 5)
    assert.deepEqual((said[1] as { type: string; code: string }).code, 'NODE_UNREACHABLE')
  })
})
