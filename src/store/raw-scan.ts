// Looks for bytes in files as anybody would who has the disk and no key: whether what was erased is really gone. Files are
// read a megabyte at a time, in slices.

import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stored } from './failure.ts'
import { createPace, type Pace } from './pace.ts'

export interface ScanResult {
  readonly files: number
  readonly bytes: number
  readonly probes: number
  /** Probes that stand in at least one file. */
  readonly hits: number
}

const chunkBytes = 1_048_576
/** A probe is found by its first three bytes; shorter ones would be found everywhere. */
const probeBytesMin = 4

interface Search {
  /** One bit for each three bytes that some probe begins with. */
  readonly beginnings: Uint8Array
  readonly probes: Map<number, Uint8Array[]>
  readonly overlap: number
  readonly found: Set<Uint8Array>
  readonly pace: Pace
}

/** Searches every file under the directories. @throws RangeError for a probe below four bytes, LedgerError STORAGE_FAILED */
export async function scanFiles(directories: readonly string[], probes: readonly Uint8Array[]): Promise<ScanResult> {
  const search = prepare(probes)
  let files = 0
  let bytes = 0
  for (const directory of directories) {
    const entries = await stored(readdir(directory, { recursive: true, withFileTypes: true }))
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const size = await stored(scanFile(join(entry.parentPath, entry.name), search))
      if (size === undefined) continue
      files += 1
      bytes += size
    }
  }
  return { files, bytes, probes: probes.length, hits: search.found.size }
}

function prepare(probes: readonly Uint8Array[]): Search {
  const beginnings = new Uint8Array(2 ** 21)
  const byBeginning = new Map<number, Uint8Array[]>()
  for (const probe of probes) {
    if (probe.length < probeBytesMin) throw new RangeError(`a probe has at least ${probeBytesMin} bytes`)
    const beginning = beginningAt(probe, 0)
    beginnings[beginning >>> 3] = (beginnings[beginning >>> 3] as number) | (1 << (beginning & 7))
    byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), probe])
  }
  const overlap = probes.reduce((longest, { length }) => Math.max(longest, length), 1) - 1
  return { beginnings, probes: byBeginning, overlap, found: new Set(), pace: createPace() }
}

function beginningAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
}

/** Size of the file; undefined when it went meanwhile, as merged files do. */
async function scanFile(path: string, search: Search): Promise<number | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const chunk = new Uint8Array(chunkBytes + search.overlap)
    let size = 0
    for (let kept = 0; ; ) {
      const { bytesRead } = await file.read(chunk, kept, chunkBytes, size)
      if (bytesRead === 0) return size
      size += bytesRead
      const filled = chunk.subarray(0, kept + bytesRead)
      await scanChunk(filled, search)
      kept = Math.min(filled.length, search.overlap)
      chunk.copyWithin(0, filled.length - kept, filled.length)
    }
  } finally {
    await file.close()
  }
}

async function scanChunk(bytes: Uint8Array, { beginnings, probes, found, pace }: Search): Promise<void> {
  for (let at = 0; at + probeBytesMin <= bytes.length; at++) {
    if ((at & 0xffff) === 0) await pace()
    const beginning = beginningAt(bytes, at)
    if (((beginnings[beginning >>> 3] as number) & (1 << (beginning & 7))) === 0) continue
    for (const probe of probes.get(beginning) ?? []) if (beginsWith(bytes, at, probe)) found.add(probe)
  }
}

function beginsWith(bytes: Uint8Array, at: number, probe: Uint8Array): boolean {
  if (at + probe.length > bytes.length) return false
  for (let place = 0; place < probe.length; place++) if (bytes[at + place] !== probe[place]) return false
  return true
}
