// What an erasure costs one node on its disk: the tombstones in a block's own write, the notes of what must be gone, the purge
// and the search of all files. One person, then a thousand in one order, among a hundred thousand.

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DataFactory } from 'n3'
import { randomBytes } from '#crypto'
import { type ItemId, itemIdOf, type Sequence } from '../src/base/ids.ts'
import type { BlockChange, StoredItem } from '../src/store/change.ts'
import { createKeyRing } from '../src/store/key-ring.ts'
import { scanFiles } from '../src/store/raw-scan.ts'
import { openStore, type Store } from '../src/store/store.ts'
import type { Bench } from './bench.ts'

const graph = 'urn:g:persons'
const perBlock = 500
const payloadBytes = 1_200
const nothing: Omit<BlockChange, 'sequence'> = {
  meta: new Uint8Array(),
  records: [],
  items: [],
  retractions: [],
  erasures: [],
  unstage: [],
}

function personItem(number: number, quads: number): StoredItem {
  const subject = DataFactory.namedNode(`urn:person:${number}`)
  const rows = Array.from({ length: quads }, (_, place) => ({
    subject,
    predicate: DataFactory.namedNode(`urn:v:${place}`),
    object: DataFactory.literal(`value ${place} of person ${number}`),
  }))
  return { item: itemIdOf(randomBytes(32)), graph, class: 'personal', payload: randomBytes(payloadBytes), rows }
}

async function fill(store: Store, persons: number, quads: number): Promise<readonly ItemId[]> {
  const ids: ItemId[] = []
  while (ids.length < persons) {
    const count = Math.min(perBlock, persons - ids.length)
    const items = Array.from({ length: count }, (_, place) => personItem(ids.length + place, quads))
    await store.commit({ ...nothing, sequence: (store.sequence + 1) as Sequence, items })
    ids.push(...items.map(({ item }) => item))
  }
  return ids
}

async function bytesUnder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Seconds that `work` takes, and what it gives. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly value: T }> {
  const began = performance.now()
  const value = await work()
  return { seconds: Math.round(performance.now() - began) / 1_000, value }
}

type Erased = Readonly<Record<string, number>>

async function erase(store: Store, folders: readonly string[], items: readonly ItemId[]): Promise<Erased> {
  globalThis.gc?.()
  const rssBefore = process.memoryUsage.rss()
  let peak = rssBefore
  const watching = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 5)
  const tombstones = await timed(() =>
    store.commit({ ...nothing, sequence: (store.sequence + 1) as Sequence, erasures: items }),
  )
  const noted = await timed(() => store.probes(items))
  const purged = await timed(() => store.purge())
  const searched = await timed(() => scanFiles(folders, noted.value))
  clearInterval(watching)
  if (searched.value.hits > 0) throw new Error(`${searched.value.hits} pieces are left`)
  return {
    items: items.length,
    tombstonesSeconds: tombstones.seconds,
    probes: noted.value.length,
    probesSeconds: noted.seconds,
    purgeSeconds: purged.seconds,
    bytesRewritten: purged.value.bytesRewritten,
    segmentsRewritten: purged.value.segments,
    searchSeconds: searched.seconds,
    bytesSearched: searched.value.bytes,
    memoryPeakBytes: peak,
    memoryBeforeBytes: rssBefore,
  }
}

export const bench: Bench = {
  about: 'one person, and a thousand in one order, erased among a hundred thousand: time, bytes, memory',
  options: [
    '--persons N   how many there are (100000)',
    '--quads N     each has (6)',
    '--order N     erased in one order (1000)',
  ],
  async run(options, say) {
    const number = (name: string, usual: number): number => Number(options.get(name) ?? usual)
    const [persons, quads, order] = [number('persons', 100_000), number('quads', 6), number('order', 1_000)]
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-bench-'))
    const folders = [join(folder, 'keys'), join(folder, 'store')]
    try {
      const keyRing = await createKeyRing(join(folder, 'keys'), randomBytes(32))
      const store = await openStore(join(folder, 'store'), { keyRing })
      const filled = await timed(() => fill(store, persons, quads))
      const diskBytes = await bytesUnder(folder)
      say(`${persons} persons with ${quads} quads each: ${diskBytes} bytes on the disk after ${filled.seconds} s`)
      const ids = filled.value
      const one = await erase(store, folders, [ids[Math.floor(ids.length / 2)] as ItemId])
      say(`one:  ${JSON.stringify(one)}`)
      const step = Math.floor(ids.length / order)
      const chosen = Array.from({ length: order }, (_, place) => ids[place * step] as ItemId)
      const many = await erase(store, folders, chosen)
      say(`many: ${JSON.stringify(many)}`)
      await store.close()
      await keyRing.close()
      return { persons, quads, fillSeconds: filled.seconds, diskBytes, one, many }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
