// Section 4.4, view changes: leaving a view with a VIEW-CHANGE that shows what prepared here, joining f+1 others who left,
// and, for the leader of the new view, the NEW-VIEW. Entering it is in entering.ts.

import type { NodeId, View } from '../base/ids.ts'
import type { RoundReason } from '../consensus/contract.ts'
import { certified, isResultCertificate } from './checkpoint.ts'
import { digestBytes, newViewBytes, viewChangeDigest } from './claims.ts'
import { enterView, tryPending } from './entering.ts'
import type { NewView, PreparedCertificate, ViewChange } from './messages.ts'
import { computeO } from './new-view.ts'
import { broadcast, drop, elapsed, refuse, save, signedVote } from './out.ts'
import type { PbftRecord } from './records.ts'
import { clock, isLeader, isQuorum, leaderOf, lowWatermark, nullDigest, type State } from './state.ts'

/** Leaves for `view`: from now on nothing of a lower view is voted on. */
export function changeView(state: State, view: View, reason: RoundReason): void {
  if (state.active || reason !== 'others moved') state.leaving = reason
  state.view = view
  state.active = false
  state.fruitless++
  state.quorumAt = undefined
  forgetView(state)
  const { ledger, self, sign } = state.setup
  const unsigned: Omit<ViewChange, 'signature'> = {
    signer: self,
    epoch: state.epoch,
    view,
    stable: state.stable === undefined ? [] : [state.stable],
    prepared: preparedHere(state),
  }
  const digest = viewChangeDigest(ledger, unsigned)
  const change: ViewChange = { ...unsigned, signature: sign('view-change', digestBytes(digest), state.epoch) }
  state.changes.set(self, { change, digest })
  state.changeSentAt = clock(state)
  save(state, lowWatermark(state), { type: 'changing', view, change })
  broadcast(state, { type: 'view-change', change })
  considerChanges(state)
}

/** Own votes and the leader's proposals were of the view that ends; the votes of others count themselves. */
function forgetView(state: State): void {
  state.checks.clear()
  for (const slot of state.slots.values()) {
    slot.proposal = undefined
    slot.ownPrepare = undefined
    slot.ownCommit = undefined
  }
}

/** P: for each sequence above the stable checkpoint the proof that something prepared, of the latest view in which it did. */
function preparedHere(state: State): readonly PreparedCertificate[] {
  const found = [...state.slots.values()].flatMap(({ prepared }) => (prepared === undefined ? [] : [prepared]))
  return found.filter(({ sequence }) => sequence > lowWatermark(state)).sort((a, b) => a.sequence - b.sequence)
}

export function onViewChange(state: State, from: NodeId, change: ViewChange): void {
  if (change.epoch !== state.epoch) return
  if (!isViewChange(state, change)) {
    refuse(state, from, 'MALFORMED')
    return
  }
  const known = state.changes.get(change.signer)
  const wanted = isWanted(state, change.signer)
  if (known !== undefined && known.change.view >= change.view && !wanted) {
    if (change.view < state.view) drop(state, from, 'STALE_MESSAGE')
    return
  }
  const digest = viewChangeDigest(state.setup.ledger, change)
  if (wanted) state.found.set(digest, change)
  for (const certificate of change.stable) certified(state, certificate)
  if (known === undefined || known.change.view < change.view) state.changes.set(change.signer, { change, digest })
  considerChanges(state)
  tryPending(state)
}

/** Whether a NEW-VIEW that waits names a view change of this validator. */
function isWanted(state: State, signer: NodeId): boolean {
  for (const { newView } of state.pending.values()) {
    if (newView.changes.some(({ node }) => node === signer)) return true
  }
  return false
}

