// The world of the property of personal data: four nodes in this process that log all that they can, and the command line.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { graphId } from '../../src/base/hash.ts'
import { organisationIdOf } from '../../src/base/ids.ts'
import type { SigningKey } from '../../src/base/signature.ts'
import { run } from '../../src/cli/main.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { proveKey, signerOf } from '../../src/ledger/build.ts'
import { ledgerIdFor, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { EventLog } from '../../src/node/event-log.ts'
import { createApplicationKey } from '../../src/node/key-files.ts'
import { nodeName, StreamLog } from '../../src/node/log.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { type Founded, openGraph, personalGraph } from '../node/consortium.ts'
import { act } from '../node/erasing.ts'

/** Four nodes that log all that they can, the first of them with HTTP. */
export class World {
  readonly founded: Founded
  readonly nodes: QuadrilleNode[] = []
  http!: HttpServer
  /** All that the nodes logged. */
  said = ''
  #warm: Promise<unknown> | undefined
  #failure: unknown
  #stopped: Promise<void> | undefined

  constructor(founded: Founded) {
    this.founded = founded
  }

  async start(): Promise<void> {
    const out = { write: (line: string): unknown => (this.said += line) }
    const log = new StreamLog({ level: 'trace', format: 'json' }, nodeName({ id: 0, name: 'node' }), out)
    const told = new EventLog(log, (id) => id)
    for (const number of [0, 1, 2, 3]) {
      const node = await this.founded.open(number, { anchorMs: 300, onEvent: (event) => told.write(event) })
      this.nodes.push(node)
    }
    await Promise.all(this.nodes.map((node) => node.start()))
    const onError = (error: unknown): void => log.failure('error', 'an answer failed', error)
    this.http = await startHttp({ bind: { host: '127.0.0.1', port: 0 }, node: this.first, onError })
    await writeFile(this.path('genesis.json'), JSON.stringify(signedGenesisSchema.toJson(this.founded.genesis)))
    await this.#enrol()
    // The engine is loaded meanwhile.
    this.#warm = this.text('/sparql?query=ASK%7B%7D').catch((error: unknown) => {
      this.#failure = error
    })
  }

  get first(): QuadrilleNode {
    return this.nodes[0] ?? assert.fail()
  }

  path(name: string): string {
    return join(this.founded.directory, name)
  }

  /** Once, also when a test failed before. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#warm
    await this.http.close()
    await Promise.all(this.nodes.map((node) => node.stop()))
    if (this.#failure !== undefined) throw this.#failure
  }

  async text(path: string): Promise<string> {
    const answer = await fetch(`${this.http.url}${path}`)
    assert.equal(answer.status, 200, path)
    return answer.text()
  }

  /** A command of this process. */
  async command(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const [out, err] = [new Sink(), new Sink()]
    const code = await run([...args, ...this.#place(args)], { out, err })
    return { code, out: out.text, err: err.text }
  }

  #place([first = '', second]: readonly string[]): readonly string[] {
    const isOffline = ['explain', 'client'].includes(first)
    const withGenesis = ['submit', 'update', 'audit'].includes(first) && second !== 'show'
    const genesis = withGenesis || first === 'client' ? ['--genesis', this.path('genesis.json')] : []
    return [...(isOffline ? [] : ['--endpoint', this.http.url]), ...genesis, '--home', this.path('nobody')]
  }

  async #enrol(): Promise<void> {
    const { signing } = await createApplicationKey(this.path('app.key'), 'app')
    const proof = await proveKey(
      ledgerIdFor(this.founded.genesis.genesis),
      organisationIdOf('org-0'),
      signerOf(signing),
    )
    const rights = [openGraph, personalGraph].map((iri) => ({ graph: graphId(iri), right: 'write' as const }))
    const ordered = rights.sort((a, b) => (a.graph < b.graph ? -1 : 1))
    const said = { type: 'key-add' as const, key: signing.publicKey, name: 'app', proof, rights: ordered }
    const [key] = this.founded.organisationKeys
    assert.equal((await act(this.founded, this.first, key as SigningKey, said)).code, 'OK')
  }
}

class Sink extends Writable {
  text = ''

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.text += Buffer.from(chunk).toString()
    done()
  }
}
