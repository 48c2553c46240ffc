// Folds the effects of many steps into one plan: what may go out now, what must be made durable (one append, one fsync:
// group commit), and what waits for that.

import type { Effect, JournalRecord } from './contract.ts'

export interface Turn<Message> {
  /** Before the first save: carried out at once. */
  readonly before: readonly Exclude<Effect<Message>, { readonly type: 'save' }>[]
  readonly saves: readonly JournalRecord[]
  /** After the first save: carried out in this order, once all saves are durable. */
  readonly after: readonly Exclude<Effect<Message>, { readonly type: 'save' }>[]
}

/** `effects`: those of all steps of this turn, in order. */
export function planTurn<Message>(effects: readonly Effect<Message>[]): Turn<Message> {
  const before: Exclude<Effect<Message>, { type: 'save' }>[] = []
  const after: Exclude<Effect<Message>, { type: 'save' }>[] = []
  const saves: JournalRecord[] = []
  for (const effect of effects) {
    if (effect.type === 'save') saves.push(effect.record)
    else (saves.length === 0 ? before : after).push(effect)
  }
  return { before, saves, after }
}
