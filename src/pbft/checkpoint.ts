// Section 4.3, garbage collection: RESULT messages (at every K-th sequence they are CHECKPOINTs), the proof that a
// checkpoint is stable, and what may then be forgotten. A quorum of equal results also makes a block final. Blocks that others
// have and that can no longer be agreed on again are fetched (section 5.3, done by the host, against a certificate).

import { invariant } from '../base/errors.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import { encode } from '../base/schema.ts'
import { type ResultCertificate, resultCertificateSchema, sortedSignatures } from '../consensus/certificate.ts'
import type { Input, Outcome } from '../consensus/contract.ts'
import { type Result, resultBytes, resultKey } from '../consensus/statements.ts'
import { settleFetched } from './delivery.ts'
import { epochRecord, laterHeight, takeMandate } from './epochs.ts'
import { accuseResults } from './evidence.ts'
import { type PbftMessageOf, type SignedResult, signedResultsSchema } from './messages.ts'
import { extend } from './normal.ts'
import { broadcast, elapsed, refuse, save } from './out.ts'
import { doubt, forget, forgetDelivered } from './pool.ts'
import { clock, finalSequence, highWatermark, isCheckpoint, isQuorum, lowWatermark, type State } from './state.ts'
import { count, newTally, type Tally } from './tally.ts'
import { viewRecord } from './view-record.ts'

/** A delivered batch was executed. Those before it may have been executed by a fetch that then failed. */
export function onApplied(state: State, { outcome, mandate }: Extract<Input<unknown>, { type: 'applied' }>): void {
  if (outcome.sequence <= state.applied.sequence) return
  invariant(outcome.sequence <= state.delivered, 'a batch was executed that was not delivered')
  state.applied = outcome
  if (outcome.checkpoint.length > 0) state.checkpoint = outcome
  takeMandate(state, mandate)
  signResult(state, outcome)
}

/** After a start or an install: what was executed and may not be signed. A checkpoint that too few sign is never stable. */
export function signReached(state: State): void {
  const { checkpoint, applied } = state
  for (const outcome of new Set([checkpoint, applied])) if (!isSigned(state, outcome)) signResult(state, outcome)
}

function isSigned({ results, setup }: State, { sequence }: Outcome): boolean {
  return results.get(sequence)?.votes.has(setup.self) === true
}

function signResult(state: State, outcome: Outcome): void {
  const { sequence, checkpoint } = outcome
  invariant(checkpoint.length === (isCheckpoint(state, sequence) ? 1 : 0), 'an outcome lacks its checkpoint')
  if (state.fenced || sequence <= lowWatermark(state)) return
  if (sequence > state.disowned && state.voting === 'votes') giveResult(state, outcome)
  const { ahead } = state
  if (ahead === undefined || ahead.result.sequence > sequence) return
  state.ahead = undefined
  certified(state, ahead)
}

function giveResult(state: State, { sequence, block, logSize, logRoot, checkpoint }: Outcome): void {
  const { ledger, self, sign } = state.setup
  const result: Result = { ledger, epoch: state.epoch, sequence, block, logSize, logRoot, checkpoint }
  const signed: SignedResult = { signer: self, result, signature: sign('result', resultBytes(result), state.epoch) }
  save(state, sequence, { type: 'result', signed })
  broadcast(state, { type: 'result', signed })
  countResult(state, signed)
}

export function onResult(state: State, from: NodeId, signed: SignedResult): void {
  const { result, signer } = signed
  if (result.ledger !== state.setup.ledger) {
    refuse(state, from, 'WRONG_LEDGER')
    return
  }
  if (result.epoch !== state.epoch) return
  if (!state.validators.has(signer)) {
    refuse(state, from, 'QUORUM_NOT_MET')
    return
  }
  if (result.checkpoint.length !== (isCheckpoint(state, result.sequence) ? 1 : 0)) {
    refuse(state, from, 'MALFORMED')
    return
  }
  countResult(state, signed)
}

/** Results that could still matter: above the final one, and of checkpoints above the stable one. */
function matters(state: State, sequence: Sequence): boolean {
  if (sequence > highWatermark(state) + state.setup.parameters.window) return false
  return sequence > finalSequence(state) || (sequence > lowWatermark(state) && isCheckpoint(state, sequence))
}

export function countResult(state: State, signed: SignedResult): void {
  const { sequence } = signed.result
  if (!matters(state, sequence)) return
  let tally = state.results.get(sequence)
  if (tally === undefined) {
    tally = newTally()
    state.results.set(sequence, tally)
  }
  const counted = count(tally, signed.signer, 0, resultKey(signed.result), signed)
  if (counted.type === 'contradiction') accuseResults(state, counted.before, signed)
  if (counted.type !== 'counted') return
  if (counted.group.size >= state.q) certify(state, signed.result, counted.group)
  else if (isSplit(state, tally)) stop(state, sequence, tally)
}

/** Whether no result can have a quorum, whatever the others say. The n-f that are correct are one, so more than f are wrong (L18). */
function isSplit({ validators, q }: State, { votes, groups }: Tally<SignedResult>): boolean {
  const most = Math.max(...[...groups.values()].map(({ size }) => size))
  return most + validators.size - votes.size < q
}

