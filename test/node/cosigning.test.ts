// Validators sign one another's checkpoints: four signers over real logs and files, and four whole nodes.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointSigner } from '../../src/audit/checkpoint-signer.ts'
import { type ForkProof, forkProofSchema, judgeFork } from '../../src/audit/fork.ts'
import { type Log, openLog } from '../../src/audit/log.ts'
import {
  consortiumOrigin,
  type NoteVerdict,
  parseCheckpoint,
  parseNote,
  signerName,
  validatorKeys,
  verifyNote,
} from '../../src/audit/note.ts'
import { utf8 } from '../../src/base/bytes.ts'
import type { LedgerError } from '../../src/base/errors.ts'
import { ledgerIdOf, type NodeId, nodeIdOf } from '../../src/base/ids.ts'
import { generateSigningKey } from '../../src/base/signature.ts'
import { checkpointKeysOf } from '../../src/node/checkpoint-keys.ts'
import { Cosigning, keptNote } from '../../src/node/cosigning.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import type { Envelope } from '../../src/node/wire.ts'
import { enrol, type Founded, foundFour, settled } from './consortium.ts'

const ledger = ledgerIdOf('ab'.repeat(32))
const members = [0, 1, 2, 3].map((number) => ({ node: nodeIdOf(`${number}`.repeat(32)), key: generateSigningKey() }))
const checkpointKeys = members.map(({ node, key }) => ({ node, publicKey: key.publicKey }))
const keys = validatorKeys(ledger, checkpointKeys)

interface Place {
  readonly cosigning: Cosigning
  readonly log: Log
  readonly failures: unknown[]
  readonly blamed: string[]
  readonly fork: string
}

