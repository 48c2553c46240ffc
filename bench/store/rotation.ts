// Fills a store, then measures writes and reads before and while its keys turn. Prints one JSON object.
// Argument: quads.

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LedgerError } from '../../src/base/errors.ts'
import { openStore, type QuadStore } from '../../src/store/index.ts'
import { type Data, events } from './data.ts'

const count = Number(process.argv[2])
const directory = await mkdtemp(join(tmpdir(), 'quadrille-rotation-'))
const open = (): Promise<QuadStore> =>
  openStore(join(directory, 'store'), { unlock: { provider: 'key-file', path: join(directory, 'unlock.key') } })

interface Latencies {
  readonly writeP50Ms: number
  readonly writeP99Ms: number
  readonly readP50Ms: number
  readonly readP99Ms: number
}

/** One write of 128 quads and four look-ups in turn, with a pause, until `done`. */
async function load(store: QuadStore, data: Data, done: () => boolean): Promise<Latencies> {
  const writes: number[] = []
  const reads: number[] = []
  for (let turn = 0; !done(); turn++) {
    const batch = data.quads.slice((turn * 128) % (data.quads.length - 128)).slice(0, 128)
    writes.push(await milliseconds(() => store.add(batch)))
    for (let n = 0; n < 4; n++) {
      const pattern = data.subjects[(4 * turn + n) % data.subjects.length] ?? []
      reads.push(
        await milliseconds(async () => {
          for await (const _ of store.match(...pattern));
        }),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const [writeP50Ms, writeP99Ms] = quantiles(writes)
  const [readP50Ms, readP99Ms] = quantiles(reads)
  return { writeP50Ms, writeP99Ms, readP50Ms, readP99Ms }
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function quantiles(values: number[]): readonly [number, number] {
  values.sort((a, b) => a - b)
  const at = (share: number): number => Math.round(10 * (values[Math.floor(share * (values.length - 1))] ?? 0)) / 10
  return [at(0.5), at(0.99)]
}

/** Whether the keys from before the rotation open anything of the store as it is now. */
async function oldKeysOpen(): Promise<boolean> {
  await rm(join(directory, 'store', 'keys'), { recursive: true })
  await cp(join(directory, 'keys-before'), join(directory, 'store', 'keys'), { recursive: true })
  try {
    await (await open()).close()
    return true
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'KEY_MISSING') return false
    throw error
  }
}

let store = await open()
const data = events(200_000)
const fillStart = performance.now()
for (let filled = 0; filled < count; filled += 200_000) {
  // Other subjects each time, as new events have.
  const { quads } = events(Math.min(200_000, count - filled), filled + 1)
  for (let at = 0; at < quads.length; at += 2_048) await store.add(quads.slice(at, at + 2_048))
}
const fillS = (performance.now() - fillStart) / 1_000
await store.close()
const openStart = performance.now()
store = await open()
const openMs = Math.round(performance.now() - openStart)
const until = performance.now() + 8_000
const before = await load(store, data, () => performance.now() > until)
await cp(join(directory, 'store', 'keys'), join(directory, 'keys-before'), { recursive: true })
const rotationStart = performance.now()
let ended = false
const rotating = store.rotateKeys().then(() => {
  ended = true
})
const meanwhile = await load(store, data, () => ended)
await rotating
const rotationS = Math.round((performance.now() - rotationStart) / 100) / 10
const rssMiB = Math.round(process.memoryUsage().rss / 2 ** 20)
/** How much longer the slowest hundredth takes while keys turn. */
const ratio = (after: number, first: number): number => Math.round((10 * after) / first) / 10
const p99Times = {
  write: ratio(meanwhile.writeP99Ms, before.writeP99Ms),
  read: ratio(meanwhile.readP99Ms, before.readP99Ms),
}
await store.close()
const oldKeyOpens = await oldKeysOpen()
await rm(directory, { recursive: true })
const times = { fillS: Math.round(fillS), openMs, rotationS }
console.log(JSON.stringify({ quads: count, ...times, before, meanwhile, p99Times, oldKeyOpens, rssMiB }))
