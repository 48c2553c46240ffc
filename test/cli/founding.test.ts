// The founding ceremony as people do it, each organisation in its own folder: commands, printed files, and nothing else.

import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openWorkplace, type Workplace } from './process.ts'

const ids = ['acme', 'beta', 'gamma', 'delta']

describe('the founding commands', function () {
  this.timeout(60_000)

  let places: readonly Workplace[]
  const shared = new Map<string, string>()

  /** Runs a command that must succeed and keeps what it prints as a file that goes to the others. */
  const printed = async (place: Workplace, name: string, ...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await place.run(...args)
    assert.equal(code, 0, err)
    shared.set(name, out)
    return out
  }

  const receive = async (place: Workplace, names: readonly string[]): Promise<void> => {
    for (const name of names) await writeFile(place.path(name), shared.get(name) ?? assert.fail(name))
  }

  before(async () => {
    places = await Promise.all(ids.map(openWorkplace))
    await Promise.all(
      places.map(async (place, n) => {
        const id = ids[n] as string
        const made = await place.run('org', 'init', `${id} Foods`, '--out', `${id}.org.key`, '--json')
        assert.equal(made.code, 0, made.err)
        const { id: said, fingerprint } = JSON.parse(made.out) as { id: string; fingerprint: string }
        assert.deepEqual([said, fingerprint.split(' ').length], [id, 8])
        const init = [
          'node',
          'init',
          '--org',
          id,
          '--listen',
          `/ip4/127.0.0.1/tcp/${4701 + n}`,
          '--http',
          `${4780 + n}`,
        ]
        const node = await place.run(...init, '--unlock', 'key-file:node.key', '--home', 'home')
        assert.equal(node.code, 0, node.err)
        await printed(place, `${id}.node.json`, 'node', 'request', '--home', 'home')
        await receive(place, [`${id}.node.json`])
        await printed(place, `${id}.card.json`, 'org', 'sign', `${id}.node.json`, '--key', `${id}.org.key`)
      }),
    )
    const [acme] = places
    assert.ok(acme !== undefined)
    const cards = ids.map((id) => `${id}.card.json`)
    await receive(acme, cards)
    await writeFile(
      acme.path('rules.yaml'),
      'graphs: [{ iri: "urn:g:events", owner: acme, policy: open }, { iri: "urn:g:people", owner: acme, policy: personal }]\n',
    )
    const draft = ['genesis', 'draft', '--name', 'Food Trace', '--consensus', 'pbft', '--card', ...cards]
    await printed(acme, 'draft.json', ...draft, '--rules', 'rules.yaml')
    await Promise.all(
      places.map(async (place, n) => {
        await receive(place, ['draft.json'])
        await printed(place, `${ids[n]}.sig.json`, 'org', 'sign', 'draft.json', '--key', `${ids[n]}.org.key`)
      }),
    )
    await receive(
      acme,
      ids.map((id) => `${id}.sig.json`),
    )
  })

  after(() => Promise.all(places.map((place) => place.remove())))

  it('end in a genesis that says in plain words what it means', async () => {
    const [acme] = places
    assert.ok(acme !== undefined)
    const genesis = await acme.run('genesis', 'assemble', 'draft.json', ...ids.map((id) => `${id}.sig.json`))
    assert.equal(genesis.code, 0, genesis.err)
    await writeFile(acme.path('genesis.json'), genesis.out)
    const [check, json] = await Promise.all([
      acme.run('genesis', 'check', 'genesis.json'),
      acme.run('genesis', 'check', 'draft.json', '--json'),
    ])
    assert.equal(check.code, 0)
    assert.match(check.out, /4 validators, of which 1 may fail or lie and 3 must agree/)
    assert.match(check.out, /Signed by acme, beta, delta, gamma/)
    const { fingerprint, faults } = JSON.parse(json.out) as { fingerprint: string; faults: unknown[] }
    assert.deepEqual(faults, [])
    assert.ok(check.out.includes(fingerprint), 'a draft and its genesis have the same fingerprint')
    assert.ok(genesis.err.includes(fingerprint))
  })

  it('refuse to assemble what one founder has not signed', async () => {
    const [acme] = places
    assert.ok(acme !== undefined)
    const { code, out, err } = await acme.run('genesis', 'assemble', 'draft.json', 'acme.sig.json', 'beta.sig.json')
    assert.deepEqual([code, out], [3, ''])
    assert.match(err, /^SIGNATURE_MISSING: .*delta/)
  })

  it('pass no private key on', async () => {
    const secrets: string[] = []
    for (const [n, place] of places.entries()) {
      const { seed } = JSON.parse(await readFile(place.path(`${ids[n]}.org.key`), 'utf8')) as { seed: string }
      const unlock = (await readFile(place.path('node.key'), 'utf8')).trim()
      const { sealed } = JSON.parse(await readFile(place.path('home/keys/identity.json'), 'utf8')) as { sealed: string }
      assert.match(seed, /^[0-9a-f]{64}$/)
      secrets.push(seed, unlock, sealed)
    }
    assert.equal(shared.size, 13)
    for (const [name, text] of shared) for (const secret of secrets) assert.ok(!text.includes(secret), name)
  })

  it('leave nothing of the organisation key in the node home, and the unlock key outside of it', async () => {
    for (const [n, place] of places.entries()) {
      const { seed } = JSON.parse(await readFile(place.path(`${ids[n]}.org.key`), 'utf8')) as { seed: string }
      const unlock = (await readFile(place.path('node.key'), 'utf8')).trim()
      for (const file of await readdir(place.path('home'), { recursive: true, withFileTypes: true })) {
        if (!file.isFile()) continue
        const text = await readFile(join(file.parentPath, file.name), 'utf8')
        assert.ok(!text.includes(seed) && !text.includes(unlock), file.name)
      }
    }
  })
})
