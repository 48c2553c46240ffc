// A node process as an operator has it: its log is changed while it runs, its reader goes away, and it is told to stop.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { eventually } from '../../demo/processes.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { foundConsortium } from './consortium.ts'
import { openWorkplace, type Workplace } from './process.ts'

describe('a node process', function () {
  this.timeout(60_000)

  let place: Workplace
  let child: ChildProcess
  let output: string

  before(async () => {
    place = await openWorkplace()
    await foundConsortium(place.folder)
  })

  after(() => place.remove())

  beforeEach(async () => {
    output = ''
    child = place.begin('start', '--home', 'acme', '--genesis', 'genesis.json')
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    await said(/"msg":"started"/)
  })

  afterEach(() => child.kill('SIGKILL'))

  const said = async (pattern: RegExp): Promise<void> => {
    await eventually(String(pattern), async () => pattern.test(output) || undefined)
  }

  const stopped = (signal: NodeJS.Signals): Promise<number | null> => {
    const ended = new Promise<number | null>((done) => child.once('exit', done))
    child.kill(signal)
    return ended
  }

  it('SIGTERM ends it cleanly, and SIGINT too', async () => {
    assert.equal(await stopped('SIGTERM'), 0)
    await said(/"signal":"SIGTERM","msg":"stopping"/)
    await said(/"msg":"stopped"/)
  })

  it('SIGHUP reads level and format of the log again, and a mistake changes nothing', async () => {
    const yaml = place.path('acme/node.yaml')
    const before = await readFile(yaml, 'utf8')
    await writeFile(yaml, before.replace('level: info', 'level: debug').replace('format: json', 'format: text'))
    child.kill('SIGHUP')
    await said(/\d\d:\d\d:\d\d\.\d{3} info {2}log section of node.yaml read again from=debug as=text\n/)
    await writeFile(yaml, before.replace('level: info', 'level: loud'))
    child.kill('SIGHUP')
    await said(/error node.yaml was not read again code=CONFIG_INVALID .*log\.level/)
    await writeFile(yaml, before)
    child.kill('SIGHUP')
    await said(/"level":"info",[^\n]*"as":"json","msg":"log section of node.yaml read again"/)
    assert.equal(await stopped('SIGINT'), 0)
  })

  it('goes on when whoever reads its output goes away', async () => {
    const { http } = await readConfig(homeAt(place.path('acme')))
    child.stdout?.destroy()
    child.stderr?.destroy()
    // Each writes a line for which there is no reader.
    for (let round = 0; round < 5; round++) {
      child.kill('SIGHUP')
      await new Promise((done) => setTimeout(done, 50))
    }
    assert.equal(child.exitCode ?? child.signalCode, null)
    assert.equal(await (await fetch(`http://127.0.0.1:${http?.port}/healthz`)).text(), 'ok\n')
    assert.equal(await stopped('SIGTERM'), 0)
  })

  it('a command whose reader goes away ends, and is no failure', async () => {
    const help = place.begin('status', '--help')
    help.stdout?.destroy()
    assert.equal(await new Promise((done) => help.once('exit', done)), 0)
    assert.equal(await stopped('SIGTERM'), 0)
  })
})
