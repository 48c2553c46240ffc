// quadrille person: what an organisation holds about a person, for whoever answers for the data there.

import { LedgerError } from '../../base/errors.ts'
import { type ItemId, itemIdOf, type TxId, txIdOf } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { id, list, record, type Schema, text, uint, word } from '../../base/schema.ts'
import { openRequester, type Requester } from '../../http/client-request.ts'
import { type ItemPlace, placeSchema } from '../../ledger/erasure-acts.ts'
import type { ExportKind } from '../../node/local-events.ts'
import { argument, type Context, type Handler, type Options } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { pour, retryMs } from './query.ts'

/** As node/persons.ts has it. */
export type Selection =
  | { readonly type: 'person'; readonly person: string }
  | { readonly type: 'items'; readonly items: readonly ItemId[] }
  | { readonly type: 'graph'; readonly graph: string }
  | { readonly type: 'due' }

/** As node/person-overview.ts has it. */
export interface FoundItem {
  readonly item: ItemId
  readonly place: ItemPlace
  readonly graph: string
  readonly policy: string
  readonly quads: number
  readonly subjects: number
  readonly holds: readonly TxId[]
}

export interface Found {
  readonly items: readonly FoundItem[]
  readonly references: readonly { readonly graph: string; readonly quads: number }[]
  readonly copies: readonly string[]
  readonly handedOut: {
    readonly listed: readonly { readonly time: number; readonly kind: ExportKind | 'backup' }[]
    readonly count: number
    readonly node: string
    readonly unasked: readonly string[]
  }
}

const many = Number.MAX_SAFE_INTEGER

export const foundSchema: Schema<Found> = record<Found>({
  items: list(
    record<FoundItem>({
      item: id(32, itemIdOf),
      place: placeSchema,
      graph: text(limits.iriBytesMax),
      policy: text(limits.nameBytesMax),
      quads: uint(),
      subjects: uint(),
      holds: list(id(32, txIdOf), limits.holdsPerItemMax),
    }),
    many,
  ),
  references: list(record<Found['references'][number]>({ graph: text(limits.iriBytesMax), quads: uint() }), many),
  copies: list(text(limits.nameBytesMax), many),
  handedOut: record<Found['handedOut']>({
    listed: list(
      record<Found['handedOut']['listed'][number]>({
        time: uint(),
        kind: word('audit', 'audit-payloads', 'dump', 'person', 'backup'),
      }),
      limits.handedOutListed,
    ),
    count: uint(),
    node: text(limits.nameBytesMax),
    unasked: list(text(limits.nameBytesMax), many),
  }),
})

export const find: Handler = async (args, options, context) => {
  const person = argument(args, 0)
  const found = await overview({ type: 'person', person }, options, context)
  if (found.items.length === 0) throw new LedgerError('PERSON_UNKNOWN')
  context.answer({ person, ...(foundSchema.toJson(found) as object) }, inWords(found))
  return 0
}

/** What an organisation holds about a person, as N-Quads: article 20 of GDPR. */
export const exportPerson: Handler = async (args, options, context) => {
  const answer = await (await requesterFor(options, context)).send('/persons/export', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/n-quads' },
    body: JSON.stringify({ type: 'person', person: argument(args, 0) }),
  })
  await pour(answer, context)
  return 0
}

export async function overview(selection: Selection, options: Options, context: Context): Promise<Found> {
  const answer = await (await requesterFor(options, context)).send('/persons/overview', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(selection),
  })
  return foundSchema.fromJson(JSON.parse(await answer.text()), '')
}

const kindInWords: Readonly<Record<Found['handedOut']['listed'][number]['kind'], string>> = {
  audit: 'an audit export without payloads',
  'audit-payloads': 'an audit export with payloads',
  dump: 'a dump of all quads',
  person: 'an export of a person',
  backup: 'a backup',
}

export function inWords({ items, references, copies, handedOut }: Found): readonly string[] {
  const quads = items.reduce((sum, each) => sum + each.quads, 0)
  const shared = items.filter(({ subjects }) => subjects > 1).length
  const held = items.filter(({ holds }) => holds.length > 0)
  return [
    `${items.length} items with ${quads} quads:`,
    ...items.map(
      ({ item, graph, policy, quads: own, place: { sequence } }) =>
        `  ${item}  ${own} quads in ${graph}, policy ${policy}, height ${sequence}`,
    ),
    ...(shared > 0 ? [`${shared} of them concern other persons too, who lose them with an erasure.`] : []),
    ...held.map(({ item, holds }) => `Under a legal hold: ${item}, by ${holds.join(', ')}`),
    ...references.map(
      ({ graph, quads: named }) => `${named} quads of other items in ${graph} name the person; they stay.`,
    ),
    `Copies: ${copies.join(', ')}, and what left any of them before: nobody can recall that.`,
    handedOut.count === 0
      ? `The local log of ${handedOut.node} tells of no export or backup since the first of these items.`
      : `Since the first of these items ${handedOut.count} exports and backups left ${handedOut.node}, the newest first:`,
    ...handedOut.listed.map(({ time, kind }) => `  ${new Date(time).toISOString()}  ${kindInWords[kind]}`),
    ...(handedOut.unasked.length === 0
      ? []
      : [
          `What left the others was not asked: ${handedOut.unasked.join(', ')}. Whoever runs them sees it with`,
          '`quadrille audit show --local --type exported` and `--type backup`.',
        ]),
  ]
}

async function requesterFor(options: Options, context: Context): Promise<Requester> {
  return openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
}
