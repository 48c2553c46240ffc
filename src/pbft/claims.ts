// What PBFT's signatures are over, and which of them a message rests on: all must verify before the core receives it.

import { hash } from '../base/hash.ts'
import { type Digest, digestOf, type Epoch, type LedgerId, ledgerIdOf } from '../base/ids.ts'
import { encode, id, record, type Schema } from '../base/schema.ts'
import type { CommitCertificate, NodeSignature, ResultCertificate } from '../consensus/certificate.ts'
import type { Claim } from '../consensus/contract.ts'
import { type Agreement, agreementBytes, resultBytes } from '../consensus/statements.ts'
import {
  type NewView,
  newViewSchema,
  type PbftMessage,
  type Phase,
  type Recalled,
  type ViewChange,
  type Vote,
  viewChangeSchema,
} from './messages.ts'

/** What a vote's signature is over. */
export function voteBytes(ledger: LedgerId, vote: Omit<Vote, 'signer' | 'signature'>): Uint8Array {
  return agreementBytes(agreementOf(ledger, vote))
}

export function agreementOf(ledger: LedgerId, vote: Omit<Vote, 'signer' | 'signature'>): Agreement {
  return { ledger, epoch: vote.epoch, round: vote.view, sequence: vote.sequence, digest: vote.digest }
}

const ledgerSchema: Schema<LedgerId> = id(32, ledgerIdOf)

/** Names a VIEW-CHANGE: its hash, signature excluded, ledger included. The sender signs these 32 bytes. */
export function viewChangeDigest(ledger: LedgerId, change: Omit<ViewChange, 'signature'>): Digest {
  const unsigned = { ...change, signature: new Uint8Array(64) }
  return hash('view-change', encode(ledgerSchema, ledger), encode(viewChangeSchema, unsigned))
}

/** What a NEW-VIEW's signature is over. */
export function newViewBytes(ledger: LedgerId, newView: Omit<NewView, 'signature'>): Uint8Array {
  const unsigned = { ...newView, signature: new Uint8Array(64) }
  return encode(record({ ledger: ledgerSchema, newView: newViewSchema }), { ledger, newView: unsigned })
}

/** Every signature that `message` rests on, those inside certificates included. */
export function claimsOf(message: PbftMessage, ledger: LedgerId): readonly Claim[] {
  switch (message.type) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
      return [voteClaim(message.type, ledger, message.vote)]
    case 'result':
      return [
        {
          epoch: message.signed.result.epoch,
          signer: message.signed.signer,
          domain: 'result',
          bytes: resultBytes(message.signed.result),
          signature: message.signed.signature,
        },
      ]
    case 'decided':
      return certificateClaims(message.certificate)
    case 'certified':
      return resultClaims(message.certificate)
    case 'view-change':
      return viewChangeClaims(message.change, ledger)
    case 'new-view':
      return newViewClaims(message.newView, ledger)
    case 'request':
    case 'token':
    case 'status':
    case 'want':
    case 'batch':
    case 'recall':
      return []
    case 'recalled':
      return recalledClaims(message, ledger)
  }
}

function voteClaim(domain: Phase, ledger: LedgerId, vote: Vote): Claim {
  const { epoch, signer, signature } = vote
  return { epoch, signer, domain, bytes: voteBytes(ledger, vote), signature }
}

function signatureClaims(
  domain: 'pre-prepare' | 'prepare' | 'commit' | 'result',
  epoch: Epoch,
  signed: Uint8Array,
  signatures: readonly NodeSignature[],
): readonly Claim[] {
  return signatures.map(({ node, signature }) => ({ epoch, signer: node, domain, bytes: signed, signature }))
}

function certificateClaims({ agreement, signatures }: CommitCertificate): readonly Claim[] {
  return signatureClaims('commit', agreement.epoch, agreementBytes(agreement), signatures)
}

function resultClaims(certificate: ResultCertificate): readonly Claim[] {
  return signatureClaims('result', certificate.result.epoch, resultBytes(certificate.result), certificate.signatures)
}

function viewChangeClaims(change: ViewChange, ledger: LedgerId): readonly Claim[] {
  const { epoch } = change
  const prepared = change.prepared.flatMap(({ view, sequence, digest, proposal, prepares }) => {
    const voted = voteBytes(ledger, { epoch, view, sequence, digest })
    return [
      ...signatureClaims('pre-prepare', epoch, voted, [proposal]),
      ...signatureClaims('prepare', epoch, voted, prepares),
    ]
  })
  return [changeClaim(change, ledger), ...change.stable.flatMap(resultClaims), ...prepared]
}

/** What is inside an own view change was verified when it was made. */
function recalledClaims(
  { proposals, prepares, commits, changes, stable }: Recalled,
  ledger: LedgerId,
): readonly Claim[] {
  const of = (phase: Phase, votes: readonly Vote[]): readonly Claim[] =>
    votes.map((vote) => voteClaim(phase, ledger, vote))
  return [
    ...[...of('pre-prepare', proposals), ...of('prepare', prepares), ...of('commit', commits)],
    ...changes.map((change) => changeClaim(change, ledger)),
    ...stable.flatMap(resultClaims),
  ]
}

function changeClaim(change: ViewChange, ledger: LedgerId): Claim {
  const { signer, signature, epoch } = change
  return { epoch, signer, domain: 'view-change', bytes: digestBytes(viewChangeDigest(ledger, change)), signature }
}

function newViewClaims(newView: NewView, ledger: LedgerId): readonly Claim[] {
  const { signer, epoch, view, signature } = newView
  const carried = newView.proposals.map((proposal) =>
    voteClaim('pre-prepare', ledger, { signer, epoch, view, ...proposal }),
  )
  return [{ epoch, signer, domain: 'new-view', bytes: newViewBytes(ledger, newView), signature }, ...carried]
}

const digestSchema: Schema<Digest> = id(32, digestOf)

/** The bytes that stand for a digest where one is signed. */
export function digestBytes(digest: Digest): Uint8Array {
  return encode(digestSchema, digest)
}
