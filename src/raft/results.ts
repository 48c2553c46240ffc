// What executing the log gave: every server signs its result and tells all, and a majority of equal ones makes a block final.
// This is no part of Raft, and the same as in PBFT: it is what clients are answered with, and it finds a server whose state is
// damaged.

import { invariant } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import { encode } from '../base/schema.ts'
import { type ResultCertificate, resultCertificateSchema, sortedSignatures } from '../consensus/certificate.ts'
import type { Outcome } from '../consensus/contract.ts'
import { type Result, resultBytes, resultKey } from '../consensus/statements.ts'
import { compact } from './compaction.ts'
import { configurationAt, rosterOf } from './log.ts'
import type { RaftMessageOf } from './messages.ts'
import { broadcast, refuse, send } from './out.ts'
import { areQuorum, clock, elapsed, finalSequence, isQuorum, isVoter, type State } from './state.ts'

export function onApplied(state: State, outcome: Outcome): void {
  if (outcome.sequence <= state.applied.sequence) return
  invariant(outcome.sequence <= state.commit, 'a batch was executed that was not delivered')
  state.applied = outcome
  if (outcome.checkpoint.length > 0) state.checkpoint = outcome
  giveResult(state, outcome, false)
  if (outcome.checkpoint.length > 0) compact(state)
  settleAhead(state)
}

/** `again`: others that know more may help. */
function giveResult(state: State, outcome: Outcome, again: boolean): void {
  const { ledger, self, sign } = state.setup
  const roster = configurationAt(state.log, outcome.sequence)[0]
  if (roster === undefined || outcome.sequence === 0 || !isVoter([roster], self)) return
  const { sequence, block, logSize, logRoot, checkpoint } = outcome
  const result: Result = { ledger, epoch: roster.epoch, sequence, block, logSize, logRoot, checkpoint }
  const known = state.results.get(sequence)?.get(self)
  const signature = known?.signature ?? sign('result', resultBytes(result), result.epoch)
  const message: RaftMessageOf<'result'> = { type: 'result', signer: self, result, signature, again }
  broadcast(state, message)
  if (known === undefined) countResult(state, message)
}

/** On ticks: results that others seem not to have, or that are not final here. A later one covers earlier ones. */
export function resendResults(state: State): void {
  if (!elapsed(state, state.resultsAt, state.parameters.resendMs)) return
  state.resultsAt = clock(state)
  const { applied, checkpoint } = state
  if (finalSequence(state) < applied.sequence) giveResult(state, applied, true)
  if (state.stable < checkpoint.sequence && checkpoint.sequence < applied.sequence) giveResult(state, checkpoint, true)
}

export function onResult(state: State, from: NodeId, message: RaftMessageOf<'result'>): void {
  const { result } = message
  if (result.ledger !== state.setup.ledger) {
    refuse(state, from, 'WRONG_LEDGER')
    return
  }
  const { final } = state
  if (message.again && final !== undefined && result.sequence <= final.result.sequence) {
    send(state, from, { type: 'certified', certificate: final })
  }
  countResult(state, message)
}

/** Bounded: what is not final, up to two windows above what is executed here. */
function matters(state: State, { sequence, checkpoint }: Result): boolean {
  if (sequence > state.applied.sequence + 2 * state.parameters.window) return false
  return sequence > finalSequence(state) || (checkpoint.length > 0 && sequence > state.stable)
}

function countResult(state: State, message: RaftMessageOf<'result'>): void {
  const { result, signer } = message
  if (!matters(state, result)) return
  const tally = state.results.get(result.sequence) ?? new Map<NodeId, RaftMessageOf<'result'>>()
  state.results.set(result.sequence, tally)
  tally.set(signer, message)
  const key = resultKey(result)
  const equals = [...tally.values()].filter((each) => resultKey(each.result) === key)
  const signers = new Set(equals.map((each) => each.signer))
  const roster = rosterOf(state.log, result.epoch)
  if (roster === undefined || !isQuorum([roster], (node) => signers.has(node))) return
  const voters = equals.filter((each) => isVoter([roster], each.signer))
  const signatures = sortedSignatures(voters.map((each) => ({ node: each.signer, signature: each.signature })))
  certified(state, { result, signatures })
}

export function onCertified(state: State, from: NodeId, { certificate }: RaftMessageOf<'certified'>): void {
  const { result, signatures } = certificate
  const roster = rosterOf(state.log, result.epoch)
  if (result.ledger !== state.setup.ledger || roster === undefined) return
  if (areQuorum([roster], signatures)) certified(state, certificate)
  else refuse(state, from, 'QUORUM_NOT_MET')
}

/** A quorum has one and the same result. */
function certified(state: State, certificate: ResultCertificate): void {
  const { result } = certificate
  const { applied, checkpoint } = state
  const own = [applied, checkpoint].find(({ sequence }) => sequence === result.sequence)
  if (own !== undefined && resultKey({ ...result, ...own }) !== resultKey(result)) {
    fence(state, certificate)
    return
  }
  if (result.sequence > applied.sequence) {
    if (result.sequence > (state.finalAhead?.result.sequence ?? 0)) state.finalAhead = certificate
    return
  }
  if (result.checkpoint.length > 0 && result.sequence > state.stable) state.stable = result.sequence
  if (result.sequence > finalSequence(state)) {
    state.final = certificate
    state.out.push({ type: 'final', certificate })
  }
  for (const [sequence, tally] of state.results) {
    const [first] = tally.values()
    if (first === undefined || !matters(state, first.result)) state.results.delete(sequence)
  }
}

/** What a quorum had before it was executed here. */
export function settleAhead(state: State): void {
  const { finalAhead } = state
  if (finalAhead === undefined || finalAhead.result.sequence > state.applied.sequence) return
  state.finalAhead = undefined
  certified(state, finalAhead)
}

/** This server's state is damaged: it signs nothing more until it was repaired and started again. */
function fence(state: State, certificate: ResultCertificate): void {
  if (state.fenced) return
  state.fenced = true
  state.out.push({ type: 'fence', code: 'RESULT_DIVERGED', evidence: encode(resultCertificateSchema, certificate) })
}
