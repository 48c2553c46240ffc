// Cards, drafts and genesis files: what founds a ledger and what does not.

import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { concat, fromHex } from '../../src/base/bytes.ts'
import { organisationIdOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { decode, encode } from '../../src/base/schema.ts'
import {
  cardFault,
  cardRequestFault,
  type NodeCard,
  nodeCardSchema,
  requestCard,
  signCard,
} from '../../src/ledger/card.ts'
import { checkGenesis, draftGenesis, genesisFaults, signGenesis } from '../../src/ledger/founding.ts'
import { type Genesis, ledgerIdFor, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { isStrongExchangeKey } from '../../src/ledger/keys.ts'
import {
  genesis,
  organisationKey,
  organisationNames,
  policyNamed,
  signedBy,
  testCard,
  testGenesis,
  testKey,
  testNode,
  testOrganisation,
} from './world.ts'

const weakKey = Uint8Array.of(1, ...new Uint8Array(31))
const codes = (faults: readonly { readonly code: string }[]): readonly string[] => faults.map(({ code }) => code)

describe('A genesis', () => {
  it('founds a ledger when every organisation signed it', () => {
    assert.deepEqual(checkGenesis(signedBy(genesis)), [])
  })

  it('survives its file, with the same name', () => {
    const signed = signedBy(genesis)
    const file = JSON.stringify(signedGenesisSchema.toJson(signed))
    const read = signedGenesisSchema.fromJson(JSON.parse(file), '')
    assert.deepEqual(read, signed)
    assert.equal(ledgerIdFor(read.genesis), ledgerIdFor(genesis))
    assert.deepEqual(decode(signedGenesisSchema, encode(signedGenesisSchema, signed)), signed)
  })

  it('is the same whatever order the cards came in', () => {
    const cards = organisationNames.map((id) => testCard(id, `${id}-1`))
    assert.deepEqual(testGenesis([...cards].reverse()), testGenesis(cards))
  })

  it('names each organisation whose signature is missing, wrong, double or a stranger’s', () => {
    const signed = signedBy(genesis)
    const [first, ...rest] = signed.signatures
    assert.ok(first !== undefined)
    const withSignatures = (...signatures: typeof signed.signatures): readonly string[] =>
      codes(checkGenesis({ genesis, signatures }))
    assert.deepEqual(withSignatures(...rest), ['SIGNATURE_MISSING'])
    assert.deepEqual(withSignatures({ ...first, signature: new Uint8Array(64) }, ...rest), ['SIGNATURE_INVALID'])
    assert.deepEqual(withSignatures(first, first, ...rest), ['SIGNATURE_INVALID'])
    assert.deepEqual(withSignatures(...signed.signatures, { ...first, organisation: organisationIdOf('echo') }), [
      'SIGNATURE_INVALID',
    ])
    assert.equal(checkGenesis({ genesis: { ...genesis, name: 'Other' }, signatures: signed.signatures }).length, 4)
    assert.throws(() => signGenesis(genesis, organisationIdOf('acme'), organisationKey('bolt')), {
      code: 'NOT_PERMITTED',
    })
  })

  it('founds a Raft ledger on three validators, none with more than may be away', () => {
    const raft = (cards: Parameters<typeof testGenesis>[0]): ReturnType<typeof testGenesis> => ({
      ...testGenesis(cards),
      protocol: 'raft/1',
    })
    const three = organisationNames.slice(0, 3).map((id) => testCard(id, `${id}-1`))
    const few = (genesis: ReturnType<typeof testGenesis>): readonly unknown[] =>
      genesisFaults(genesis).filter(({ details }) => /at least/.test(String(details['expected'])))
    assert.equal(few(testGenesis(three)).length, 1)
    assert.equal(few(raft(three)).length, 0)
    assert.equal(few(raft(three.slice(1))).length, 1)
    const crowded = raft([...three, testCard('acme', 'acme-2')])
    assert.ok(codes(genesisFaults(crowded)).includes('ORGANISATION_TOO_LARGE'))
    const paxos = { ...testGenesis(), protocol: 'paxos/1' }
    assert.deepEqual(codes(genesisFaults(paxos)), ['GENESIS_INVALID'])
  })

  it('P29 refuses an organisation with more validators than may lie', () => {
    const eight = [
      ...organisationNames.map((id) => testCard(id, `${id}-1`)),
      ...organisationNames.map((id) => testCard(id, `${id}-2`)),
    ]
    assert.deepEqual(genesisFaults(testGenesis(eight)), [])
    const crowded = [...organisationNames.map((id) => testCard(id, `${id}-1`)), testCard('acme', 'acme-2')]
    assert.deepEqual(codes(genesisFaults(testGenesis(crowded))), ['ORGANISATION_TOO_LARGE'])
    const learner = [...organisationNames.map((id) => testCard(id, `${id}-1`)), testCard('acme', 'acme-2', 'learner')]
    assert.deepEqual(genesisFaults(testGenesis(learner)), [])
    const three = organisationNames.slice(0, 3).map((id) => testCard(id, `${id}-1`))
    assert.ok(codes(genesisFaults(testGenesis(three))).includes('GENESIS_INVALID'))
  })

  it('N7 refuses weak keys of organisations and nodes', () => {
    const [organisation, ...organisations] = genesis.organisations
    const [node, ...nodes] = genesis.nodes
    assert.ok(organisation !== undefined && node !== undefined)
    const weakOrganisation: Genesis = {
      ...genesis,
      organisations: [{ ...organisation, key: weakKey }, ...organisations],
    }
    assert.deepEqual(codes(genesisFaults(weakOrganisation)), ['KEY_WEAK'])
    for (const use of ['consensus', 'transport', 'checkpoint', 'payload'] as const) {
      const weakNode: Genesis = { ...genesis, nodes: [{ ...node, keys: { ...node.keys, [use]: weakKey } }, ...nodes] }
      assert.deepEqual(codes(genesisFaults(weakNode)), ['KEY_WEAK'], use)
    }
  })

  it('names what else is wrong with it', () => {
    const [organisation, second] = genesis.organisations
    const [node] = genesis.nodes
    const [graph] = genesis.graphs
    assert.ok(organisation !== undefined && second !== undefined && node !== undefined && graph !== undefined)
    const { parameters, thresholds } = genesis
    const open = policyNamed('open')
    const wrong: readonly (readonly [Partial<Genesis>, string])[] = [
      [{ name: ' ' }, 'GENESIS_INVALID'],
      [{ protocol: 'paxos/1' }, 'GENESIS_INVALID'],
      [{ rulesVersion: 2 }, 'GENESIS_INVALID'],
      [{ thresholds: { ...thresholds, roster: 5 } }, 'GENESIS_INVALID'],
      [{ thresholds: { ...thresholds, rules: 0 } }, 'GENESIS_INVALID'],
      [{ parameters: { ...parameters, window: parameters.checkpointInterval } }, 'GENESIS_INVALID'],
      [{ parameters: { ...parameters, window: 3 * parameters.checkpointInterval + 1 } }, 'GENESIS_INVALID'],
      [{ parameters: { ...parameters, window: limits.windowMax + parameters.checkpointInterval } }, 'GENESIS_INVALID'],
      [{ parameters: { ...parameters, batchTransactionsMax: 0 } }, 'GENESIS_INVALID'],
      [{ organisations: [...genesis.organisations].reverse() }, 'GENESIS_INVALID'],
      [{ nodes: [...genesis.nodes].reverse() }, 'GENESIS_INVALID'],
      [{ organisations: genesis.organisations.map((each) => ({ ...each, key: organisation.key })) }, 'GENESIS_INVALID'],
      [{ organisations: genesis.organisations.filter(({ id }) => id !== second.id) }, 'GENESIS_INVALID'],
      [{ policies: [open, open] }, 'GENESIS_INVALID'],
      [{ policies: [...genesis.policies, { ...open, name: 'secret', class: 'confidential' }] }, 'POLICY_UNSUPPORTED'],
      [
        { policies: [...genesis.policies, { ...open, name: 'strange', controller: organisationIdOf('echo') }] },
        'NOT_CONTROLLER',
      ],
      [{ graphs: [{ ...graph, policy: 'absent' }] }, 'POLICY_UNKNOWN'],
      [{ graphs: [{ ...graph, iri: 'not an iri' }] }, 'GENESIS_INVALID'],
    ]
    for (const [change, code] of wrong) {
      assert.ok(codes(genesisFaults({ ...genesis, ...change })).includes(code), JSON.stringify(Object.keys(change)))
    }
  })

  it('may have the widest window, of which a view change can still tell', () => {
    const wide: Genesis = { ...genesis, parameters: { ...genesis.parameters, window: limits.windowMax } }
    assert.deepEqual(codes(genesisFaults(wide)), [])
  })

  it('is not drafted from cards that contradict each other', () => {
    const renamed = signCard(
      testCard('acme', 'acme-2'),
      { ...testOrganisation('acme'), name: 'Other' },
      organisationKey('acme'),
    )
    assert.throws(() => testGenesis([testCard('acme', 'acme-1'), renamed]), { code: 'CARD_INVALID' })
    const forged: NodeCard = { ...testCard('acme', 'acme-1'), signature: new Uint8Array(64) }
    assert.throws(() => draftGenesis({ ...genesis, cards: [forged] }), { code: 'SIGNATURE_INVALID' })
  })
})

describe('A node card', () => {
  const card = testCard('acme', 'acme-1')

  it('holds as it was made, and survives its file', () => {
    assert.equal(cardFault(card), undefined)
    assert.deepEqual(nodeCardSchema.fromJson(JSON.parse(JSON.stringify(nodeCardSchema.toJson(card))), ''), card)
  })

  it('proves every signing key over the whole record', () => {
    const { node, proofs } = card
    assert.equal(cardRequestFault({ node: { ...node, addresses: [] }, proofs }), 'SIGNATURE_INVALID')
    assert.equal(
      cardRequestFault({ node: { ...node, organisation: organisationIdOf('bolt') }, proofs }),
      'SIGNATURE_INVALID',
    )
    assert.equal(cardRequestFault({ node, proofs: { ...proofs, transport: proofs.consensus } }), 'SIGNATURE_INVALID')
    const keys = { ...node.keys, transport: node.keys.consensus }
    assert.equal(cardRequestFault({ node: { ...node, keys }, proofs }), 'CARD_INVALID')
    assert.throws(
      () => requestCard(node, { consensus: testKey('x'), transport: testKey('y'), checkpoint: testKey('z') }),
      RangeError,
    )
  })

  it('is signed by the organisation that it names', () => {
    assert.equal(cardFault({ ...card, organisation: { ...card.organisation, name: 'Other' } }), 'SIGNATURE_INVALID')
    assert.equal(cardFault({ ...card, organisation: testOrganisation('bolt') }), 'CARD_INVALID')
    assert.throws(() => signCard(card, testOrganisation('bolt'), organisationKey('bolt')), RangeError)
    assert.throws(() => signCard(card, testOrganisation('acme'), organisationKey('bolt')), RangeError)
  })

  it('N7 refuses weak keys', () => {
    const node = testNode('acme', 'acme-1')
    for (const use of ['consensus', 'transport', 'checkpoint', 'payload'] as const) {
      assert.equal(cardFault({ ...card, node: { ...node, keys: { ...node.keys, [use]: weakKey } } }), 'KEY_WEAK')
    }
    assert.equal(cardFault({ ...card, organisation: { ...card.organisation, key: weakKey } }), 'KEY_WEAK')
  })

  it('N7 knows as weak exactly the exchange keys that OpenSSL makes no secret with', () => {
    const { privateKey } = generateKeyPairSync('x25519')
    const agrees = (raw: Uint8Array): boolean => {
      const key = concat(fromHex('302a300506032b656e032100'), raw)
      const publicKey = createPublicKey({ key: key as Buffer, format: 'der', type: 'spki' })
      try {
        return diffieHellman({ privateKey, publicKey }).some((byte) => byte !== 0)
      } catch (error) {
        assert.ok(error instanceof Error)
        return false
      }
    }
    const edge = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map(fromHex)
    const others = ['0200000000000000000000000000000000000000000000000000000000000000', '09'.padEnd(64, '0')].map(
      fromHex,
    )
    for (const key of [...edge, ...others, testNode('acme', 'acme-1').keys.payload]) {
      const masked = key.slice()
      masked[31] = (masked[31] ?? 0) | 0x80
      for (const each of [key, masked]) assert.equal(isStrongExchangeKey(each), agrees(each))
    }
    assert.equal(
      createPrivateKey({ key: privateKey.export({ format: 'pem', type: 'pkcs8' }), format: 'pem' }).asymmetricKeyType,
      'x25519',
    )
  })
})
