// `quadrille audit show` over HTTP: what an auditor reads, whatever those who asked had put into their requests.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { showAudit } from '../../src/cli/commands/audit-show.ts'
import { createContext } from '../../src/cli/context.ts'
import { homeAt } from '../../src/node/home.ts'

const about = {
  time: 1_800_000_000_000,
  from: '127.0.0.1',
  key: '',
  asked: 'GET /\u001b[2J\u001b[31m\u202edetpecca',
  text: '',
}
const leaves = [
  { seq: 0, prev: 'ab', time: 1_800_000_000_000, type: 'began', reason: 'new' },
  { seq: 1, prev: 'cd', time: 1_800_000_001_000, type: 'refused', code: 'NOT_FOUND', detail: '01'.repeat(16) },
  { seq: 2, prev: 'ef', time: 1_800_000_002_000, type: 'access', code: '', detail: '02'.repeat(16) },
]

describe('audit show', () => {
  let server: Server

  before(async () => {
    server = createServer(({ url = '' }, answer) => {
      const { pathname, searchParams } = new URL(url, 'http://localhost')
      const from = Number(searchParams.get('from'))
      if (pathname === '/log/local') answer.end(JSON.stringify([{ log: 7, size: leaves.length, root: '' }]))
      else if (pathname === '/log/local/7/leaves') {
        answer.end(
          leaves
            .slice(from)
            .map((leaf) => `${JSON.stringify(leaf)}\n`)
            .join(''),
        )
      } else if (pathname === `/log/local/details/${'01'.repeat(16)}`) answer.end(JSON.stringify([about]))
      else
        answer.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"code":"NOT_FOUND","details":{}}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  after(() => new Promise((resolve) => server.close(resolve)))

  async function shown(options: object): Promise<readonly string[]> {
    const said: string[] = []
    const context = createContext(homeAt('nobody'), false, { out: process.stdout, err: process.stderr })
    const quiet = { ...context, answer: (_: unknown, lines: readonly string[]): void => void said.push(...lines) }
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    assert.equal(await showAudit([], { endpoint, local: true, ...options }, quiet), 0)
    return said
  }

  it('says what happened, and with --details who asked what, or that nobody knows any more', async () => {
    assert.deepEqual(await shown({ details: true }), [
      '0 2027-01-15T08:00:00.000Z began reason=new',
      `1 2027-01-15T08:00:01.000Z refused code=NOT_FOUND detail=${'01'.repeat(16)}`,
      '    2027-01-15T08:00:00.000Z  127.0.0.1  GET /\ufffd[2J\ufffd[31m\ufffddetpecca',
      `2 2027-01-15T08:00:02.000Z access detail=${'02'.repeat(16)}`,
      '    its details are not here any more',
    ])
    assert.deepEqual(await shown({ type: 'began' }), ['0 2027-01-15T08:00:00.000Z began reason=new'])
  })

  it('prints nothing that a terminal would obey, although those who ask may send it', async () => {
    assert.doesNotMatch((await shown({ details: true })).join(''), /\p{C}/u)
  })
})
