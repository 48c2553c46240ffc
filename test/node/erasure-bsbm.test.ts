// The reviewers of the Berlin SPARQL Benchmark (Bizer and Schultz, 2009) at four real nodes: a mapping profile ties each review
// to who wrote it; fifty are erased in one order, and nobody else loses a quad.

import assert from 'node:assert/strict'
import { createReadStream, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { Parser, type Quad } from 'n3'
import { randomBytes } from '#crypto'
import { DiskCopy, rawHits } from '../../demo/disks.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { graphId } from '../../src/base/hash.ts'
import { type ItemId, timeOf } from '../../src/base/ids.ts'
import { buildData, signerOf } from '../../src/ledger/build.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { explain, type MappingProfile, personProfiles } from '../../src/ledger/profile.ts'
import { itemIdFor } from '../../src/ledger/transaction.ts'
import { type Draft, openPacker } from '../../src/node/ingest-pack.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { long } from '../long.ts'
import { enrol, type Founded, foundFour, personalGraph, settled } from './consortium.ts'
import { attested, type Erasers, enrolErasers, erase } from './erasing.ts'

const file = resolve(import.meta.dirname, '../../../shared/data/bsbm/bsbm-1000-products.nt.gz')
const firstLine = 250_000
const erasedCount = 50
const reviews: MappingProfile = {
  class: 'http://www4.wiwiss.fu-berlin.de/bizer/bsbm/v01/vocabulary/Review',
  path: [{ predicate: 'http://purl.org/stuff/rev#reviewer', inverse: false }],
}

interface Reviewer {
  readonly items: { readonly place: ItemPlace; readonly item: ItemId }[]
  readonly quads: Quad[]
}

/** Reviewers with all that their reviews say; offers and vendors are passed over. */
async function reviewers(): Promise<ReadonlyMap<string, readonly Quad[]>> {
  const lines: string[] = []
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()) })) {
    number += 1
    if (number >= firstLine && line.includes('dataFromRatingSite')) lines.push(line)
  }
  const quads = new Parser({ format: 'N-Triples' }).parse(lines.join('\n'))
  const people = new Map<string, Quad[]>()
  for (const { subjects, quads: own } of explain(quads, () => true, [...personProfiles, reviews])) {
    const [only, ...others] = subjects
    if (only === undefined || others.length > 0 || !only.includes('/Reviewer')) continue
    people.set(only, [...(people.get(only) ?? []), ...own.map(({ quad }) => quad)])
  }
  return people
}

describe('Fifty of the reviewers of BSBM', function () {
  this.timeout(900_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let erasers: Erasers
  const people = new Map<string, Reviewer>()
  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode

  before(async function () {
    if (!long || !existsSync(file)) this.skip()
    founded = await foundFour({ checkpointInterval: 32, window: 128 })
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    await enrol(founded, nodes)
    erasers = await enrolErasers(founded, nodes)
    await load()
    await settled(nodes, 1, 120_000)
  })

  after(async () => {
    await Promise.all((nodes ?? []).map((each) => each.stop()))
    await founded?.remove()
  })

  async function load(): Promise<void> {
    const policy = founded.genesis.genesis.policies.find(({ class: kind }) => kind === 'personal')
    assert.ok(policy)
    const packer = openPacker({ quadsMax: 1_000, randomBytes })
    const drafts: Draft[] = []
    for (const [person, quads] of await reviewers()) {
      people.set(person, { items: [], quads: [...quads] })
      for (const quad of quads) {
        const full = packer.add({ graph: personalGraph, policy, subjects: [person] }, quad)
        if (full !== undefined) drafts.push(full)
      }
    }
    const last = packer.end()
    if (last !== undefined) drafts.push(last)
    for (const [number, draft] of drafts.entries()) await send(draft, 1 + number)
  }

  async function send({ skolem, items }: Draft, sequence: number): Promise<void> {
    const { bytes, payload, tx } = await buildData({
      ledger: ledgerIdFor(founded.genesis.genesis),
      key: signerOf(founded.application),
      sequence,
      expires: timeOf(Date.now() + 3_600_000),
      base: [],
      items: items.map((item) => ({ ...item, graph: graphId(item.graph), retractions: [] })),
      randomBytes: (length) => (length === skolem.length ? skolem : randomBytes(length)),
    })
    const done = await node(0).submit(bytes, payload, AbortSignal.timeout(60_000))
    assert.equal(done.code, 'OK')
    for (const [index, { subjects }] of items.entries()) {
      const place = { sequence: done.sequence, transaction: done.index, index }
      people.get(subjects[0] ?? '')?.items.push({ place, item: itemIdFor(tx, index) })
    }
  }

  async function quadsOf(each: QuadrilleNode): Promise<ReadonlySet<string>> {
    const found = new Set<string>()
    for await (const { subject, predicate, object } of each.source().match()) {
      found.add(`${subject.value} ${predicate.value} ${object.value}`)
    }
    return found
  }

  const textsOf = (reviewer: Reviewer): readonly string[] =>
    reviewer.quads.map(({ subject, predicate, object }) => `${subject.value} ${predicate.value} ${object.value}`)

  it('E1 leave all four disks, and no other reviewer loses a quad', async () => {
    const names = [...people.keys()]
    const step = Math.floor(names.length / erasedCount)
    const gone = new Set(Array.from({ length: erasedCount }, (_, place) => names[place * step] as string))
    const leaving = [...people].filter(([name]) => gone.has(name)).map(([, reviewer]) => reviewer)
    // What only they say: their mailboxes, and the texts of their reviews.
    const values = leaving.flatMap(({ quads }) =>
      quads.filter(({ predicate }) => /mbox_sha1sum|rev#text/.test(predicate.value)).map(({ object }) => object.value),
    )
    const disks = nodes.map((_, number) => ({
      home: founded.home(number),
      unlock: `${founded.directory}/unlock-${number}.key`,
    }))
    const items = leaving.flatMap((reviewer) => reviewer.items)
    const copies = await Promise.all(disks.map((disk) => DiskCopy.take(disk)))
    const probes = await Promise.all(copies.map((copy) => copy.probes(items.map(({ item }) => item))))
    const raw = (): Promise<readonly number[]> =>
      Promise.all(
        disks.map((disk, number) => rawHits(disk, [...(probes[number] ?? []), ...values.slice(0, 50).map(utf8)])),
      )
    assert.ok((await raw()).every((hits) => hits > 0))
    assert.equal(await (copies[0] as DiskCopy).openedHits(values), values.length)

    const { tx, code } = await erase(
      founded,
      node(1),
      erasers,
      items.map(({ place }) => place),
    )
    assert.equal(code, 'OK')
    await attested(nodes, tx)
    assert.deepEqual(await raw(), [0, 0, 0, 0])
    const later = await Promise.all(disks.map((disk) => DiskCopy.take(disk)))
    for (const [number, copy] of copies.entries()) {
      assert.equal(await (later[number] as DiskCopy).openedHits(values), 0)
      assert.equal(await copy.openedHits(values, later[number]), 0)
    }
    await Promise.all([...copies, ...later].map((copy) => copy.remove()))

    const staying = [...people].filter(([name]) => !gone.has(name))
    const wanted = new Set(staying.flatMap(([, reviewer]) => textsOf(reviewer)))
    for (const each of nodes) assert.deepEqual(await quadsOf(each), wanted)
  })
})
