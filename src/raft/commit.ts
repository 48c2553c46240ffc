// Section 3.6.2 (5.4.2 of the paper): an entry is committed when a majority acknowledged it in its own term, and all before it
// with it. The acknowledgements are signed and kept: together they prove the commitment to anybody, for ever. Followers believe
// the proof that the leader shows.

import type { NodeId, Sequence } from '../base/ids.ts'
import { type Link, type RaftCertificate, sortedSignatures } from '../consensus/certificate.ts'
import { epochAt } from './appending.ts'
import { agreementOf } from './claims.ts'
import { configurationAt, entryAt, hashAt, type LogEntry, lastIndex, termAt } from './log.ts'
import type { Acknowledgement, CommitProof, RaftMessageOf } from './messages.ts'
import { refuse } from './out.ts'
import { settle } from './pool.ts'
import { advance, heard } from './replication.ts'
import { areQuorum, isQuorum, isVoter, type State } from './state.ts'

export function onAcknowledge(state: State, from: NodeId, message: RaftMessageOf<'acknowledge'>): void {
  if (message.signer !== from) {
    refuse(state, from, 'MALFORMED')
    return
  }
  const progress = heard(state, from, message.term)
  if (progress === undefined) return
  advance(state, progress, message.index)
  for (const each of message.acknowledgements) countAcknowledgement(state, from, each)
  commitAcknowledged(state)
}

/** Of entries of this term only: a majority that holds an older one proves nothing (Figure 8 of the paper; R3). */
function countAcknowledgement(state: State, from: NodeId, { epoch, index, hash, signature }: Acknowledgement): void {
  if (index <= state.commit || termAt(state.log, index) !== state.term) return
  if (hashAt(state.log, index) !== hash || epochAt(state, index) !== epoch) return
  state.acknowledged.get(index)?.set(from, signature)
}

/** Commits up to the highest entry that a quorum of its configuration acknowledged. */
export function commitAcknowledged(state: State): void {
  let highest: CommitProof | undefined
  for (const [index, signers] of state.acknowledged) {
    const rosters = configurationAt(state.log, index)
    if (index <= state.commit || !isQuorum(rosters, (node) => signers.has(node))) continue
    if (index < (highest?.index ?? 0)) continue
    const voters = [...signers].filter(([node]) => isVoter(rosters, node))
    const signatures = sortedSignatures(voters.map(([node, signature]) => ({ node, signature })))
    const hash = hashAt(state.log, index) as CommitProof['hash']
    highest = { epoch: epochAt(state, index), term: state.term, index, hash, signatures }
  }
  if (highest !== undefined) commitTo(state, highest)
}

/** A proof that a leader shows. It holds in any term; what it is about may be here only later. */
export function onProof(state: State, from: NodeId, proof: CommitProof): void {
  if (proof.index <= state.commit) {
    if (hashAt(state.log, proof.index) === proof.hash) settleLog(state, proof.index)
    return
  }
  if (lastIndex(state.log) < proof.index || hashAt(state.log, proof.index) !== proof.hash) {
    if (proof.index > (state.ahead?.index ?? 0)) state.ahead = proof
    return
  }
  const fits = termAt(state.log, proof.index) === proof.term && epochAt(state, proof.index) === proof.epoch
  if (fits && areQuorum(configurationAt(state.log, proof.index), proof.signatures)) commitTo(state, proof)
  else refuse(state, from, 'QUORUM_NOT_MET')
}

/** After entries came: what was known of them before. */
export function commitAhead(state: State, from: NodeId): void {
  const { ahead } = state
  if (ahead === undefined || lastIndex(state.log) < ahead.index) return
  state.ahead = undefined
  if (hashAt(state.log, ahead.index) === ahead.hash) onProof(state, from, ahead)
}

function commitTo(state: State, proof: CommitProof): void {
  const first = (state.commit + 1) as Sequence
  const entries: LogEntry[] = []
  for (let at = first; at <= proof.index; at++) entries.push(entryAt(state.log, at as Sequence) as LogEntry)
  const links = entries.map(({ link }) => link)
  for (const [i, { entry, ids }] of entries.entries()) {
    const sequence = (first + i) as Sequence
    const by = earliestOf(entries.slice(i + 1), sequence) ?? proof
    const certificate = certificateOf(state, sequence, links.slice(i, by.index - first + 1), by)
    state.out.push({ type: 'deliver', sequence, batch: entry.batch, certificate })
    settle(state, sequence, ids)
  }
  state.commit = proof.index
  settleLog(state, proof.index)
  state.proof = proof
  for (const index of state.acknowledged.keys()) if (index <= proof.index) state.acknowledged.delete(index)
}

/** What a joint entry after `sequence` shows: its signers are known before the block, those of later proofs perhaps only after it. */
function earliestOf(after: readonly LogEntry[], sequence: Sequence): CommitProof | undefined {
  for (const { entry } of after) {
    const found = entry.proof.find(({ index }) => index >= sequence)
    if (found !== undefined) return found
  }
  return undefined
}

function settleLog(state: State, index: Sequence): void {
  if (index > state.settled) state.settled = index
}

function certificateOf(state: State, at: Sequence, links: readonly Link[], proof: CommitProof): RaftCertificate {
  const previous = hashAt(state.log, (at - 1) as Sequence) as RaftCertificate['previous']
  const agreement = agreementOf(state.setup.ledger, proof)
  return { type: 'raft', agreement, previous, links, signatures: proof.signatures }
}
