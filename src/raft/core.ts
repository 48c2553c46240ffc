// The server: one switch from inputs to the rules of the other files. Each step ends with what has become possible: batches are
// proposed, entries are sent, reads are answered, and the invariants are checked.

import { unreachable } from '../base/errors.ts'
import type { Epoch, NodeId } from '../base/ids.ts'
import type { Core, CoreStatus, Effect, Input, Setup } from '../consensus/contract.ts'
import type { Roster } from '../consensus/roster.ts'
import {
  answerOwnReads,
  confirmReads,
  onForwarded,
  onRead,
  onReadAsked,
  onReadIndex,
  onRequest,
  propose,
} from './clients.ts'
import { commitAcknowledged, commitAhead, onAcknowledge } from './commit.ts'
import { onFetchFailed, onInstall, onInstalled } from './compaction.ts'
import { onVote, onVoted } from './election.ts'
import { onAppend, onChecked, onHeartbeat } from './following.ts'
import { checkInvariants } from './invariants.ts'
import { rostersOf } from './log.ts'
import { changeMembers, onMandate } from './membership.ts'
import type { RaftMessage } from './messages.ts'
import { onAlive, onMismatch, replicate } from './replication.ts'
import { restore } from './restart.ts'
import { onApplied, onCertified, onResult, settleAhead } from './results.ts'
import { finalSequence, newState, type State } from './state.ts'
import { note, onTick } from './timers.ts'
import { continueTransfer, onTakeOver } from './transfer.ts'

export class Server implements Core<RaftMessage> {
  readonly #state: State

  constructor(setup: Setup) {
    this.#state = newState(setup)
    restore(this.#state, setup.journal)
    checkInvariants(this.#state)
  }

  step(input: Input<RaftMessage>): readonly Effect<RaftMessage>[] {
    const state = this.#state
    if (state.fenced) return []
    handle(state, input)
    if (!state.fenced) follow(state)
    checkInvariants(state)
    return state.out.splice(0)
  }

  status(): CoreStatus {
    const state = this.#state
    return {
      round: state.term,
      leader: state.leader ?? state.setup.self,
      delivered: state.commit,
      final: finalSequence(state),
      stable: state.stable,
      waiting: state.waiting.size,
      state: state.fenced ? 'fenced' : state.fetching ? 'recovering' : state.leader ? 'normal' : 'changing',
      note: note(state),
    }
  }

  rosters(epoch: Epoch): readonly Roster[] {
    const { log, next } = this.#state
    const known = next === undefined ? rostersOf(log) : [...rostersOf(log), next]
    // While two rosters are in force, both of their servers sign in the epoch of the older one.
    return known.some((roster) => roster.epoch === epoch) ? known.filter((roster) => roster.epoch >= epoch) : []
  }
}

/** What has become possible. A single server's majority is itself. */
function follow(state: State): void {
  if (state.role === 'leader') {
    commitAcknowledged(state)
    changeMembers(state)
    propose(state)
    commitAcknowledged(state)
    confirmReads(state)
    continueTransfer(state)
    replicate(state)
  } else if (state.leader !== undefined) commitAhead(state, state.leader)
  answerOwnReads(state)
}

function handle(state: State, input: Input<RaftMessage>): void {
  switch (input.type) {
    case 'tick':
      onTick(state, input.now)
      break
    case 'request':
      onRequest(state, input.id, input.bytes)
      break
    case 'receive':
      if (input.from !== state.setup.self) receive(state, input.from, input.message)
      break
    case 'checked':
      onChecked(state, input.token, input.verdict)
      break
    case 'read':
      onRead(state, input.id)
      break
    case 'applied':
      onApplied(state, input.outcome)
      onMandate(state, input.mandate)
      break
    case 'installed':
      onInstalled(state, input)
      onMandate(state, input.mandate)
      settleAhead(state)
      break
    case 'fetchFailed':
      onFetchFailed(state, input.token)
      break
    default:
      unreachable(input)
  }
}

function receive(state: State, from: NodeId, message: RaftMessage): void {
  switch (message.type) {
    case 'request':
      onForwarded(state, from, message)
      break
    case 'vote':
      onVote(state, from, message)
      break
    case 'voted':
      onVoted(state, from, message)
      break
    case 'append':
      onAppend(state, from, message)
      break
    case 'acknowledge':
      onAcknowledge(state, from, message)
      break
    case 'mismatch':
      onMismatch(state, from, message)
      break
    case 'heartbeat':
      onHeartbeat(state, from, message)
      break
    case 'alive':
      onAlive(state, from, message)
      break
    case 'install':
      onInstall(state, from, message)
      break
    case 'take-over':
      onTakeOver(state, message)
      break
    case 'read':
      onReadAsked(state, from, message)
      break
    case 'read-index':
      onReadIndex(state, message)
      break
    case 'result':
      onResult(state, from, message)
      break
    case 'certified':
      onCertified(state, from, message)
      break
    default:
      unreachable(message)
  }
}
