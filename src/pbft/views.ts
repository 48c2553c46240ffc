// Section 4.4, view changes.

import type { PbftRecord } from './records.ts'
import type { State } from './state.ts'

/** A view that the journal tells of. */
export function restoreView(state: State, record: Extract<PbftRecord, { type: 'changing' | 'entered' }>): void {
  const view = record.type === 'changing' ? record.view : record.newView.view
  if (view < state.view) return
  state.view = view
}
