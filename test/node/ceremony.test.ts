import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromHex, toBase64, toHex } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { organisationIdOf } from '../../src/base/ids.ts'
import type { JsonValue, Schema } from '../../src/base/schema.ts'
import { cardRequestSchema, type NodeCard, nodeCardSchema } from '../../src/ledger/card.ts'
import { checkGenesis } from '../../src/ledger/founding.ts'
import { type SignedGenesis, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import {
  assemble,
  type DraftSignature,
  describeGenesis,
  draftSignatureSchema,
  makeDraft,
  readGenesis,
  readToSign,
  signDraft,
  signRequest,
} from '../../src/node/ceremony.ts'
import { readConfig } from '../../src/node/config.ts'
import { type Home, homeAt } from '../../src/node/home.ts'
import { createOrganisationKey, type OrganisationKey, readOrganisationKey } from '../../src/node/key-files.ts'
import { initNode, requestFor } from '../../src/node/membership.ts'
import { parseRules } from '../../src/node/rules-file.ts'
import { loadIdentity } from '../../src/store/identity.ts'
import { unlock } from '../../src/store/unlock.ts'

const ids = ['acme', 'beta', 'gamma', 'delta'].map(organisationIdOf)

interface Member {
  readonly key: OrganisationKey
  readonly home: Home
  readonly card: NodeCard
}

describe('the founding ceremony', () => {
  let folder: string
  let members: readonly Member[]
  /** Every file that passed between members. */
  const passedOn = new Map<string, string>()

  const pass = async <T>(name: string, schema: Schema<T>, value: T): Promise<string> => {
    const path = join(folder, name)
    const text = JSON.stringify(schema.toJson(value), undefined, 2)
    passedOn.set(name, text)
    await writeFile(path, text)
    return path
  }

  const found = async (organisation: (typeof ids)[number], port: number): Promise<Member> => {
    const key = await createOrganisationKey(join(folder, `${organisation}.org.key`), {
      id: organisation,
      name: organisation,
    })
    const home = homeAt(join(folder, organisation))
    await initNode(home, {
      organisation,
      name: `${organisation}-1`,
      role: 'validator',
      addresses: [`/ip4/127.0.0.1/tcp/${port}`],
      http: undefined,
      unlock: { provider: 'key-file', path: join(folder, `${organisation}.unlock`) },
    })
    const request = await pass(`${organisation}.node.json`, cardRequestSchema, await requestFor(home))
    const read = await readToSign(request)
    assert.ok(read.type === 'card')
    const card = signRequest(read.request, key)
    await pass(`${organisation}.card.json`, nodeCardSchema, card)
    return { key, home, card }
  }

  const draftOf = (cards: readonly NodeCard[]): SignedGenesis =>
    makeDraft(
      cards,
      { name: 'Food Trace', consensus: 'pbft', created: 1_800_000_000_000 },
      parseRules('{}', 'rules', ids),
    )

  const signedBy = (draft: SignedGenesis, by: readonly Member[]): readonly DraftSignature[] =>
    by.map(({ key }) => signDraft(draft.genesis, key))

  const code = (expected: string) => (error: unknown) => error instanceof LedgerError && error.code === expected

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-ceremony-'))
    members = await Promise.all(ids.map((organisation, place) => found(organisation, 4701 + place)))
  })

  after(() => rm(folder, { recursive: true }))

  it('makes a genesis that all founders signed and that a node can start on', async () => {
    const draft = draftOf(members.map(({ card }) => card))
    const path = await pass('draft.json', signedGenesisSchema, draft)
    const signatures = await Promise.all(
      members.map(async ({ key }) => {
        const read = await readToSign(path)
        assert.ok(read.type === 'draft')
        const signature = signDraft(read.genesis, key)
        await pass(`${key.organisation.id}.sig.json`, draftSignatureSchema, signature)
        return signature
      }),
    )
    const genesis = assemble(draft, signatures)
    assert.deepEqual(checkGenesis(genesis), [])
    assert.deepEqual(await readGenesis(await pass('genesis.json', signedGenesisSchema, genesis)), genesis)
  })

  it('passes no private key on', async () => {
    assert.equal(passedOn.size, 14)
    const secrets: Uint8Array[] = []
    for (const { key, home } of members) {
      const root = await unlock((await readConfig(home)).unlock, home.keys)
      secrets.push(key.signing.seed, root, ...Object.values(await loadIdentity(home.identity, root)))
    }
    assert.equal(secrets.length, 4 * 6)
    for (const [name, text] of passedOn) {
      for (const secret of secrets) {
        for (const written of [toHex(secret), toBase64(secret), String([...secret])]) {
          assert.ok(!text.toLowerCase().includes(written.toLowerCase()), `${name} holds a private key`)
        }
      }
    }
  })

  it('keeps no private key of a node in its home in clear, and what unlocks it is not in the home', async () => {
    for (const { home } of members) {
      const config = await readConfig(home)
      assert.ok('path' in config.unlock && !config.unlock.path.startsWith(`${home.root}/`))
      const identity = await loadIdentity(home.identity, await unlock(config.unlock, home.keys))
      const file = await readFile(home.identity)
      for (const secret of Object.values(identity)) {
        assert.equal(file.indexOf(secret), -1)
        assert.equal(file.indexOf(toHex(secret)), -1)
        assert.equal(file.indexOf(toBase64(secret)), -1)
      }
    }
  })

  it('refuses to assemble while a founder has not signed, and names it', () => {
    const draft = draftOf(members.map(({ card }) => card))
    assert.throws(
      () => assemble(draft, signedBy(draft, members.slice(1))),
      (error: unknown) => code('SIGNATURE_MISSING')(error) && /acme/.test(String(error)),
    )
  })

  it('refuses signatures over another draft, and a signature that was altered', () => {
    const draft = draftOf(members.map(({ card }) => card))
    const other = { ...draft, genesis: { ...draft.genesis, name: 'Other' } }
    assert.throws(() => assemble(draft, signedBy(other, members)), code('WRONG_LEDGER'))
    const altered = signedBy(draft, members).map((each, place) =>
      place === 2 ? { ...each, signature: each.signature.map((byte, index) => (index === 5 ? byte ^ 1 : byte)) } : each,
    )
    assert.throws(() => assemble(draft, altered), code('SIGNATURE_INVALID'))
  })

  it('refuses to sign a request of another organisation, or one whose keys were swapped', async () => {
    const [acme, beta] = members
    assert.ok(acme !== undefined && beta !== undefined)
    const request = await requestFor(acme.home)
    assert.throws(() => signRequest(request, beta.key), code('CARD_INVALID'))
    const theirs = await requestFor(beta.home)
    const keys = { ...request.node.keys, consensus: theirs.node.keys.consensus }
    assert.throws(
      () => signRequest({ ...request, node: { ...request.node, keys } }, acme.key),
      code('SIGNATURE_INVALID'),
    )
  })

  it('P29 refuses to sign a draft in which an organisation runs more than f validators', async () => {
    const [acme] = members
    assert.ok(acme !== undefined)
    const node = { ...acme.card.node }
    assert.equal(node.organisation, 'acme')
    const second = homeAt(join(folder, 'acme-2'))
    await initNode(second, {
      organisation: acme.key.organisation.id,
      name: 'acme-2',
      role: 'validator',
      addresses: ['/dns4/node.acme.example/tcp/4709'],
      http: undefined,
      unlock: { provider: 'key-file', path: join(folder, 'acme-2.unlock') },
    })
    const config = await readConfig(second)
    assert.deepEqual(
      [config.listen, config.announce],
      [['/ip4/0.0.0.0/tcp/4709'], ['/dns4/node.acme.example/tcp/4709']],
    )
    const card = signRequest(await requestFor(second), acme.key)
    const draft = draftOf([...members.map((member) => member.card), card])
    assert.throws(() => signDraft(draft.genesis, acme.key), code('ORGANISATION_TOO_LARGE'))
  })

  it('never makes a second node in a home, and never overwrites an organisation key', async () => {
    const [acme] = members
    assert.ok(acme !== undefined)
    const before = await readFile(acme.home.identity, 'utf8')
    const unlockBy = { provider: 'key-file' as const, path: join(folder, 'acme.unlock') }
    await assert.rejects(
      initNode(acme.home, { ...acme.card.node, addresses: [], http: undefined, unlock: unlockBy }),
      code('FILE_EXISTS'),
    )
    assert.equal(await readFile(acme.home.identity, 'utf8'), before)
    await assert.rejects(
      createOrganisationKey(join(folder, 'acme.org.key'), acme.key.organisation),
      code('FILE_EXISTS'),
    )
  })

  it('writes private keys for their owner only, and does not read one that others may read', async () => {
    const path = join(folder, 'beta.org.key')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(join(folder, 'beta.unlock'))).mode & 0o777, 0o600)
    assert.deepEqual(await readOrganisationKey(path), members[1]?.key)
    await chmod(path, 0o640)
    await assert.rejects(readOrganisationKey(path), code('KEY_FILE_OPEN'))
    await chmod(path, 0o600)
  })

  it('does not read a key file whose public key is not the one of its seed', async () => {
    const path = join(folder, 'swapped.org.key')
    const value = JSON.parse(await readFile(join(folder, 'gamma.org.key'), 'utf8')) as { seed: JsonValue }
    const seed = fromHex('01'.repeat(32))
    await writeFile(path, JSON.stringify({ ...value, seed: toHex(seed) }), { mode: 0o600 })
    await assert.rejects(readOrganisationKey(path), code('MALFORMED'))
  })

  it('says in plain words how many may fail, who must sign, and who may write', () => {
    const rules = parseRules(
      `
policies:
  - { name: facts, controller: beta, purpose: trace food, legalBasis: art6-1-f, class: open }
graphs:
  - { iri: 'urn:g:events', owner: acme, policy: facts, writers: [gamma, acme] }
thresholds: { rules: 4 }
`,
      'rules.yaml',
      ids,
    )
    const cards = members.map(({ card }) => card)
    const { genesis } = makeDraft(cards, { name: 'Food Trace', consensus: 'pbft', created: 0 }, rules)
    const text = describeGenesis(genesis).join('\n')
    assert.match(text, /4 validators, of which 1 may fail or lie and 3 must agree/)
    assert.match(text, /3 of 4 organisations must sign to admit or remove members and nodes, 4 to change rules/)
    assert.match(text, /<urn:g:events> of acme under policy "facts"; acme, gamma may write/)
  })

  it('names every problem of rules.yaml at once', () => {
    const broken =
      'policies: [{ name: x, class: secret }]\ngraphs: [{ iri: nothing }]\nparameters: { window: -1, speed: 9 }'
    assert.throws(
      () => parseRules(broken, 'rules.yaml', ids),
      (error: unknown) => {
        const problems = error instanceof LedgerError ? String(error.details['problems']) : ''
        const places = [
          'policies[0].class',
          'policies[0].controller',
          'graphs[0].iri',
          'graphs[0].owner',
          'parameters.window',
          'parameters.speed',
        ]
        return places.every((place) => problems.includes(place))
      },
    )
  })
})
