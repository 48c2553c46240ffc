// quadrille erase: orders of erasure, from what they would take (--preview) to the report. Two keys of the controller sign:
// both in one go, or the second on another machine by way of a draft.

import { randomBytes } from '#crypto'
import { fromHex, toHex } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { keyId } from '../../base/hash.ts'
import { type TxId, timeOf, txIdOf } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester } from '../../http/client-request.ts'
import { signerOf } from '../../ledger/build.ts'
import { approvalSchema, comparePlaces, type ErasureReason, reasonSchema } from '../../ledger/erasure-acts.ts'
import { approve, type ErasureDraft, erasureDraftSchema, signDraft } from '../../node/erasure-draft.ts'
import { erasurePage } from '../../node/erasure-page.ts'
import { type ErasureReport, erasureReportSchema, missingOf } from '../../node/erasure-report.ts'
import { readJson } from '../../node/home.ts'
import { readApplicationKey, writeNew } from '../../node/key-files.ts'
import { argument, type Context, type Handler, type Options, optional, required, whole } from '../context.ts'
import { endpointOf, openClient } from '../node-access.ts'
import { type Found, inWords, overview } from './person.ts'
import { retryMs } from './query.ts'
import { selectionFrom } from './selection.ts'

export const erase: Handler = async (_args, options, context) => {
  const selection = selectionFrom(options)
  const reason = reasonFrom(options)
  const caseName = required(options, 'case')
  const found = await overview(selection, options, context)
  if (found.items.length === 0) throw new LedgerError('ITEM_UNKNOWN', { selected: selection.type })
  if (options['preview'] === true) {
    context.answer({ case: caseName, reason, ...(JSON.parse(JSON.stringify(found)) as object) }, [
      `Case ${caseName}, reason ${reason}. Nothing is ordered yet. It would erase:`,
      ...inWords(found),
    ])
    return 0
  }
  const draft = optional(options, 'draft')
  return draft === undefined
    ? order(found, { reason, caseName }, options, context)
    : writeDraft(draft, found, { reason, caseName }, options, context)
}

/** For an approval on another machine. */
async function writeDraft(
  file: string,
  { items }: Found,
  { reason, caseName }: Wanted,
  options: Options,
  context: Context,
): Promise<number> {
  if (items.length > limits.placesPerActMax) {
    throw new LedgerError('TOO_LARGE', { items: items.length, most: limits.placesPerActMax })
  }
  const { signing } = await readApplicationKey(required(options, 'as'))
  const { ledger } = await openClient(options, context)
  const draft: ErasureDraft = {
    kind: 'quadrille erasure draft 1',
    ledger,
    key: signing.publicKey,
    sequence: await nextNumber(signing.publicKey, options, context),
    items: items.map(({ place }) => place).sort(comparePlaces),
    reason,
    reference: randomBytes(16),
  }
  await writeNew(file, `${JSON.stringify(erasureDraftSchema.toJson(draft), undefined, 2)}\n`, 0o644)
  context.answer({ draft: file, case: caseName, reference: toHex(draft.reference), items: items.length }, [
    `${file} would erase ${items.length} items. Note in the file of case ${caseName}: reference ${toHex(draft.reference)}.`,
    `The second person approves it: quadrille erase approve ${file} --as officer.key > approval.json`,
    `Then you send it: quadrille erase send ${file} --approval approval.json --as clerk.key`,
  ])
  return 0
}

export const approveDraft: Handler = async (args, options, context) => {
  const draft = await readJson(argument(args, 0), erasureDraftSchema)
  const { signing } = await readApplicationKey(required(options, 'as'))
  context.document(approvalSchema.toJson(await approve(draft, signerOf(signing))))
  return 0
}