/** Everything but the signatures, which verified before. */
function isViewChange(state: State, { signer, view, stable, prepared }: ViewChange): boolean {
  if (!state.validators.has(signer) || view === 0) return false
  if (!stable.every((each) => isResultCertificate(state, each) && each.result.checkpoint.length === 1)) return false
  const low = stable[0]?.result.sequence ?? state.setup.since
  let last = low
  for (const certificate of prepared) {
    const { sequence } = certificate
    if (sequence <= last || sequence > low + state.setup.parameters.window) return false
    if (!isPreparedCertificate(state, certificate, view)) return false
    last = sequence
  }
  return true
}

function isPreparedCertificate(state: State, certificate: PreparedCertificate, before: View): boolean {
  const leader = leaderOf(state, certificate.view)
  return (
    certificate.view < before &&
    certificate.proposal.node === leader &&
    certificate.prepares.every(({ node }) => node !== leader) &&
    isQuorum(state, certificate.prepares, state.q - 1)
  )
}

/**
 * The latest view that each validator left for, as far as it signed so here. Whoever leads a view has left for it, too: the view
 * changes that its NEW-VIEW follows from may be nowhere any more, after it started again and others went on.
 */
function viewsWanted(state: State): readonly View[] {
  const wanted = new Map<NodeId, View>()
  for (const [signer, { change }] of state.changes) wanted.set(signer, change.view)
  for (const { newView } of state.pending.values()) {
    if (newView.view > (wanted.get(newView.signer) ?? 0)) wanted.set(newView.signer, newView.view)
  }
  return [...wanted.values()].sort((a, b) => b - a)
}

/** What the others' moves to later views ask for. */
export function considerChanges(state: State): void {
  const views = viewsWanted(state)
  // f+1 want at least this view, so a correct one does: join it, whatever the own timer says (section 4.5.2).
  const joined = views[state.f]
  if (joined !== undefined && joined > state.view && state.voting === 'votes') {
    changeView(state, joined, 'others moved')
    return
  }
  if (state.active) return
  const wanting = views.filter((view) => view >= state.view).length
  if (wanting >= state.q) state.quorumAt ??= clock(state)
  if (isLeader(state) && state.voting === 'votes') makeNewView(state)
}

/** The leader of this view has a quorum of view changes for it: it shows them, and what follows from them. */
function makeNewView(state: State): void {
  const usable = [...state.changes.values()].filter(({ change }) => change.view === state.view)
  if (usable.length < state.q) return
  const chosen = usable.sort((a, b) => (a.change.signer < b.change.signer ? -1 : 1)).slice(0, state.q)
  const { ledger, self, sign } = state.setup
  const { epoch, view } = state
  const changes = chosen.map(({ change }) => change)
  const carried = computeO(changes, nullDigest, state.setup.since).proposals
  const proposals = carried.map(({ sequence, digest }) => {
    const { signature } = signedVote(state, 'pre-prepare', sequence, digest)
    return { sequence, digest, signature }
  })
  const names = chosen.map(({ change, digest }) => ({ node: change.signer, digest }))
  const unsigned: Omit<NewView, 'signature'> = { signer: self, epoch, view, changes: names, proposals }
  const newView: NewView = { ...unsigned, signature: sign('new-view', newViewBytes(ledger, unsigned), epoch) }
  enterView(state, newView, changes)
  broadcast(state, { type: 'new-view', newView })
}

/** On ticks: the own VIEW-CHANGE again, until its view is entered or left. */
export function resendChange(state: State): void {
  if (state.active || !elapsed(state, state.changeSentAt, state.setup.parameters.resendMs)) return
  const own = state.changes.get(state.setup.self)
  if (own === undefined) return
  state.changeSentAt = clock(state)
  broadcast(state, { type: 'view-change', change: own.change })
}

/** A view that the journal tells of. */
export function restoreChanging(state: State, record: Extract<PbftRecord, { type: 'changing' }>): void {
  const { view, change } = record
  if (view < state.view || (view === state.view && state.newView?.view === view)) return
  state.view = view
  state.active = false
  state.changes.set(state.setup.self, { change, digest: viewChangeDigest(state.setup.ledger, change) })
}