/** Nobody can tell who is right: nothing more is voted on until a quorum is known to agree there, or later. */
function stop(state: State, sequence: Sequence, { votes }: Tally<SignedResult>): void {
  if (state.split !== undefined) return
  state.split = sequence
  const evidence = encode(
    signedResultsSchema,
    [...votes.values()].map(({ vote }) => vote),
  )
  state.out.push({ type: 'fence', code: 'RESULTS_SPLIT', evidence })
  for (const request of [...state.waiting.values()]) {
    if (request.proposed || request.origin !== state.setup.self) continue
    forget(state, request)
    state.out.push({ type: 'reject', id: request.id, code: 'RESULTS_SPLIT' })
  }
}

function certify(state: State, result: Result, group: ReadonlyMap<NodeId, SignedResult>): void {
  const signatures = sortedSignatures([...group].map(([node, { signature }]) => ({ node, signature })))
  certified(state, { result, signatures })
}

export function onCertified(state: State, from: NodeId, message: PbftMessageOf<'certified'>): void {
  const { certificate } = message
  if (certificate.result.epoch !== state.epoch) return
  if (!isResultCertificate(state, certificate)) {
    refuse(state, from, 'QUORUM_NOT_MET')
    return
  }
  certified(state, certificate)
}

/** Form and signers; the signatures themselves verified before. */
export function isResultCertificate(state: State, { result, signatures }: ResultCertificate): boolean {
  return (
    result.ledger === state.setup.ledger &&
    result.epoch === state.epoch &&
    result.checkpoint.length === (isCheckpoint(state, result.sequence) ? 1 : 0) &&
    isQuorum(state, signatures)
  )
}

/** A quorum has one and the same result. */
export function certified(state: State, certificate: ResultCertificate): void {
  const { result } = certificate
  if (differs(state, result)) {
    fence(state, certificate)
    return
  }
  if (result.sequence > state.applied.sequence) {
    keepAhead(state, certificate)
    return
  }
  if (result.sequence > finalSequence(state)) {
    state.final = certificate
    if (result.sequence >= (state.split ?? 0)) state.split = undefined
    state.out.push({ type: 'final', certificate })
    for (const sequence of state.results.keys()) if (!matters(state, sequence)) state.results.delete(sequence)
  }
  if (result.checkpoint.length === 1 && result.sequence > lowWatermark(state)) stabilize(state, certificate)
}

/** Whether this node executed that block otherwise (P19). */
function differs(state: State, result: Result): boolean {
  const own = state.results.get(result.sequence)?.votes.get(state.setup.self)?.key
  if (own !== undefined && result.sequence > state.disowned) return own !== resultKey(result)
  return [state.applied, state.checkpoint].some(
    (outcome) => outcome.sequence === result.sequence && resultKey({ ...result, ...outcome }) !== resultKey(result),
  )
}

function fence(state: State, certificate: ResultCertificate): void {
  if (state.fenced) return
  state.fenced = certificate
  save(state, certificate.result.sequence, { type: 'fenced', certificate })
  tellFenced(state, certificate)
}

/** At once, and again after each start. */
export function tellFenced(state: State, certificate: ResultCertificate): void {
  state.out.push({ type: 'fence', code: 'RESULT_DIVERGED', evidence: encode(resultCertificateSchema, certificate) })
}

/** Whether what was installed is what a quorum has, there or later: only then is this state to be trusted again. */
function isRepaired({ fenced, ahead, stable }: State, installed: readonly Outcome[]): boolean {
  return [fenced, ahead, stable].some(
    (proof) =>
      proof !== undefined &&
      proof.result.sequence >= (fenced?.result.sequence ?? 0) &&
      installed.some((outcome) => resultKey({ ...proof.result, ...outcome }) === resultKey(proof.result)),
  )
}

function liftFence(state: State, { result }: ResultCertificate): void {
  state.fenced = undefined
  const signed = [...state.results].filter(([, { votes }]) => votes.has(state.setup.self)).map(([sequence]) => sequence)
  state.disowned = Math.max(state.disowned, ...signed) as Sequence
  save(state, result.sequence, { type: 'repaired', epoch: state.epoch, disowned: state.disowned })
}

/** While fenced: what a quorum has since is kept, to know a good state by. */
export function onCertifiedFenced(state: State, { certificate }: PbftMessageOf<'certified'>): void {
  if (isResultCertificate(state, certificate)) keepAhead(state, certificate)
}

function keepAhead(state: State, certificate: ResultCertificate): void {
  const { result } = certificate
  if (result.checkpoint.length === 0 || result.sequence <= (state.ahead?.result.sequence ?? 0)) return
  state.ahead = certificate
}

