// Which items a command is about, from its options.

import { LedgerError } from '../../base/errors.ts'
import { itemIdOf } from '../../base/ids.ts'
import { type Options, optional, several } from '../context.ts'
import type { Selection } from './person.ts'

/** Exactly one of --person, --item, --graph and --due. */
export function selectionFrom(options: Options): Selection {
  const person = optional(options, 'person')
  const graph = optional(options, 'graph')
  const items = several(options, 'item')
  const chosen: Selection[] = [
    ...(person === undefined ? [] : [{ type: 'person' as const, person }]),
    ...(graph === undefined ? [] : [{ type: 'graph' as const, graph }]),
    ...(items.length === 0 ? [] : [{ type: 'items' as const, items: items.map(itemFrom) }]),
    ...(options['due'] === true ? [{ type: 'due' as const }] : []),
  ]
  const [selection, ...more] = chosen
  if (selection === undefined || more.length > 0) {
    throw new LedgerError('USAGE', { expected: 'one of --person, --item, --graph, --due' })
  }
  return selection
}

function itemFrom(given: string): ReturnType<typeof itemIdOf> {
  try {
    return itemIdOf(given)
  } catch (error) {
    throw new LedgerError('USAGE', { option: '--item', expected: 'an item id' }, error)
  }
}
