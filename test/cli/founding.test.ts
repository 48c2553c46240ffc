// The founding ceremony as people do it, each organisation in its own folder: commands, printed files, and nothing else.

import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex } from '../../src/base/bytes.ts'
import { homeAt } from '../../src/node/home.ts'
import { words } from '../../src/node/words.ts'
import { loadIdentity } from '../../src/store/identity.ts'
import { unlock } from '../../src/store/unlock.ts'
import { encodingsIn } from './encodings.ts'
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

  /** Every private key of a founder: the organisation's, what unlocks the node, and the node's own four. */
  const privateKeys = async (place: Workplace, id: string): Promise<ReadonlyMap<string, Uint8Array>> => {
    const { seed } = JSON.parse(await readFile(place.path(`${id}.org.key`), 'utf8')) as { seed: string }
    const home = homeAt(place.path('home'))
    const root = await unlock({ provider: 'key-file', path: place.path('node.key') }, home.keys)
    const identity = await loadIdentity(home.identity, root)
    return new Map<string, Uint8Array>([['organisation', fromHex(seed)], ['unlock', root], ...Object.entries(identity)])
  }

  it('pass no private key on, in any encoding, whole or half: only thirteen printed files went from one to another', async () => {
    assert.equal(shared.size, 13)
    for (const [n, place] of places.entries()) {
      const keys = await privateKeys(place, ids[n] as string)
      assert.equal(keys.size, 6)
      for (const [name, secret] of keys) {
        assert.equal(secret.length, 32)
        for (const [file, text] of shared)
          assert.deepEqual(encodingsIn(text, secret), [], `${name} of ${ids[n]} in ${file}`)
      }
    }
  })

  it('would show a private key in every encoding that is looked for', async () => {
    const [place] = places
    const secret = (await privateKeys(place as Workplace, 'acme')).get('consensus') ?? assert.fail()
    const buffer = Buffer.from(secret)
    for (const text of [
      buffer.toString('hex'),
      buffer.toString('hex').toUpperCase(),
      buffer.subarray(16).toString('hex'),
      JSON.stringify([...buffer]),
      [...buffer].map((byte) => words[byte]).join(' '),
      ...[0, 1, 2, 3].flatMap((before) => {
        const within = Buffer.concat([Buffer.alloc(before, 7), buffer, Buffer.alloc(before, 9)])
        return [within.toString('base64'), within.toString('base64url')]
      }),
    ]) {
      assert.notDeepEqual(encodingsIn(`{"key": "${text}"}`, secret), [], text)
    }
    assert.deepEqual(encodingsIn(Buffer.concat([Buffer.from('x'), buffer]), secret)[0], 'bytes')
    assert.deepEqual(encodingsIn(JSON.stringify([...new Uint8Array(64)]), secret), [])
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