/** The checkpoint is stable and executed here: everything up to it may be forgotten. */
function stabilize(state: State, certificate: ResultCertificate): void {
  const { sequence } = certificate.result
  state.stable = certificate
  save(state, sequence, { type: 'stable', certificate })
  save(state, sequence, epochRecord(state))
  const view = viewRecord(state)
  if (view !== undefined) save(state, sequence, view)
  state.out.push({ type: 'cut', before: sequence })
  for (const at of state.slots.keys()) if (at <= sequence) state.slots.delete(at)
  for (const at of state.own.keys()) if (at <= sequence) state.own.delete(at)
  for (const at of state.results.keys()) if (!matters(state, at)) state.results.delete(at)
  for (const [digest, known] of state.batches) if (known.sequence <= sequence) state.batches.delete(digest)
  for (const [digest, at] of state.missing) if (at <= sequence) state.missing.delete(digest)
  state.accused.clear()
  forgetDelivered(state, (sequence - state.setup.parameters.window) as Sequence)
  extend(state)
}

/** Between the last progress and the moment when agreeing is given up and blocks are fetched, in `resendMs`. */
const patience = { proven: 1, claimed: 4 }
/** A fetch that failed is tried again after twice the time, so many times doubled at most. */
const doublingsMax = 5

/** On ticks: blocks that cannot be reached by agreeing any more are fetched. Agreeing goes on meanwhile. */
export function fetchAhead(state: State): void {
  const pause = state.setup.parameters.resendMs * 2 ** Math.min(state.fetchesFailed, doublingsMax)
  if (state.fetching !== undefined || !elapsed(state, state.fetchedAt, pause)) return
  const proven = provenAhead(state)
  const wait = (proven === undefined ? patience.claimed : patience.proven) * state.setup.parameters.resendMs
  if (!elapsed(state, state.progressAt, wait)) return
  if (proven !== undefined) {
    const { sequence, checkpoint } = proven.result
    const signers = proven.signatures.map(({ node }) => node)
    fetch(state, sequence, checkpoint, signers)
    return
  }
  const sequence = claimedHeight(state)
  if (sequence <= state.delivered) return
  const claims = [...state.peers].map(([node, { delivered }]) => [node, delivered] as const)
  const claimants = [...claims, ...state.later].filter(([, delivered]) => delivered >= sequence).map(([node]) => node)
  fetch(state, sequence, [], [...new Set(claimants)])
}

function provenAhead({ ahead, delivered }: State): ResultCertificate | undefined {
  return ahead !== undefined && ahead.result.sequence > delivered ? ahead : undefined
}

/** With each attempt another source is the first to be asked. */
function fetch(state: State, sequence: Sequence, checkpoint: Outcome['checkpoint'], sources: readonly NodeId[]): void {
  const token = state.nextToken++
  state.fetching = { token, sequence }
  state.fetchedAt = clock(state)
  const others = sources.filter((node) => node !== state.setup.self)
  const first = state.fetchesFailed % Math.max(1, others.length)
  const from = [...others.slice(first), ...others.slice(0, first)]
  state.out.push({ type: 'fetch', token, from, sequence, checkpoint })
}

/**
 * How far a correct replica is, when none can show it: after a restart commit certificates are in blocks only. What f+1 say
 * they delivered one correct one did. Beyond the window there is a stable checkpoint, whose certificate will come.
 */
function claimedHeight(state: State): Sequence {
  const claims = [...state.peers.values()].map(({ delivered }) => delivered).sort((a, b) => b - a)
  const here = Math.min(claims[state.f] ?? 0, highWatermark(state), state.until ?? Number.MAX_SAFE_INTEGER)
  return Math.max(here, laterHeight(state)) as Sequence
}

/** Whether others delivered more, by proof or by the word of f+1, and it can be had: then it is not the leader who is late. */
export function isBehindOthers(state: State): boolean {
  if (provenAhead(state) !== undefined) return true
  return state.fetchesFailed === 0 && claimedHeight(state) > state.delivered
}

export function onFetchFailed(state: State, token: number): void {
  if (state.fetching?.token !== token) return
  state.fetching = undefined
  state.fetchesFailed++
}

/** Certified blocks were fetched, checked and executed. */
export function onInstalled(
  state: State,
  { outcome, checkpoint, mandate }: Extract<Input<unknown>, { type: 'installed' }>,
): void {
  const ends = outcome.sequence === mandate.since
  if (ends || outcome.sequence >= (state.fetching?.sequence ?? 0)) state.fetching = undefined
  // In an epoch that others began, this replica has signed nothing yet that may be wrong.
  const isPast = mandate.roster.epoch > state.epoch && outcome.sequence > mandate.since
  if (state.fenced !== undefined && !isPast) {
    if (!isRepaired(state, [outcome, checkpoint])) return
    liftFence(state, state.fenced)
  } else if (outcome.sequence <= state.applied.sequence) return
  state.fetchesFailed = 0
  state.applied = outcome
  state.checkpoint = checkpoint
  takeMandate(state, mandate)
  settleFetched(state, outcome.sequence)
  if (outcome.sequence > state.delivered) state.delivered = outcome.sequence
  if (state.proposed < state.delivered) state.proposed = state.delivered
  state.progressAt = clock(state)
  doubt(state)
  extend(state)
  signReached(state)
}
