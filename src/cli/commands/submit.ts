// quadrille submit: files of RDF as transactions of bounded size, several on their way at once. Where it stops, the error
// says how far it came; quads that are submitted again are asserted again, and hold once.

import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { LedgerError } from '../../base/errors.ts'
import { policiesOf } from '../../http/client.ts'
import { isAbsoluteIri } from '../../ledger/terms.ts'
import { reasonOf } from '../../node/home.ts'
import { type Draft, ingest } from '../../node/ingest.ts'
import { formatOf, parseRdf, type RdfFormat, rdfFormats } from '../../node/ingest-parse.ts'
import { readApplicationKey } from '../../node/key-files.ts'
import { type Context, type Handler, type Options, optional, required, whole } from '../context.ts'
import { openClient, trustedGenesis } from '../node-access.ts'

/** Transactions that wait for their answers at once: enough to fill blocks, far fewer than a key's window of numbers. */
const underWayMax = 16

export const submit: Handler = async (files, options, context) => {
  const { genesis } = await trustedGenesis(options, context)
  const policyOf = policiesOf(genesis)
  const graph = iriFrom(options, 'graph')
  const quadsPerTransaction = whole(options, 'batch', 1, 5_000)
  const send = options['dryRun'] === true ? undefined : await sender(options, context)
  const tally = { transactions: 0, quads: 0, items: 0, height: 0 }
  const underWay = new Set<Promise<void>>()
  let failure: unknown

  const take = async (draft: Draft): Promise<void> => {
    const height = (await send?.(draft)) ?? 0
    tally.transactions++
    tally.quads += draft.quads
    tally.items += draft.items.length
    tally.height = Math.max(tally.height, height)
    context.progress(`${tally.quads} quads in ${tally.transactions} transactions, height ${tally.height}`)
  }

  try {
    for (const file of files) {
      const quads = parseRdf(contentOf(file), parseOptions(file, options))
      const drafts = ingest(quads, {
        policyOf,
        ...(graph === undefined ? {} : { graph }),
        ...(quadsPerTransaction === undefined ? {} : { quadsPerTransaction }),
      })
      for await (const draft of drafts) {
        const going = take(draft).catch((error: unknown) => {
          failure ??= error
        })
        underWay.add(going)
        going.finally(() => underWay.delete(going))
        if (underWay.size >= underWayMax) await Promise.race(underWay)
        if (failure !== undefined) throw failure
      }
    }
    await Promise.all(underWay)
    if (failure !== undefined) throw failure
  } catch (error) {
    await Promise.all(underWay)
    if (tally.transactions > 0)
      context.note(`Before it stopped, ${tally.quads} quads in ${tally.transactions} transactions were final.`)
    throw error
  }
  const did = send === undefined ? 'Would submit' : 'Final:'
  const place = send === undefined ? '' : `, the last at height ${tally.height}`
  context.answer({ ...tally, dryRun: send === undefined }, [
    `${did} ${tally.quads} quads, ${tally.items} items, ${tally.transactions} transactions${place}.`,
  ])
  return 0
}

async function sender(options: Options, context: Context): Promise<(draft: Draft) => Promise<number>> {
  const { signing } = await readApplicationKey(required(options, 'as'))
  const client = await openClient(options, context, signing.seed)
  return async (draft) => (await client.submitDraft(draft)).height
}

/** The bytes of a file, unpacked if it ends in .gz. @throws LedgerError FILE_UNREADABLE, also in the middle of it */
async function* contentOf(file: string): AsyncGenerator<Uint8Array> {
  if (file === '-') return yield* process.stdin
  const stream = createReadStream(file)
  // A failure of either end ends the other, and the loop below with it.
  const content = file.endsWith('.gz') ? pipeline(stream, createGunzip(), () => undefined) : stream
  try {
    yield* content
  } catch (cause) {
    throw new LedgerError('FILE_UNREADABLE', { file, reason: reasonOf(cause) }, cause)
  }
}

function parseOptions(file: string, options: Options): { format: RdfFormat; base?: string; file: string } {
  const given = optional(options, 'format')
  const format = given === undefined ? formatOf(file) : rdfFormats.find((each) => each === given)
  if (format === undefined) throw new LedgerError('USAGE', { option: '--format', expected: rdfFormats.join(', ') })
  // No base is made up from the path: where a file lies is nobody else's affair.
  const base = iriFrom(options, 'base')
  return { format, file, ...(base === undefined ? {} : { base }) }
}

function iriFrom(options: Options, name: string): string | undefined {
  const iri = optional(options, name)
  if (iri === undefined || isAbsoluteIri(iri)) return iri
  throw new LedgerError('USAGE', { option: `--${name}`, expected: 'an absolute IRI' })
}
