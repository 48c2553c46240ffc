// quadrille submit: files of RDF as transactions of bounded size, many on their way at once. All files are read to their end
// before the first transaction leaves, so that a mistake in line 4711 changes nothing; then again, in bounded memory. A
// submission that was stopped goes on where it was when the same command is given again.

import type { LedgerId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import type { SigningKey } from '../../base/signature.ts'
import { createClient, policiesOf } from '../../http/client.ts'
import { openRequester } from '../../http/client-request.ts'
import { type Genesis, ledgerIdFor } from '../../ledger/genesis.ts'
import { type Draft, type IngestOptions, ingest } from '../../node/ingest.ts'
import { readApplicationKey } from '../../node/key-files.ts'
import { version } from '../../node/version.ts'
import { type Context, type Handler, type Options, required, whole } from '../context.ts'
import { endpointOf, trustedGenesis } from '../node-access.ts'
import { openSubmission, type Send, underWayMax } from '../submission.ts'
import { type Note, noteId, openNote, unfinished } from '../submission-note.ts'
import { type Input, inputFrom, iriFrom, openDigest } from '../submit-input.ts'
import { openExplanation, openPlan } from '../submit-plan.ts'
import { openProgress, type Progress } from '../submit-progress.ts'

/** Beyond the first request: a node that is started again, and catches up. */
const retryMs = 120_000

export const submit: Handler = async (files, options, context) => {
  const { genesis } = await trustedGenesis(options, context)
  const input = await inputFrom(files, options)
  const draft = ingestOptions(genesis, options)
  if (options['explain'] === true) return await explainInput(input, draft, context)
  if (options['dryRun'] === true) return await planInput(input, draft, context)

  const keyPath = required(options, 'as')
  const { signing } = await readApplicationKey(keyPath)
  const endpoint = await endpointOf(options, context)
  const ledger = ledgerIdFor(genesis)
  const progress = openProgress(input.size, context)
  const first = await readThrough(input, draft, progress)
  const note =
    first === undefined ? undefined : await noteFor(keyPath, signing, ledger, input, draft, first.digest, context)
  const requester = openRequester({ endpoint, fetch, retryMs })
  const client = createClient({ endpoint, ledger, retryMs })
  const send = openSubmission({ client, requester, ledger, key: signing, note })
  progress.begin(first?.quads)
  try {
    await sendAll(input, draft, send, note, progress)
  } catch (error) {
    await note?.close()
    if (progress.begun) {
      const on = note === undefined ? '' : ' The same command goes on from there, and says nothing twice.'
      context.note(`${progress.stopped}${on}`)
    }
    throw error
  }
  await note?.remove()
  context.answer({ ...progress.json, dryRun: false }, [progress.summary])
  return 0
}

function ingestOptions(genesis: Genesis, options: Options): IngestOptions {
  const graph = iriFrom(options, 'graph')
  const quadsPerTransaction = whole(options, 'batch', 1, 5_000)
  return {
    policyOf: policiesOf(genesis),
    ...(graph === undefined ? {} : { graph }),
    ...(quadsPerTransaction === undefined ? {} : { quadsPerTransaction }),
  }
}

async function explainInput(input: Input, options: IngestOptions, context: Context): Promise<number> {
  const explanation = openExplanation(options.graph, options.policyOf)
  for (const quads of input.quads()) {
    // Through ingest as well, which refuses what it would refuse.
    const seen = (async function* () {
      for await (const some of quads) {
        explanation.add(some)
        yield some
      }
    })()
    for await (const _ of ingest(seen, options));
  }
  const { json, lines } = explanation.end()
  context.answer({ items: json, dryRun: true }, [...lines, 'Nothing was sent.'])
  return 0
}

async function planInput(input: Input, options: IngestOptions, context: Context): Promise<number> {
  const plan = openPlan()
  for (const quads of input.quads()) for await (const draft of ingest(quads, options)) plan.add(draft)
  context.answer({ ...plan.json, height: 0, dryRun: true }, plan.lines)
  return 0
}

/** Finds every mistake before anything is sent. Undefined for standard input, which cannot be read again. */
async function readThrough(
  input: Input,
  options: IngestOptions,
  progress: Progress,
): Promise<{ readonly digest: string; readonly quads: number } | undefined> {
  if (input.size === undefined) return undefined
  const digest = openDigest()
  let total = 0
  const onRead = (bytes: Uint8Array): void => {
    digest.update(bytes)
    progress.read(bytes.length)
  }
  for (const quads of input.quads(onRead)) for await (const draft of ingest(quads, options)) total += draft.quads
  return { digest: digest.end(), quads: total }
}

async function noteFor(
  keyPath: string,
  { publicKey }: SigningKey,
  ledger: LedgerId,
  input: Input,
  { graph = '', quadsPerTransaction = 0 }: IngestOptions,
  digest: string,
  context: Context,
): Promise<Note> {
  const id = noteId([
    ledger,
    Buffer.from(publicKey).toString('hex'),
    digest,
    graph,
    `${quadsPerTransaction}`,
    ...input.identity,
  ])
  const others = (await unfinished(keyPath)).filter((name) => !name.endsWith(id))
  for (const name of others) {
    context.note(
      `${name}: another submission with this key was not finished. Give its command again, or remove the folder.`,
    )
  }
  const note = await openNote(keyPath, id, version)
  if (note.resumed) context.note('Going on with a submission that was stopped.')
  return note
}

async function sendAll(
  input: Input,
  options: IngestOptions,
  send: Send,
  note: Note | undefined,
  progress: Progress,
): Promise<void> {
  const underWay = new Set<Promise<void>>()
  let [place, named, bytes] = [0, 0, 0]
  let failure: unknown
  const take = async (draft: Draft, at: number): Promise<void> => {
    bytes += draft.bytes
    progress.sent(draft, await send(draft, at))
    bytes -= draft.bytes
  }
  const same: IngestOptions = note === undefined ? options : { ...options, randomBytes: () => note.skolem(named++) }
  try {
    for (const quads of input.quads()) {
      for await (const draft of ingest(quads, same)) {
        const at = place++
        if (note?.finals.has(at) === true) {
          progress.skipped(draft)
          continue
        }
        const going = take(draft, at).catch((error: unknown) => {
          failure ??= error
        })
        underWay.add(going)
        going.finally(() => underWay.delete(going))
        while (underWay.size >= underWayMax || bytes > limits.submissionBytesMax) await Promise.race(underWay)
        if (failure !== undefined) throw failure
      }
    }
  } finally {
    await Promise.all(underWay)
  }
  if (failure !== undefined) throw failure
}
