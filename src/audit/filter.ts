// Which transactions the views of a bundle show.

import type { ActView } from './replay.ts'

export const filterFields = ['from', 'to', 'organisation', 'type', 'graph'] as const

/** What a row of a view must have; of each field at most one. Times are ISO 8601. */
export interface ViewFilter {
  readonly field: (typeof filterFields)[number]
  readonly value: string
}

/** One transaction with all that views say of it. */
export interface EventView extends ActView {
  readonly seq: number
  readonly time: number
  readonly height: number
  readonly index: number
  readonly tx: string
  readonly act: string
  readonly outcome: string
  readonly organisation: string
  readonly key: string
}

/** Whether an event is of the value that a filter asks for; `from` is included, `to` is not. */
export function passes(event: EventView, field: ViewFilter['field'], value: string): boolean {
  switch (field) {
    case 'from':
      return event.time >= Date.parse(value)
    case 'to':
      return event.time < Date.parse(value)
    case 'organisation':
      return event.organisation === value
    case 'type':
      return event.act === value
    case 'graph':
      return event.graphs.includes(value)
  }
}
