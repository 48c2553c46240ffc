// What must be known of the current view after a crash, as one journal record.

import type { PbftRecord } from './records.ts'
import type { State } from './state.ts'

/** Undefined in view 0, which everybody enters without a vote. */
export function viewRecord(state: State): PbftRecord | undefined {
  if (!state.active) {
    const change = state.changes.get(state.setup.self)?.change
    return change === undefined ? undefined : { type: 'changing', view: state.view, change }
  }
  return state.newView === undefined ? undefined : { type: 'entered', newView: state.newView }
}
