// Loaded into a node before its command line: once SIGUSR2 has armed it, the node dies by SIGKILL at the point of the durable
// order that QUADRILLE_CRASH_AT names, the first time that it comes there. It wraps the classes of the built files in the
// folder QUADRILLE_BUILT; the node itself knows nothing of it.

import { truncateSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Where a node can be killed, in the order in which one block passes. A killed process loses nothing that it wrote, synced or
 * not; what a disk may lose of what was not synced is played by `torn`: half of it is there.
 */
export const crashPoints = [
  'payload-staged',
  'journal-torn',
  'journal-synced',
  'blocks-before',
  'blocks-torn',
  'log-torn',
  'files-synced',
  'keys-added',
  'store-committed',
  'result-torn',
] as const

/** Likewise of a purge. */
export const purgePoints = [
  'probes-noted',
  'keys-dropped',
  'bag-turned',
  'compacted',
  'purged',
  'attesting',
  'attested',
] as const

export type CrashPoint = (typeof crashPoints)[number] | (typeof purgePoints)[number]

type Method = (this: never, ...args: never[]) => unknown

const point = process.env['QUADRILLE_CRASH_AT']
let armed = false

function dieAt(here: CrashPoint): void {
  if (armed && here === point) process.kill(process.pid, 'SIGKILL')
}

/** Runs `before` and `after` around every call of a method. */
function around<Self>(
  prototype: object,
  name: string,
  { before, after }: { before?: (self: Self) => unknown; after?: (self: Self) => void },
): void {
  const methods = prototype as Record<string, Method>
  const original = methods[name] as (...args: unknown[]) => unknown
  const wrapped = function (this: Self, ...args: unknown[]): unknown {
    before?.(this)
    const result = original.apply(this, args)
    if (!(result instanceof Promise)) {
      after?.(this)
      return result
    }
    return result.then((value: unknown) => {
      after?.(this)
      return value
    })
  }
  methods[name] = wrapped as Method
}

const built = async (path: string): Promise<Record<string, { readonly prototype: object }>> =>
  import(`${process.env['QUADRILLE_BUILT']}/${path}.js`)

/** Which of the files of a node an append-only file is. */
function kindOf(path: string): 'journal' | 'blocks' | 'result' | undefined {
  if (basename(dirname(path)) === 'journal') return 'journal'
  if (basename(path).startsWith('blocks-')) return 'blocks'
  return basename(path).startsWith('results-') ? 'result' : undefined
}

interface AppendFile {
  readonly path: string
  readonly size: number
}

async function install(): Promise<void> {
  const { AppendFile } = await built('base/append-file')
  const { Store } = await built('store/store')
  const { Database } = await built('store/database')
  const { PlacedFile } = await built('audit/log-files')
  if (!AppendFile || !Store || !Database || !PlacedFile) throw new Error('the built classes have other names')
  const sizes = new WeakMap<AppendFile, number>()
  around<AppendFile>(AppendFile.prototype, 'append', {
    before(file) {
      sizes.set(file, file.size)
      if (kindOf(file.path) === 'blocks') dieAt('blocks-before')
    },
    after(file) {
      const kind = kindOf(file.path)
      if (kind === undefined || !armed || point !== `${kind}-torn`) return
      const before = sizes.get(file) ?? 0
      truncateSync(file.path, before + Math.ceil((file.size - before) / 2))
      dieAt(`${kind}-torn`)
    },
  })
  around<AppendFile>(AppendFile.prototype, 'sync', {
    after(file) {
      if (kindOf(file.path) === 'journal') dieAt('journal-synced')
    },
  })
  const placed = PlacedFile.prototype as { write(place: number, bytes: Uint8Array): void }
  const write = placed.write
  placed.write = function (this: { readonly name: string }, place, bytes): void {
    const torn = armed && point === 'log-torn' && this.name === 'leaves'
    write.call(this, place, torn ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes)
    if (torn) dieAt('log-torn')
  }
  around(Store.prototype, 'stage', { after: () => dieAt('payload-staged') })
  let committing = false
  around(Store.prototype, 'commit', {
    before() {
      dieAt('files-synced')
      committing = true
    },
    after() {
      committing = false
      dieAt('store-committed')
    },
  })
  const { KeyBag } = await built('store/key-bag')
  const { KeyRing } = await built('store/key-ring')
  const { ProbeFiles } = await built('node/probe-files')
  if (!KeyBag || !KeyRing || !ProbeFiles) throw new Error('the built classes have other names')
  let noted = false
  around(ProbeFiles.prototype, 'write', {
    after() {
      noted = true
      dieAt('probes-noted')
    },
  })
  around(KeyBag.prototype, 'drop', { after: () => noted && !committing && dieAt('keys-dropped') })
  around(KeyRing.prototype, 'turnBag', { after: () => noted && dieAt('bag-turned') })
  around(Database.prototype, 'compact', { after: () => noted && dieAt('compacted') })
  around(Store.prototype, 'purge', { after: () => noted && dieAt('purged') })
  const { NodeActs } = await built('node/node-acts')
  if (!NodeActs) throw new Error('the built classes have other names')
  around(NodeActs.prototype, 'send', {
    before: () => noted && dieAt('attesting'),
    after: () => noted && dieAt('attested'),
  })
  around(Database.prototype, 'write', { before: () => committing && dieAt('keys-added') })
}

if (point !== undefined) {
  process.on('SIGUSR2', () => {
    armed = true
  })
  await install()
}
