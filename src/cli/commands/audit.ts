// quadrille audit: a bundle out of a running node, and its verification offline.

import { begunExport, exportBundle } from '../../audit/export.ts'
import { filterFields, type ViewFilter } from '../../audit/filter.ts'
import { folderReader } from '../../audit/folder.ts'
import { parseCheckpoint, parseNote } from '../../audit/note.ts'
import type { LocalVerdict } from '../../audit/verify-local.ts'
import { LedgerError } from '../../base/errors.ts'
import { idBytes, type OrganisationId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import type { JsonValue } from '../../base/schema.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester } from '../../http/client-request.ts'
import { erasureReportSchema } from '../../node/erasure-report.ts'
import { readBytes, readJson, readText } from '../../node/home.ts'
import { type Get, remoteBundle } from '../../node/remote-bundle.ts'
import { type VerifyReport, verifyExport } from '../../node/verify.ts'
import { fingerprint } from '../../node/words.ts'
import { argument, type Handler, type Options, optional, required, several, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { organisationFrom } from './org.ts'
import { retryMs } from './query.ts'

export const exportAudit: Handler = async (args, options, context) => {
  const folder = argument(args, 0)
  const genesis = await readBytes(optional(options, 'genesis') ?? context.home.genesis)
  const endpoint = await endpointOf(options, context)
  const [seed, previous] = [optional(options, 'seed'), optional(options, 'since')]
  const begun = await begunExport(folder)
  if (begun !== undefined) context.note(`Going on with the export of ${begun.height} blocks that was broken off.`)
  const reader = await readerFrom(options, endpoint)
  // So that the node's own log tells who took a copy.
  const requester = openRequester({ endpoint, fetch, retryMs })
  await requester.send('/log/exports', { method: 'POST', body: reader === undefined ? 'audit' : 'audit-payloads' })
  const source = await remoteBundle({
    get: getter(endpoint),
    post: async (path, body) => {
      const headers = { 'content-type': 'application/octet-stream' }
      const answer = await openRequester({ endpoint, fetch, retryMs }).send(path, { method: 'POST', headers, body })
      return new Uint8Array(await answer.arrayBuffer())
    },
    witnesses: several(options, 'witness').map(getter),
    genesis,
    reader,
    local: options['local'] === true,
    at: begun,
  })
  const manifest = await exportBundle(folder, source, {
    filter: filterFrom(options),
    ...(seed === undefined ? {} : { seed }),
    ...(previous === undefined ? {} : { previous: await readText(previous) }),
    onProgress: ({ stage, done, total }) =>
      context.progress(`${stage}: ${done}${total === undefined ? '' : ` of ${total}`}`),
  })
  const { height, size, root, files } = manifest
  context.answer({ folder, height, size, root, files: files.length }, [
    `${folder} holds ${height} blocks and ${size} leaves of the log in ${files.length} files.`,
    `Verify it anywhere: quadrille audit verify ${folder} --genesis genesis.json`,
  ])
  return 0
}

/** Exit code 1 when anything is wrong: every finding names its file and place. */
export const verifyAudit: Handler = async (args, options, context) => {
  const folder = argument(args, 0)
  const genesis = await readBytes(required(options, 'genesis'))
  const pinned = optional(options, 'checkpoint')
  const noteSigners = whole(options, 'signers', 0, limits.validatorsMax)
  const shown = optional(options, 'report')
  const report = await verifyExport(folderReader(folder), {
    genesis,
    ...(shown === undefined ? {} : { erasureReport: await readJson(shown, erasureReportSchema) }),
    ...(pinned === undefined ? {} : { checkpoint: parseCheckpoint(parseNote(await readText(pinned)).text) }),
    ...(noteSigners === undefined ? {} : { noteSigners }),
    onProgress: ({ stage, done, total }) => context.progress(`${stage}: ${done} of ${total}`),
  })
  context.answer(asJson(report), [
    ...inWords(report),
    ...reportInWords(report.erasureReportHolds),
    `This rests on the genesis that you gave, whose words are: ${fingerprint(idBytes(report.trusted.ledger))}`,
  ])
  return report.holds && report.erasureReportHolds !== false ? 0 : 1
}

/** @throws LedgerError USAGE for a time that is none */
function filterFrom(options: Options): readonly ViewFilter[] {
  return filterFields.flatMap((field) => {
    const option = field === 'organisation' ? 'org' : field
    const value = optional(options, option)
    if (value === undefined) return []
    if ((field === 'from' || field === 'to') && Number.isNaN(Date.parse(value))) {
      throw new LedgerError('USAGE', { option: `--${option}`, reason: 'expected a time, for example 2026-01-31' })
    }
    return [{ field, value }]
  })
}

function getter(endpoint: string): Get {
  const requester = openRequester({ endpoint, fetch, retryMs })
  return async (path) => new Uint8Array(await (await requester.send(path)).arrayBuffer())
}

/** Whom the payloads are for: --reader, else the organisation of the node; nobody with --without-payloads. */
async function readerFrom(options: Options, endpoint: string): Promise<OrganisationId | undefined> {
  if (options['withoutPayloads'] === true) return undefined
  const given = optional(options, 'reader')
  if (given !== undefined) return organisationFrom(given)
  const { organisation } = await objectOf(await openRequester({ endpoint, fetch, retryMs }).send('/status'))
  if (typeof organisation !== 'string') throw new LedgerError('ANSWER_UNEXPECTED', { field: 'organisation' })
  return organisationFrom(organisation)
}

const crashFault =
  'Its certificates are crash-fault: the members agreed with Raft, so they prove agreement only as far as no member’s software lied.'

function inWords({
  holds,
  faults,
  height,
  log,
  results,
  exporter,
  note,
  items,
  locals,
  findings,
  findingsTotal,
}: VerifyReport): readonly string[] {
  const { opened, erased, withheld, missing } = items
  return [
    holds ? 'The bundle holds.' : 'THE BUNDLE DOES NOT HOLD.',
    ...(faults === 'crash-fault' ? [crashFault] : []),
    `${height} blocks follow from the genesis, each agreed by a quorum, and lead to a log of ${log.size} leaves.`,
    `${results} results are signed by a quorum; ${note.signers} validators signed the checkpoint (a quorum is ${note.quorum}).`,
    ...(exporter === undefined
      ? []
      : [`Node ${exporter.slice(exporter.lastIndexOf('/') + 1)} made it and signed what it holds.`]),
    `Items: ${opened} opened, ${erased} erased by order, ${withheld} withheld, ${missing} missing.`,
    ...locals.flatMap(localInWords),
    ...findings.map(({ code, file, at, sentence, detail }) => {
      return `${code} in ${file}${at === '' ? '' : `, ${at}`}: ${sentence}${detail === '' ? '' : ` (${detail})`}`
    }),
    ...(findingsTotal > findings.length ? [`and ${findingsTotal - findings.length} more findings.`] : []),
  ]
}

function localInWords({ node, log, size, anchored, anchors, absent }: LocalVerdict): readonly string[] {
  const began = new Date(log).toISOString()
  const rest = size === anchored ? '' : `; the last ${size - anchored} rest on its word alone`
  return [
    `The local log of node ${node}, begun ${began}: ${size} leaves, ${anchored} of them bound by ${anchors} anchors${rest}.`,
    ...absent.map((each) => `That node also anchored a log begun ${new Date(each).toISOString()}, which is not here.`),
  ]
}

function reportInWords(holds: boolean | undefined): readonly string[] {
  if (holds === undefined) return []
  return [holds ? 'The erasure report says what the chain says.' : 'THE ERASURE REPORT IS NOT WHAT THE CHAIN SAYS.']
}

function asJson({ trusted, reader, ...report }: VerifyReport): JsonValue {
  return JSON.parse(JSON.stringify({ ...report, ledger: trusted.ledger, reader: reader ?? null })) as JsonValue
}
