// A real headless browser, where there is one: a page whose module is bundled from what the package gives browsers.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '../..')
const names = ['chromium', 'chromium-browser', 'google-chrome']

/** Path of a Chromium; undefined where there is none. */
export function chromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What a proxy before a node does, so that page and node have one origin. */
async function forward(request: IncomingMessage, response: ServerResponse, node: string): Promise<void> {
  const { method = 'GET', headers, url } = request
  const kept = Object.entries({ accept: headers.accept, 'content-type': headers['content-type'] })
  const answer = await fetch(`${node}${url}`, {
    method,
    headers: kept.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]])),
    ...(method === 'GET' ? {} : { body: await bodyOf(request) }),
  })
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
  response.end(new Uint8Array(await answer.arrayBuffer()))
}

/** Runs a module in a page of `browser`; the page sees `node` as its own origin. Resolves with what the module posts to /report. */
export async function inBrowser(browser: string, module: string, node: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents: module, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    logLevel: 'silent',
  })
  let report: (value: unknown) => void = () => undefined
  const reported = new Promise<unknown>((done) => {
    report = done
  })
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end('<!doctype html><title>page</title><script type="module" src="/page.js"></script>')
    } else if (request.url === '/page.js') {
      response.setHeader('content-type', 'text/javascript')
      response.end(outputFiles[0]?.contents)
    } else if (request.url === '/report') {
      bodyOf(request).then((body) => report(JSON.parse(Buffer.from(body).toString('utf8'))), report)
      response.end()
    } else forward(request, response, node).catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const profile = await mkdtemp(join(tmpdir(), 'quadrille-browser-'))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`]
  const child = spawn(browser, [...flags, url], { stdio: 'ignore' })
  const ended = new Promise((done) => child.once('close', done))
  try {
    const early = ended.then(() => Promise.reject(new Error('the browser ended')))
    const late = new Promise<never>((_, refuse) => setTimeout(refuse, 60_000, new Error('no report')).unref())
    return await Promise.race([reported, early, late])
  } finally {
    child.kill('SIGKILL')
    await ended
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
