// Real files through the command line to four real nodes, and out again. And submissions whose process, or whose node, is killed: they go on and say nothing twice.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type Consortium,
  enrolApplication,
  found,
  type Member,
  startMember,
  stateOf,
  stopAll,
} from '../../demo/consortium.ts'
import { eventually, quadrille } from '../../demo/processes.ts'
import { decodeCbor } from '../../src/base/cbor.ts'
import { decode } from '../../src/base/schema.ts'
import { blockRecordSchema } from '../../src/consensus/block.ts'
import { decodeTransaction } from '../../src/ledger/static.ts'
import { describeLong } from '../long.ts'
import { assertIsomorphic, type Dataset, datasets, quadsOf } from './datasets.ts'

const program = resolve(import.meta.dirname, '../../bin/quadrille.js')
const killed = 'urn:g:killed'

interface Submitted {
  readonly transactions: number
  readonly quads: number
}

describeLong('files through the command line', function () {
  this.timeout(3_600_000)
  let directory: string
  let consortium: Consortium
  let data: readonly Dataset[]

  const first = (): Member => consortium.members[0] ?? assert.fail()

  const ready = (member: Member): Promise<unknown> =>
    eventually(
      `${member.name} is connected to a quorum`,
      async () => {
        if (member.process?.alive === false) throw new Error(member.process.output)
        return (await stateOf(member)).quorumConnected ? true : undefined
      },
      120_000,
    )

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quadrille-submit-'))
    data = await datasets()
    const iris = [killed, ...data.map(({ graph }) => graph)]
    const graphs = iris.map((iri) => ({ iri, policy: 'open' as const }))
    consortium = await found({ consensus: 'pbft', directory, graphs })
    for (const member of consortium.members) {
      // To count hundreds of thousands of quads beside three other nodes takes this machine longer than a query may by default.
      await appendFile(join(member.home, 'node.yaml'), 'limits: { queryTimeoutS: 300 }\n')
      startMember(consortium, member)
    }
    await Promise.all(consortium.members.map(ready))
    await enrolApplication(consortium, iris)
  })

  afterEach(function () {
    if (this.currentTest?.state !== 'failed') return
    for (const { name, process: node } of consortium?.members ?? []) {
      if (node?.alive === false) process.stderr.write(`${name} ended: ${node.output.slice(-4_000)}\n`)
    }
  })

  after(async () => {
    if (consortium !== undefined) await stopAll(consortium, 'SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  const submission = (...args: readonly string[]): readonly string[] => [
    'submit',
    ...args,
    ...['--as', consortium.applicationKey, '--home', first().home, '--json'],
  ]

  /** All nodes at one final height. */
  const settled = (): Promise<unknown> =>
    eventually(
      'one final height at all',
      async () => {
        const all = await Promise.all(consortium.members.map(stateOf))
        return all.every(({ head, height, final }) => head === all[0]?.head && height === final) ? all : undefined
      },
      600_000,
    )

  /** A node's dump of a graph, by the command line, in a file. */
  async function dumped(member: Member, graph: string): Promise<{ readonly path: string; readonly digest: string }> {
    const path = join(directory, `${member.id}.nq`)
    const file = await open(path, 'w')
    const child = spawn(process.execPath, [program, 'dump', '--graph', graph, '--home', member.home], {
      stdio: ['ignore', file.fd, 'inherit'],
    })
    assert.equal(await new Promise((done) => child.once('close', done)), 0)
    await file.close()
    const lines: string[] = []
    for await (const line of (await open(path)).readLines()) lines.push(line)
    const digest = createHash('sha256').update(lines.sort().join('\n')).digest('hex')
    return { path, digest }
  }

  async function assertComesOut(graph: string, files: readonly string[]): Promise<number> {
    await settled()
    const dumps = []
    for (const member of consortium.members) dumps.push(await dumped(member, graph))
    assert.deepEqual(new Set(dumps.map(({ digest }) => digest)).size, 1, 'all nodes dump the same')
    const question = `SELECT (COUNT(*) AS ?n) { GRAPH <${graph}> { ?s ?p ?o } }`
    const answers: string[] = []
    for (const { home } of consortium.members) {
      answers.push(await quadrille('query', question, '--format', 'csv', '--home', home))
    }
    assert.equal(new Set(answers).size, 1, 'all nodes answer the same')
    const input = await quadsOf({ graph, files })
    await assertIsomorphic(createReadStream(dumps[0]?.path ?? ''), input)
    return Number(answers[0]?.split(/\r?\n/)[1])
  }

  for (const name of ['gleif', 'epcis', 'schemaorg', 'bsbm']) {
    it(`${name} goes in, is answered alike by all nodes, and comes out isomorphic`, async function () {
      const found = data.find((each) => each.name === name)
      if (found === undefined) {
        process.stdout.write(`      ${name} is not here: it was not loaded.\n`)
        return this.skip()
      }
      const began = Date.now()
      const said = JSON.parse(await quadrille(...submission(...found.files, '--graph', found.graph))) as Submitted
      const seconds = (Date.now() - began) / 1000
      const quads = await assertComesOut(found.graph, found.files)
      assert.ok(quads > 0 && quads <= said.quads)
      const rate = Math.round(said.quads / seconds)
      process.stdout.write(
        `      ${name}: ${said.quads} quads, ${said.transactions} transactions, ${seconds} s, ${rate} quads/s\n`,
      )
    })
  }

  /** Transactions of quads that were ordered, each counted once. */
  async function dataTransactions(): Promise<number> {
    const { height } = await stateOf(first())
    const ids = new Set<string>()
    for (let from = 1; from <= height; ) {
      const answer = await fetch(`${first().url}/blocks?from=${from}`)
      const blocks = decodeCbor(new Uint8Array(await answer.arrayBuffer())) as readonly Uint8Array[]
      assert.ok(blocks.length > 0)
      for (const block of blocks) {
        for (const bytes of decode(blockRecordSchema, block).transactions) {
          const { act, key, sequence } = decodeTransaction(bytes)
          if (act.type === 'data') ids.add(`${Buffer.from(key).toString('hex')} ${sequence}`)
        }
      }
      from += blocks.length
    }
    return ids.size
  }

  it('go on after their process and their node were killed, and say nothing twice', async () => {
    const lines = Array.from({ length: 6_000 }, (_, i) => {
      return `<urn:x:${i}> <urn:x:has> _:n${i % 300} . _:n${i % 300} <urn:x:says> "${i}" .`
    })
    const path = join(directory, 'killed.ttl')
    await writeFile(path, lines.filter((_, i) => i < 300 || i % 2 === 0).join('\n'))
    await settled()
    const before = await dataTransactions()
    let runs = 0
    const run = (): ChildProcess =>
      spawn(process.execPath, [program, ...submission(path, '--graph', killed, '--batch', '20')], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    let transactions = 0
    while (transactions === 0) {
      assert.ok(++runs < 60, 'it gets on')
      const child = run()
      let [out, err] = ['', '']
      child.stdout?.on('data', (text) => {
        out += text
      })
      child.stderr?.on('data', (text) => {
        err += text
      })
      const closed = new Promise<number | null>((done) => child.once('close', done))
      if (runs === 2) {
        await first().process?.end('SIGKILL')
        startMember(consortium, first())
      }
      // Killed once something of it has become final, at ever another moment.
      const reached = (await stateOf(first()).catch(() => ({ height: 0 }))).height
      const watch = (async () => {
        while (runs < 20 && child.exitCode === null) {
          const { height } = await stateOf(first()).catch(() => ({ height: reached }))
          if (height > reached) {
            await new Promise((done) => setTimeout(done, Math.random() * 60))
            child.kill('SIGKILL')
            break
          }
          await new Promise((done) => setTimeout(done, 5))
        }
      })()
      const code = await closed
      await watch
      if (code === null) continue
      assert.equal(code, 0, err)
      transactions = (JSON.parse(out) as Submitted).transactions
    }
    assert.ok(runs > 1, 'it was killed')
    await settled()
    assert.equal((await dataTransactions()) - before, transactions)
    await assertComesOut(killed, [path])
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.includes('.submit-')),
      [],
    )
  })
})
