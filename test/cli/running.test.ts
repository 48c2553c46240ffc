// The daily commands against four node processes: real sockets, real disks.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { foundConsortium, memberIds } from './consortium.ts'
import { type Ended, ended, openWorkplace, type Workplace } from './process.ts'

const events = `
@prefix : <urn:x:> . @prefix s: <https://schema.org/> .
:shipment1 s:name "Apples"@en ; s:from [ s:name "Farm" ] .
:shipment2 s:name "Pears" ; :weight 12 .
`
const people = `
@prefix : <urn:x:> . @prefix s: <https://schema.org/> .
:ann a s:Person ; s:name "Ann" ; s:address [ s:streetAddress "A 1" ] .
:bob a s:Person ; s:name "Bob" .
`

describe('the daily commands', function () {
  this.timeout(120_000)

  let place: Workplace
  const nodes = new Map<string, ChildProcess>()

  const begin = (id: string, ...more: readonly string[]): ChildProcess => {
    const child = place.begin('start', '--home', id, ...more)
    child.stdout?.resume()
    child.stderr?.resume()
    nodes.set(id, child)
    return child
  }

  const done = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await place.run(...args)
    assert.equal(code, 0, `${args.join(' ')}: ${err}${out}`)
    return out
  }

  const height = async (id: string): Promise<number> =>
    (JSON.parse(await done('status', '--home', id, '--json')) as { height: number }).height

  before(async () => {
    place = await openWorkplace()
    await foundConsortium(place.folder)
    await writeFile(place.path('events.ttl'), events)
    await writeFile(place.path('people.ttl'), people)
    for (const id of memberIds) begin(id, '--genesis', 'genesis.json')
    await done('status', '--home', 'acme', '--wait', 'quorum')
    await done('client', 'new', '--out', 'wms.key', '--home', 'acme')
    const rights = ['--graph', 'urn:g:events:write', 'urn:g:people:write']
    await done('client', 'add', 'wms.pub', ...rights, '--key', 'acme.org.key', '--home', 'acme')
    const as = ['--as', 'wms.key', '--home', 'acme']
    await done('submit', 'events.ttl', '--graph', 'urn:g:events', ...as)
    await done('submit', 'people.ttl', '--graph', 'urn:g:people', '--batch', '2', ...as)
  })

  after(async () => {
    for (const child of nodes.values()) child.kill('SIGKILL')
    await place.remove()
  })

  it('what one organisation submits, the others answer and dump', async () => {
    const reached = await height('acme')
    for (const id of ['beta', 'delta']) {
      while ((await height(id)) < reached) await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const query = 'SELECT ?n WHERE { GRAPH ?g { ?s <https://schema.org/name> ?n } } ORDER BY STR(?n)'
    assert.deepEqual((await done('query', query, '--format', 'csv', '--home', 'beta')).split(/\r?\n/), [
      'n',
      'Ann',
      'Apples',
      'Bob',
      'Farm',
      'Pears',
      '',
    ])
    const [nquads, trig] = await Promise.all([
      done('dump', '--home', 'delta'),
      done('dump', '--home', 'delta', '--format', 'trig'),
    ])
    assert.equal(nquads.trim().split('\n').length, 11)
    assert.match(trig, /<urn:g:events> \{/)
    const early = await done('dump', '--home', 'delta', '--at', '1')
    assert.equal(early, '')
  })

  it('submit --dry-run sends nothing and says what it would', async () => {
    const before = await height('acme')
    const said = await done('submit', 'people.ttl', '--graph', 'urn:g:people', '--dry-run', '--home', 'acme', '--json')
    const { graphs, ...totals } = JSON.parse(said) as { readonly graphs: readonly object[] }
    assert.deepEqual(totals, {
      ...{ transactions: 1, quads: 6, items: 2, height: 0, dryRun: true },
      ...{ bytes: 768, largest: 768 },
    })
    const kind = { policy: 'personal', class: 'personal' }
    assert.deepEqual(graphs, [{ graph: 'urn:g:people', ...kind, items: 2, quads: 6, bytes: 768, dataSubjects: 2 }])
    assert.equal(await height('acme'), before)
  })

  it('submit --explain says whom items concern and why, warns of persons in open graphs, and sends nothing', async () => {
    const before = await height('acme')
    const said = await done('submit', 'people.ttl', '--graph', 'urn:g:people', '--explain', '--home', 'acme')
    assert.match(
      said,
      /urn:g:people: 4 quads about urn:x:ann \(3 is about a data subject; 1 hangs from what concerns them\)/,
    )
    assert.match(said, /urn:g:people: 2 quads about urn:x:bob/)
    const astray = await done('submit', 'people.ttl', '--graph', 'urn:g:events', '--explain', '--home', 'acme')
    assert.match(astray, /6 quads concern persons but go to graphs that are not personal/)
    assert.equal(await height('acme'), before)
  })

  it('a mistake in any line of any file changes nothing', async () => {
    await writeFile(
      place.path('late.nt'),
      `${'<urn:x:a> <urn:x:p> <urn:x:b> .\n'.repeat(4_710)}<urn:x:a> <urn:x:p> .\n`,
    )
    const before = await height('acme')
    const { code, err } = await place.run(
      ...['submit', 'events.ttl', 'late.nt', '--graph', 'urn:g:events', '--as', 'wms.key', '--home', 'acme'],
    )
    assert.equal(code, 4)
    assert.match(err, /^PARSE_ERROR: .*late\.nt, line 4711, column 21, .*near <…> <…> \.\)\. Correct the place/)
    assert.equal(await height('acme'), before)
  })

  it('refuses what it should with a code, a place and an exit code', async () => {
    await writeFile(place.path('bad.ttl'), `${events}\n:broken :p .\n`)
    const as = ['--as', 'wms.key', '--home', 'acme']
    await done('client', 'new', '--out', 'stranger.key', '--home', 'acme')
    const all = await Promise.all([
      place.run('submit', 'bad.ttl', '--graph', 'urn:g:events', ...as),
      place.run('submit', 'events.ttl', '--graph', 'urn:g:none', ...as),
      place.run('submit', 'events.ttl', '--graph', 'urn:g:events', '--as', 'stranger.key', '--home', 'acme'),
      place.run('query', 'SELECT nothing', '--home', 'acme'),
    ])
    assert.deepEqual(
      all.map(({ code }) => code),
      [4, 4, 4, 4],
    )
    const [bad, graph, stranger, query] = all.map(({ err }) => err)
    assert.match(bad ?? '', /^PARSE_ERROR: .*bad\.ttl.*line 6/)
    assert.match(graph ?? '', /^GRAPH_UNKNOWN: .*urn:g:none/)
    assert.match(stranger ?? '', /^KEY_UNKNOWN: /)
    assert.match(query ?? '', /^[A-Z_]+: /)
  })

  it('S9 a second process on one folder is told so', async () => {
    const second = await place.run('start', '--home', 'acme')
    assert.equal(second.code, 6)
    assert.match(second.err, /STORE_LOCKED: /)
  })

  it('a port that is in use is named with what to do', async () => {
    const config = await readFile(place.path('gamma/node.yaml'), 'utf8')
    const other = await readFile(place.path('acme/node.yaml'), 'utf8')
    const stopped = ended(nodes.get('gamma') ?? assert.fail())
    nodes.get('gamma')?.kill('SIGTERM')
    assert.equal((await stopped).code, 0)
    const portOf = (text: string): string => /tcp\/(\d+)/.exec(text)?.[1] ?? assert.fail()
    await writeFile(place.path('gamma/node.yaml'), config.replace(portOf(config), portOf(other)))
    const { code, err } = await place.run('start', '--home', 'gamma')
    assert.equal(code, 3, err)
    assert.match(err, /ADDRESS_IN_USE: /)
    await writeFile(place.path('gamma/node.yaml'), config)
    begin('gamma')
    await done('status', '--home', 'gamma', '--wait', 'quorum')
  })

  it('an audit bundle of a running node holds, and does not once a byte is changed', async () => {
    await done('audit', 'export', 'bundle', '--home', 'acme')
    const verify = (): Promise<Ended> => place.run('audit', 'verify', 'bundle', '--genesis', 'genesis.json', '--json')
    const whole = await verify()
    assert.equal(whole.code, 0, whole.out)
    const report = JSON.parse(whole.out) as { holds: boolean; items: { opened: number; missing: number } }
    assert.equal(report.holds, true)
    assert.equal(report.items.missing, 0)
    const [name] = await readdir(place.path('bundle/payloads'))
    const path = place.path(`bundle/payloads/${name}`)
    const bytes = await readFile(path)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await writeFile(path, bytes)
    const changed = await verify()
    assert.equal(changed.code, 1)
    assert.ok(changed.out.includes(`payloads/${name}`))
  })

  it('SIGTERM ends every node cleanly', async () => {
    const all = [...nodes.values()].map((child) => ended(child))
    for (const child of nodes.values()) child.kill('SIGTERM')
    assert.deepEqual(
      (await Promise.all(all)).map(({ code }) => code),
      [0, 0, 0, 0],
    )
  })
})