describe('Validators that sign one another’s checkpoints', () => {
  let folder: string
  let places: Map<NodeId, Place>
  /** Who cannot be reached. */
  const away = new Set<NodeId>()

  const deliver = (from: NodeId, to: NodeId, envelope: Envelope): void => {
    const place = places.get(to)
    if (place === undefined || away.has(to) || away.has(from)) return
    assert.ok(envelope.type === 'note' || envelope.type === 'note-wanted')
    const { cosigning, blamed } = place
    cosigning.receive(from, envelope).catch((error: LedgerError) => blamed.push(`${from[0]} ${error.code}`))
  }

  const open = async (number: number): Promise<Place> => {
    const { node, key } = members[number] as (typeof members)[0]
    const log = places.get(node)?.log ?? (await openLog(join(folder, `log-${number}`)))
    const origin = consortiumOrigin(ledger)
    const path = join(folder, `note-${number}`)
    const fork = join(folder, `fork-${number}`)
    const failures: unknown[] = []
    const signer = await CheckpointSigner.open({
      path: join(folder, `signed-${number}`),
      origin,
      name: signerName(origin, node),
      seed: key.seed,
      rootAt: (size) => log.rootAt(size),
    })
    const cosigning = new Cosigning(
      {
        ledger,
        self: node,
        faults: 'byzantine',
        signer,
        log,
        final: () => (log.size === 0 ? undefined : { size: log.size, root: log.root() }),
        validators: () => checkpointKeys,
        peers: () => members.map((each) => each.node).filter((each) => each !== node && !away.has(each)),
        send: (to, envelope) => deliver(node, to, envelope),
        path,
        forkPath: fork,
        onFailure: (error) => failures.push(error),
        askAgainMs: 5,
        patienceMs: 300,
      },
      await keptNote(path),
    )
    return { cosigning, log, failures, blamed: [], fork }
  }

  const at = (number: number): Place => places.get(members[number]?.node as NodeId) as Place
  const verdict = (note: string | undefined): NoteVerdict => verifyNote(parseNote(note ?? ''), keys)
  const sizeOf = (note: string | undefined): number => parseCheckpoint(parseNote(note ?? '').text).size

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-cosigning-'))
    away.clear()
    places = new Map()
    for (const [number, { node }] of members.entries()) places.set(node, await open(number))
  })

  afterEach(async () => {
    for (const { cosigning, log } of places.values()) {
      await cosigning.stop()
      await log.close()
    }
    await rm(folder, { recursive: true })
  })

  const appendAt = (numbers: readonly number[], ...what: readonly number[]): void => {
    for (const number of numbers) at(number).log.append(what.map((a) => ({ a })))
  }

  it('L25 blame whoever sends a note that is no text, and go on', async () => {
    const sender = members[1]?.node as NodeId
    for (const note of [Uint8Array.of(0xff, 0xfe), Uint8Array.of(), utf8('\n\n'), utf8('a\n\n— b AAAA\n')]) {
      await assert.rejects(at(0).cosigning.receive(sender, { type: 'note', note }), { code: 'MALFORMED' })
    }
  })

  it('gather a quorum, keep it over a restart, and show it rather than a newer note of fewer', async () => {
    assert.equal(await at(0).cosigning.note(), undefined)
    appendAt([0, 1, 2, 3], 1, 2)
    const note = await at(0).cosigning.note()
    assert.ok(verdict(note).valid.length >= 3)
    assert.deepEqual(verdict(note).invalid, [])
    away.add(members[2]?.node as NodeId).add(members[3]?.node as NodeId)
    appendAt([0, 1], 3)
    assert.equal(await at(0).cosigning.note(), note, 'two of four are no quorum')
    const again = await open(0)
    assert.equal(await again.cosigning.note(), note)
    away.clear()
    appendAt([2, 3], 3)
    assert.equal(sizeOf(await at(0).cosigning.note()), 3)
  })

  it('N10 count nobody twice, no stranger and nobody for another', async () => {
    away.add(members[2]?.node as NodeId).add(members[3]?.node as NodeId)
    appendAt([0, 1, 2, 3], 1)
    const asked = at(0).cosigning.note()
    const own = (await at(1).cosigning.own(1)) ?? assert.fail()
    const [one, two] = members as [(typeof members)[0], (typeof members)[0]]
    await at(0).cosigning.receive(two.node, { type: 'note', note: utf8(own) })
    await at(0).cosigning.receive(two.node, { type: 'note', note: utf8(own) })
    for (const from of [members[3]?.node as NodeId, nodeIdOf('9'.repeat(32))]) {
      const pretended = at(0).cosigning.receive(from, { type: 'note', note: utf8(own) })
      await assert.rejects(pretended, { code: 'SIGNATURE_INVALID' })
    }
    assert.deepEqual(verdict(await asked).valid, [signerName(consortiumOrigin(ledger), one.node)], 'two are no quorum')
    assert.ok(!existsSync(join(folder, 'note-0')))
  })

  it('sign no tree that is not final with them, nor one of their future', async () => {
    appendAt([0], 1)
    assert.equal(await at(1).cosigning.own(1), undefined)
    assert.equal(await at(0).cosigning.own(2), undefined)
    assert.equal(sizeOf(await at(0).cosigning.own(1)), 1)
  })

  it('N11 FORK_DETECTED: more than can lie signed another log, so writes stop and the proof names who signed what', async () => {
    appendAt([0], 1)
    appendAt([1, 2, 3], 2)
    await at(0).cosigning.gather()
    assert.deepEqual([...new Set(at(0).blamed.map((each) => each.split(' ')[1]))], ['FORK_DETECTED'])
    const [failure] = at(0).failures as LedgerError[]
    assert.equal(failure?.code, 'FORK_DETECTED')
    const proof: ForkProof = forkProofSchema.fromJson(JSON.parse(readFileSync(at(0).fork, 'utf8')), '')
    const judged = judgeFork(proof, keys) ?? assert.fail()
    assert.deepEqual([judged.size, judged.first.length, judged.both], [1, 1, []])
    assert.ok(judged.second.length >= 2)
    assert.equal(judgeFork({ ...proof, second: proof.first }, keys), undefined)
    assert.equal(judgeFork({ ...proof, second: proof.second.replace(/(.{9})=\n/, 'AAAAAAAAA=\n') }, []), undefined)
  })

  it('N11 one that contradicts the others is refused and stops nobody else', async () => {
    appendAt([0, 1, 2], 1)
    appendAt([3], 2)
    const note = await at(0).cosigning.note()
    await at(0).cosigning.gather()
    assert.equal(verdict(note).valid.length, 3)
    assert.deepEqual(at(0).failures, [])
    assert.ok(!existsSync(at(0).fork))
  })
})

describe('Four nodes', function () {
  this.timeout(60_000)
  let founded: Founded
  let nodes: QuadrilleNode[]

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    assert.equal((await enrol(founded, nodes)).code, 'OK')
    await settled(nodes)
  })

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  it('N10 show checkpoints that a quorum of them signed, with keys that sign nothing else', async () => {
    const validators = checkpointKeysOf({ nodes: () => founded.genesis.genesis.nodes })
    for (const node of nodes) {
      const note = (await node.checkpoint()) ?? assert.fail()
      const { valid, invalid, unknown } = verifyNote(parseNote(note), validatorKeys(node.ledger, validators))
      assert.ok(valid.length >= 3, note)
      assert.deepEqual([...invalid, ...unknown], [])
      const { logSize, logRoot } = await node.status()
      assert.deepEqual(parseCheckpoint(parseNote(note).text), {
        origin: consortiumOrigin(node.ledger),
        size: logSize,
        root: logRoot,
      })
    }
    const used = founded.genesis.genesis.nodes.flatMap(({ keys: { checkpoint, consensus, transport } }) =>
      [checkpoint, consensus, transport].map((key) => Buffer.from(key).toString('hex')),
    )
    assert.equal(new Set(used).size, used.length)
  })
})
