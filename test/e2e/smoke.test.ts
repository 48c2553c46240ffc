// The thinnest run over real processes: four organisations found a ledger through the command line, four nodes run it, a
// file goes in at one and the same answer comes out of all, and SIGTERM ends them. It needs the built command line.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Consortium, enrolApplication, found, startMember, stateOf, stopAll } from '../../demo/consortium.ts'
import { eventually, quadrille } from '../../demo/processes.ts'

const graph = 'urn:g:events'
const turtle = `
@prefix : <https://olive.example/> . @prefix schema: <https://schema.org/> .
:pallet-1 a schema:Product ; schema:name "Olive oil"@en ; schema:weight 412.5 .
:pallet-2 a schema:Product ; schema:name "Olives" ; schema:isRelatedTo :pallet-1 , [ schema:name "Crate" ] .
`
const question = 'SELECT ?name { GRAPH ?g { ?s <https://schema.org/name> ?name } } ORDER BY STR(?name)'

describe('four processes from the built command line', function () {
  this.timeout(60_000)
  let directory: string
  let consortium: Consortium

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quadrille-smoke-'))
    consortium = await found({ consensus: 'pbft', directory, graphs: [{ iri: graph, policy: 'open' }] })
    for (const member of consortium.members) startMember(consortium, member)
    await Promise.all(
      consortium.members.map((member) =>
        eventually(`${member.name} is connected to a quorum`, async () => {
          if (member.process?.alive === false) throw new Error(member.process.output)
          const { quorumConnected, serves } = await stateOf(member)
          return quorumConnected && serves ? true : undefined
        }),
      ),
    )
  })

  after(async () => {
    if (consortium !== undefined) await stopAll(consortium, 'SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  it('take a file at one and give the same answer at all', async () => {
    const [first] = consortium.members
    assert.ok(first)
    await enrolApplication(consortium, [graph])
    const path = join(directory, 'events.ttl')
    await writeFile(path, turtle)
    await quadrille('submit', path, '--graph', graph, '--as', consortium.applicationKey, '--home', first.home)
    const states = await eventually('one final height at all', async () => {
      const all = await Promise.all(consortium.members.map(stateOf))
      return all.every(({ head, height, final }) => head === all[0]?.head && height === final) ? all : undefined
    })
    assert.deepEqual(
      states.map(({ quads }) => quads),
      [8, 8, 8, 8],
    )
    const answers = await Promise.all(
      consortium.members.map(async ({ url }) => {
        const answer = await fetch(`${url}/sparql?query=${encodeURIComponent(question)}`, {
          headers: { accept: 'text/csv' },
        })
        return answer.text()
      }),
    )
    for (const answer of answers) assert.deepEqual(answer.split(/\r?\n/), ['name', 'Crate', 'Olive oil', 'Olives', ''])
  })

  it('end with 0 on SIGTERM', async () => {
    const codes = await Promise.all(consortium.members.map(({ process }) => process?.end('SIGTERM')))
    assert.deepEqual(codes, [0, 0, 0, 0])
  })
})