export const sendDraft: Handler = async (args, options, context) => {
  const draft = await readJson(argument(args, 0), erasureDraftSchema)
  const approval = await readJson(required(options, 'approval'), approvalSchema)
  const { signing } = await readApplicationKey(required(options, 'as'))
  const client = await openClient(options, context)
  const expires = timeOf(Date.now() + 2 * limits.submitMsMax)
  const { bytes } = await signDraft(draft, approval, signerOf(signing), expires)
  const { tx, height } = await client.submitTransaction(bytes, new Uint8Array())
  context.answer({ order: tx, height, items: draft.items.length }, [
    `Order ${tx} stands at height ${height}: ${draft.items.length} items are unreadable everywhere from there on.`,
    `Wait until every node has purged its disk: quadrille erase status ${tx} --wait`,
  ])
  return 0
}

async function nextNumber(key: Uint8Array, options: Options, context: Context): Promise<number> {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const { next } = await objectOf(await requester.send(`/keys/${keyId(key)}`))
  if (typeof next !== 'number') throw new LedgerError('ANSWER_UNEXPECTED', { field: 'next' })
  return next
}

interface Wanted {
  readonly reason: ErasureReason
  readonly caseName: string
}

async function order(
  { items }: Found,
  { reason, caseName }: Wanted,
  options: Options,
  context: Context,
): Promise<number> {
  const clerk = await readApplicationKey(required(options, 'as'))
  const officer = await readApplicationKey(required(options, 'approveAs'))
  const client = await openClient(options, context, clerk.signing.seed)
  const reference = toHex(randomBytes(16))
  const orders: { order: TxId; height: number; items: number }[] = []
  for (let from = 0; from < items.length; from += limits.placesPerActMax) {
    const places = items.slice(from, from + limits.placesPerActMax).map(({ place }) => place)
    const { tx, height } = await client.submitErasure({
      items: places,
      reason,
      reference: fromHex(reference),
      approver: signerOf(officer.signing),
    })
    orders.push({ order: txIdOf(tx), height, items: places.length })
  }
  context.answer({ case: caseName, reference, orders }, [
    ...orders.map(
      ({ order: id, height, items: count }) =>
        `Order ${id} stands at height ${height}: ${count} items are unreadable everywhere from there on.`,
    ),
    `Note in the file of case ${caseName}: reference ${reference}. The ledger knows only the reference.`,
    `Wait until every node has purged its disk: quadrille erase status ${orders[0]?.order ?? ''} --wait`,
  ])
  return 0
}

/** Exit code 0 when every obliged node attested, 1 when some are missing. */
export const status: Handler = async (args, options, context) => {
  const wait = options['wait'] === true
  const seconds = whole(options, 'timeout', 1, 86_400) ?? 60
  const end = Date.now() + 1_000 * seconds
  let report = await reportFor(args, options, context)
  while (wait && !report.complete && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    report = await reportFor(args, options, context)
  }
  const missing = missingOf(report)
  const attested = report.obligations.length - missing.length
  context.answer({ order: report.order, complete: report.complete, attested, missing, height: report.height }, [
    report.complete
      ? `Complete: all ${attested} nodes purged their disks and attested it.`
      : `Partial: ${attested} of ${report.obligations.length} nodes attested; missing: ${missing.join(', ')}.`,
  ])
  return report.complete ? 0 : 1
}

export const report: Handler = async (args, options, context) => {
  const found = await reportFor(args, options, context)
  if (context.json) context.document(erasureReportSchema.toJson(found))
  else await context.write(erasurePage(found))
  return 0
}

async function reportFor(args: readonly string[], options: Options, context: Context): Promise<ErasureReport> {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const answer = await objectOf(await requester.send(`/erasures/${encodeURIComponent(argument(args, 0))}`))
  return erasureReportSchema.fromJson(answer, '')
}

function reasonFrom(options: Options): ErasureReason {
  try {
    return reasonSchema.fromJson(required(options, 'reason'), '--reason')
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code === 'USAGE') throw error
    throw new LedgerError('USAGE', {
      option: '--reason',
      expected: 'art17-1-a to art17-1-f, retention, rectification or other',
    })
  }
}
