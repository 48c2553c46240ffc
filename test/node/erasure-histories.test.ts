// Random histories of assertions, retractions and erasures, executed by the real machine on real files: by a node that lived
// through them, by the same after a restart, by one that came after everything, and by a verifier. A model of thirty lines
// says what must hold at every height.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from '#crypto'
import { openLog } from '../../src/audit/log.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { graphId } from '../../src/base/hash.ts'
import { epochOf, type ItemId, nodeIdOf, organisationIdOf, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { generateSigningKey, type SigningKey } from '../../src/base/signature.ts'
import { type Batch, batchDigest } from '../../src/consensus/batch.ts'
import { blockRecordSchema } from '../../src/consensus/block.ts'
import type { CommitCertificate } from '../../src/consensus/certificate.ts'
import { type BuiltAct, buildAct, buildData, buildErasure, proveKey, signerOf } from '../../src/ledger/build.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { ledgerIdFor, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { partSchema } from '../../src/ledger/payload.ts'
import { itemIdFor } from '../../src/ledger/transaction.ts'
import { LedgerMachine } from '../../src/node/machine.ts'
import { PayloadPool } from '../../src/node/payloads.ts'
import { startReplay } from '../../src/node/replay.ts'
import { BlockServer } from '../../src/node/serve.ts'
import { Verdicts } from '../../src/node/verdicts.ts'
import { openBlocks } from '../../src/store/blocks.ts'
import { createKeyRing, openKeyRing } from '../../src/store/key-ring.ts'
import { openStore } from '../../src/store/store.ts'
import { Random } from '../sim/random.ts'
import { enrolment, type Founded, foundFour, personalGraph } from './consortium.ts'

const histories = Number(process.env['ERASURE_HISTORIES'] ?? 2)
const steps = 30
const root = new Uint8Array(32).fill(5)
const expires = timeOf(Date.now() + 86_400_000)
const validators = ['1', '2', '3', '4'].map((digit) => nodeIdOf(digit.repeat(32)))

interface Row {
  readonly subject: string
  readonly object: string
}

interface ModelItem {
  readonly item: ItemId
  readonly place: ItemPlace
  readonly rows: readonly Row[]
  /** Heights at which rows were retracted. */
  readonly retracted: Map<number, number>
  erased: boolean
}

/** What must hold, by height. */
function expected(items: readonly ModelItem[], height: number): readonly string[] {
  const holds = items
    .filter(({ erased, place }) => !erased && place.sequence <= height)
    .flatMap(({ rows, retracted }) => rows.filter((_, row) => (retracted.get(row) ?? height + 1) > height))
  return [...new Set(holds.map(({ subject, object }) => `${subject} ${object}`))].sort()
}

interface Opened {
  readonly machine: LedgerMachine
  readonly pool: PayloadPool
  quadsAt(height: number): Promise<readonly string[]>
  server(): BlockServer
  close(): Promise<void>
}

describe('Random histories with erasures', function () {
  this.timeout(120_000 + histories * 20_000)
  let founded: Founded
  let folder: string

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 16 })
    folder = await mkdtemp(join(tmpdir(), 'quadrille-histories-'))
  })

  after(async () => {
    await rm(folder, { recursive: true, force: true })
    await founded.remove()
  })

  async function open(name: string, ask: (opened: Opened) => void = () => undefined): Promise<Opened> {
    const directory = join(folder, name)
    const { genesis } = founded.genesis
    const ledger = ledgerIdFor(genesis)
    const verdicts = new Verdicts(ledger)
    await createKeyRing(join(directory, 'keys'), root).then(
      (ring) => ring.close(),
      () => undefined,
    )
    const keyRing = await openKeyRing(join(directory, 'keys'), root)
    const store = await openStore(join(directory, 'store'), { keyRing })
    const blocks = await openBlocks(join(directory, 'blocks'), { atLeast: store.sequence })
    const log = await openLog(join(directory, 'log'))
    const roster = validators.map((node) => ({ node, organisation: organisationIdOf('any'), key: new Uint8Array(32) }))
    const pool: PayloadPool = new PayloadPool({
      faults: 'byzantine',
      ledger,
      verdicts,
      stage: (id, payload) => store.stage(id, payload),
      staged: (id) => store.staged(id),
      unstage: (ids) => store.unstage(ids),
      ask: () => queueMicrotask(() => ask(opened)),
      onFailure: (error) => assert.fail(String(error)),
      roster: () => ({ epoch: epochOf(0), validators: roster }),
    })
    const options = { genesis, blocks, log, store, payloads: pool, signed: undefined, onExecuted: () => undefined }
    const machine = await LedgerMachine.open(options)
    const opened: Opened = {
      machine,
      pool,
      async quadsAt(height) {
        const found: string[] = []
        for await (const { subject, object } of store.at(height).match()) found.push(`${subject.value} ${object.value}`)
        return found.sort()
      },
      server: () =>
        new BlockServer({
          blocks,
          item: (item) => machine.item(item),
          applied: () => machine.applied.sequence,
        }),
      async close() {
        if (store.erased().length > 0) await store.purge()
        await log.close()
        await blocks.close()
        await store.close()
        await keyRing.close()
      },
    }
    return opened
  }

  function certified(sequence: number, transaction: Uint8Array): { batch: Batch; certificate: CommitCertificate } {
    const batch: Batch = { time: timeOf(Date.now()), tokens: [], transactions: [transaction] }
    const ledger = ledgerIdFor(founded.genesis.genesis)
    const agreement = { ledger, epoch: 0, round: 0, sequence, digest: batchDigest(batch) }
    return { batch, certificate: { type: 'pbft', agreement, signatures: [] } as unknown as CommitCertificate }
  }

  /** Plays a history on a live machine. */
  async function play(random: Random, live: Opened): Promise<readonly ModelItem[]> {
    const { genesis } = founded.genesis
    const ledger = ledgerIdFor(genesis)
    const policy = genesis.policies.find(({ class: kind }) => kind === 'personal') ?? assert.fail('no personal policy')
    const erasers = [generateSigningKey(), generateSigningKey()] as const
    const items: ModelItem[] = []
    const execute = async ({
      bytes,
      payload = new Uint8Array(),
    }: {
      bytes: Uint8Array
      payload?: Uint8Array
    }): Promise<number> => {
      const sequence = live.machine.applied.sequence + 1
      if (payload.length > 0) await live.pool.take(bytes, payload)
      const { batch, certificate } = certified(sequence, bytes)
      await live.machine.apply(sequenceOf(sequence), batch, certificate)
      return sequence
    }
    await execute(await enrolment(founded, 1))
    for (const [place, key] of erasers.entries()) await execute(await eraser(key, 2 + place))
    const numbers = { data: 0, orders: 0 }
    for (let step = 0; step < steps; step++) {
      const alive = items.filter(({ erased }) => !erased)
      if (alive.length > 2 && random.chance(0.25)) {
        const gone = items.filter(() => random.chance(0.3))
        if (gone.length === 0) continue
        const [clerk, officer] = erasers
        const order = { items: gone.map(({ place }) => place), reason: 'other' as const, reference: randomBytes(16) }
        const keys = { key: signerOf(clerk), approver: signerOf(officer) }
        await execute(await buildErasure({ ledger, ...keys, sequence: ++numbers.orders, expires, ...order }))
        for (const each of gone) each.erased = true
        continue
      }
      const rows = someRows(random)
      const targets = items.filter(() => random.chance(0.15))
      const taken = targets.map((target) => ({ target, row: random.below(target.rows.length) }))
      const built = await buildData({
        ledger,
        key: signerOf(founded.application),
        sequence: ++numbers.data,
        expires,
        base: [],
        randomBytes,
        items: [
          {
            graph: graphId(personalGraph),
            policy,
            subjects: ['urn:person:0'],
            terms: rows
              .flatMap(({ subject, object }) => [subject, object])
              .concat('urn:p')
              .filter(unique)
              .map(iri),
            triples: triplesOf(rows),
            retractions: taken.map(({ target, row }) => ({ item: target.item, rows: [row] })),
          },
        ],
      })
      const sequence = await execute(built)
      for (const { target, row } of taken) if (!target.retracted.has(row)) target.retracted.set(row, sequence)
      const place = { sequence: sequenceOf(sequence), transaction: 0, index: 0 }
      items.push({ item: itemIdFor(built.tx, 0), place, rows, retracted: new Map(), erased: false })
    }
    return items
  }

  async function eraser(key: SigningKey, sequence: number): Promise<BuiltAct> {
    const ledger = ledgerIdFor(founded.genesis.genesis)
    const proof = await proveKey(ledger, organisationIdOf('org-0'), signerOf(key))
    const rights = [{ graph: graphId(personalGraph), right: 'erase' as const }]
    const act = { type: 'key-add' as const, key: key.publicKey, name: 'eraser', proof, rights }
    return buildAct({ ledger, key: signerOf(founded.organisationKeys[0] as SigningKey), sequence, expires, act })
  }

  async function assertHolds(opened: Opened, items: readonly ModelItem[]): Promise<void> {
    for (let height = 0; height <= opened.machine.applied.sequence; height++) {
      assert.deepEqual(await opened.quadsAt(height), expected(items, height), `height ${height}`)
    }
    for (const { item, erased } of items) {
      assert.equal((await opened.machine.item(item))?.type, erased ? 'erased' : 'whole')
    }
  }

  /** A machine that executes the blocks of another that is past all erasures. */
  async function later(name: string, live: Opened): Promise<Opened> {
    const server = live.server()
    const opened = await open(name, (self) => {
      const from = sequenceOf(self.machine.applied.sequence + 1)
      for (const peer of validators.slice(0, 2)) {
        void server.serve(peer, { type: 'blocks-wanted', from, count: 1 }).then((answer) => {
          for (const { payloads, kept } of answer?.blocks ?? []) {
            self.pool.offer(peer, payloads)
            self.pool.offerKept(peer, kept)
          }
        })
      }
    })
    const count = live.machine.applied.sequence
    const answer = await live
      .server()
      .serve(validators[3] as never, { type: 'blocks-wanted', from: sequenceOf(1), count })
    for (const { block } of answer?.blocks ?? []) {
      const { header, batchTime, tokens, transactions, certificate } = decode(blockRecordSchema, block)
      const batch = { time: batchTime, tokens, transactions }
      await opened.machine.execute({ sequence: header.sequence, batch, certificate })
    }
    return opened
  }

  /** What the verifier says of each item: as audit/verify-items.ts decides it. */
  async function assertVerified(live: Opened, items: readonly ModelItem[]): Promise<void> {
    const { replay } = startReplay(utf8(JSON.stringify(signedGenesisSchema.toJson(founded.genesis))))
    const count = live.machine.applied.sequence
    const answer = await live
      .server()
      .serve(validators[3] as never, { type: 'blocks-wanted', from: sequenceOf(1), count })
    const erased = new Set<ItemId>()
    for (const { block } of answer?.blocks ?? []) {
      const replayed = replay.apply(decode(blockRecordSchema, block))
      for (const item of replayed.erased) erased.add(item)
      for (const claim of replayed.items) {
        const kept = (await live.machine.item(claim.item)) ?? assert.fail('an item is missing')
        const at = { height: replayed.header.sequence, item: claim.item }
        if (kept.type === 'whole') assert.ok(claim.opens({ ...at, ...kept }))
        else assert.ok(claim.opens({ type: 'kept', ...at, retractions: encode(partSchema, kept.retractions as never) }))
      }
    }
    assert.deepEqual(
      [...erased].sort(),
      items
        .filter((each) => each.erased)
        .map(({ item }) => item)
        .sort(),
    )
    assert.equal(live.machine.ledger.erasureRoot().size, erased.size)
  }

  for (let history = 1; history <= histories; history++) {
    it(`E1 E8 leave exactly what was not erased, at every height, however one came to it (seed ${history})`, async () => {
      const live = await open(`live-${history}`)
      const items = await play(new Random(history), live)
      await assertHolds(live, items)
      const state = live.machine.ledger.stateHash()
      const after = await later(`later-${history}`, live)
      await assertHolds(after, items)
      assert.equal(after.machine.ledger.stateHash(), state)
      await assertVerified(live, items)
      await live.close()
      const restarted = await open(`live-${history}`)
      await assertHolds(restarted, items)
      assert.equal(restarted.machine.ledger.stateHash(), state)
      await Promise.all([after.close(), restarted.close()])
    })
  }
})

const iri = (value: string): { readonly type: 'iri'; readonly value: string } => ({ type: 'iri', value })
const unique = (value: string, place: number, all: readonly string[]): boolean => all.indexOf(value) === place

function triplesOf(rows: readonly Row[]): readonly { subject: number; predicate: number; object: number }[] {
  const terms = rows
    .flatMap(({ subject, object }) => [subject, object])
    .concat('urn:p')
    .filter(unique)
  return rows.map(({ subject, object }) => ({
    subject: terms.indexOf(subject),
    predicate: terms.indexOf('urn:p'),
    object: terms.indexOf(object),
  }))
}

function someRows(random: Random): readonly Row[] {
  const all = Array.from({ length: 15 }, (_, number) => ({
    subject: `urn:person:${number % 3}`,
    object: `urn:o:${number % 5}`,
  }))
  const some = all.filter(() => random.chance(0.15))
  return some.length > 0 ? some : [all[random.below(all.length)] as Row]
}
