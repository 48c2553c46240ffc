// The replica: one switch from inputs to the rules of the other files. Each step ends with what has become possible: batches
// are delivered, the leader proposes, and the invariants are checked.

import { unreachable } from '../base/errors.ts'
import type { Epoch, NodeId } from '../base/ids.ts'
import type { ResultCertificate } from '../consensus/certificate.ts'
import type { Core, CoreStatus, Effect, Input, Setup } from '../consensus/contract.ts'
import type { Roster } from '../consensus/roster.ts'
import {
  onApplied,
  onCertified,
  onCertifiedFenced,
  onFetchFailed,
  onInstalled,
  onResult,
  tellFenced,
} from './checkpoint.ts'
import { deliver } from './delivery.ts'
import { onBatch, onNewView, onWant } from './entering.ts'
import { succeed } from './epochs.ts'
import { onDecided, onStatus } from './help.ts'
import { checkInvariants } from './invariants.ts'
import type { PbftMessage } from './messages.ts'
import { onChecked, onPrePrepare, onVote } from './normal.ts'
import { onRead, onToken } from './reads.ts'
import { onRecall, onRecalled } from './recall.ts'
import { onForwarded, onRequest, propose } from './requests.ts'
import { begin, restore, start } from './restart.ts'
import { finalSequence, leaderOf, lowWatermark, type State } from './state.ts'
import { note, onTick } from './timers.ts'
import { considerChanges, onViewChange } from './views.ts'

export class Replica implements Core<PbftMessage> {
  #state: State

  constructor(setup: Setup) {
    this.#state = start(setup)
    checkInvariants(this.#state)
  }

  step(input: Input<PbftMessage>): readonly Effect<PbftMessage>[] {
    handle(this.#state, input)
    this.#succeed()
    deliver(this.#state)
    propose(this.#state)
    checkInvariants(this.#state)
    return this.#state.out.splice(0)
  }

  /** Into the next epoch, when its time has come. */
  #succeed(): void {
    const next = succeed(this.#state)
    if (next === this.#state) return
    this.#state = next
    restore(next)
    if (next.now !== undefined) begin(next, 'epoch began')
  }

  status(): CoreStatus {
    const state = this.#state
    return {
      round: state.view,
      leader: leaderOf(state, state.view),
      delivered: state.delivered,
      final: finalSequence(state),
      stable: lowWatermark(state),
      waiting: state.waiting.size,
      state:
        state.fenced || state.split !== undefined || state.voting === 'forgot'
          ? 'fenced'
          : state.fetching
            ? 'recovering'
            : state.active
              ? 'normal'
              : 'changing',
      note: note(state),
    }
  }

  rosters(epoch: Epoch): readonly Roster[] {
    const { roster } = this.#state
    return epoch === roster.epoch ? [roster] : []
  }
}

function handle(state: State, input: Input<PbftMessage>): void {
  if (state.fenced !== undefined) handleFenced(state, state.fenced, input)
  else handleFree(state, input)
}

/** A fenced replica only waits for a state that it can trust; with it, it begins anew. */
function handleFenced(state: State, fenced: ResultCertificate, input: Input<PbftMessage>): void {
  if (input.type === 'receive' && input.message.type === 'certified') onCertifiedFenced(state, input.message)
  if (input.type === 'receive' && input.message.type === 'recall') onRecall(state, input.from, input.message)
  if (input.type === 'tick') {
    if (state.now === undefined) tellFenced(state, fenced)
    state.now = input.now
  }
  if (input.type !== 'installed') return
  onInstalled(state, input)
  if (state.fenced === undefined) begin(state)
}

function handleFree(state: State, input: Input<PbftMessage>): void {
  switch (input.type) {
    case 'tick':
      onTick(state, input.now)
      break
    case 'request':
      onRequest(state, input.id, input.bytes)
      break
    case 'receive':
      receive(state, input.from, input.message)
      break
    case 'checked':
      onChecked(state, input.token, input.verdict)
      break
    case 'read':
      onRead(state, input.id)
      break
    case 'applied':
      onApplied(state, input)
      break
    case 'installed':
      onInstalled(state, input)
      break
    case 'fetchFailed':
      onFetchFailed(state, input.token)
      break
    default:
      unreachable(input)
  }
}

/** What nodes that do not vote may say: what they want, and what needs no trust. */
const openTo: readonly PbftMessage['type'][] = ['request', 'token', 'status', 'want', 'decided', 'certified', 'recall']

function receive(state: State, from: NodeId, message: PbftMessage): void {
  if (from === state.setup.self || (!state.validators.has(from) && !openTo.includes(message.type))) return
  switch (message.type) {
    case 'request':
      onForwarded(state, from, message)
      break
    case 'token':
      onToken(state, from, message)
      break
    case 'pre-prepare':
      onPrePrepare(state, from, message)
      break
    case 'prepare':
    case 'commit':
      onVote(state, from, message.type, message.vote)
      break
    case 'result':
      onResult(state, from, message.signed)
      break
    case 'status':
      onStatus(state, from, message)
      break
    case 'decided':
      onDecided(state, from, message)
      break
    case 'certified':
      onCertified(state, from, message)
      break
    case 'view-change':
      onViewChange(state, from, message.change)
      break
    case 'new-view':
      onNewView(state, from, message.newView)
      considerChanges(state)
      break
    case 'want':
      onWant(state, from, message)
      break
    case 'batch':
      onBatch(state, message)
      break
    case 'recall':
      onRecall(state, from, message)
      break
    case 'recalled':
      onRecalled(state, from, message)
      break
    default:
      unreachable(message)
  }
}
