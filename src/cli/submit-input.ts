// The files that a submission reads, and how: formats, graph, base, contexts, from the options of the command line.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { RdfQuad } from '../ledger/profile.ts'
import { isAbsoluteIri } from '../ledger/terms.ts'
import { reasonOf } from '../node/home.ts'
import { formatOf, parseRdf, type RdfFormat, rdfFormats } from '../node/ingest-parse.ts'
import { type Options, optional, several } from './context.ts'

export interface Input {
  /** Bytes of all files together, as they lie on the disk; undefined when one of them is standard input. */
  readonly size: number | undefined
  /** What the quads depend on beside the content of the files, and their number. */
  readonly identity: readonly string[]
  /** The quads of each file, in order. `onRead` is told how many bytes of the files were read more. */
  quads(onRead?: (bytes: Uint8Array) => void): Iterable<AsyncIterable<readonly RdfQuad[]>>
}

/** @throws LedgerError USAGE, FORMAT_UNKNOWN, FILE_UNREADABLE */
export async function inputFrom(files: readonly string[], options: Options): Promise<Input> {
  // No base is made up from the path: where a file lies is nobody else's affair.
  const base = iriFrom(options, 'base')
  const contexts = await contextsFrom(options)
  const read = files.map((file) => ({ file, format: formatFrom(file, options) }))
  const sizes = files.includes('-') ? undefined : await Promise.all(files.map(sizeOf))
  return {
    size: sizes?.reduce((sum, size) => sum + size, 0),
    identity: [...read.map(({ format }) => format), base ?? '', ...[...contexts].flat()],
    *quads(onRead = () => undefined) {
      for (const { file, format } of read) {
        yield parseRdf(contentOf(file, onRead), { format, file, contexts, ...(base === undefined ? {} : { base }) })
      }
    },
  }
}

/** Hashes what is read of all files. */
export function openDigest(): { update(bytes: Uint8Array): void; end(): string } {
  const digest = createHash('sha256')
  return {
    update(bytes) {
      digest.update(bytes)
    },
    end: () => digest.digest('hex'),
  }
}

export function iriFrom(options: Options, name: string): string | undefined {
  const iri = optional(options, name)
  if (iri === undefined || isAbsoluteIri(iri)) return iri
  throw new LedgerError('USAGE', { option: `--${name}`, expected: 'an absolute IRI' })
}

function formatFrom(file: string, options: Options): RdfFormat {
  const given = optional(options, 'format')
  const format = given === undefined ? formatOf(file) : rdfFormats.find((each) => each === given)
  if (format === undefined) throw new LedgerError('USAGE', { option: '--format', expected: rdfFormats.join(', ') })
  return format
}

async function contextsFrom(options: Options): Promise<ReadonlyMap<string, string>> {
  const contexts = new Map<string, string>()
  for (const given of several(options, 'context')) {
    // The file's name is what follows the last =: IRIs may have one, too.
    const [iri, file] = [given.slice(0, given.lastIndexOf('=')), given.slice(given.lastIndexOf('=') + 1)]
    if (!isAbsoluteIri(iri)) throw new LedgerError('USAGE', { option: '--context', expected: 'IRI=FILE' })
    if ((await sizeOf(file)) > limits.contextBytesMax)
      throw new LedgerError('INPUT_TOO_LARGE', { file, part: 'a context' })
    const text = await readFile(file, 'utf8')
    try {
      JSON.parse(text)
    } catch (cause) {
      throw new LedgerError('PARSE_ERROR', { file, reason: 'not JSON' }, cause)
    }
    contexts.set(iri, text)
  }
  return contexts
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (cause) {
    throw new LedgerError('FILE_UNREADABLE', { file, reason: reasonOf(cause) }, cause)
  }
}

/** The bytes of a file, unpacked if it ends in .gz. @throws LedgerError FILE_UNREADABLE, also in the middle of it */
async function* contentOf(file: string, onRead: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  if (file === '-') return yield* process.stdin
  const stream = createReadStream(file)
  stream.on('data', (bytes) => onRead(bytes as Uint8Array))
  // A failure of either end ends the other, and the loop below with it.
  const content = file.endsWith('.gz') ? pipeline(stream, createGunzip(), () => undefined) : stream
  try {
    yield* content
  } catch (cause) {
    throw new LedgerError('FILE_UNREADABLE', { file, reason: reasonOf(cause) }, cause)
  }
}
