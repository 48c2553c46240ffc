// What Raft's signatures are over, and which of them a message rests on.

import type { LedgerId } from '../base/ids.ts'
import type { Claim } from '../consensus/contract.ts'
import { type Agreement, agreementBytes, resultBytes } from '../consensus/statements.ts'
import type { Acknowledgement, CommitProof, RaftMessage } from './messages.ts'

type Acknowledged = Pick<CommitProof, 'epoch' | 'term' | 'index' | 'hash'>

/** What an acknowledgement says: this log, up to this entry, in this term. */
export function agreementOf(ledger: LedgerId, { epoch, term, index, hash }: Acknowledged): Agreement {
  return { ledger, epoch, round: term, sequence: index, digest: hash }
}

/** What its signature is over. */
export function acknowledgementBytes(ledger: LedgerId, acknowledged: Acknowledged): Uint8Array {
  return agreementBytes(agreementOf(ledger, acknowledged))
}

/** Every signature that `message` rests on. */
export function claimsOf(message: RaftMessage, ledger: LedgerId): readonly Claim[] {
  switch (message.type) {
    case 'acknowledge':
      return message.acknowledgements.map((each: Acknowledgement) => ({
        epoch: each.epoch,
        signer: message.signer,
        domain: 'acknowledgement',
        bytes: acknowledgementBytes(ledger, { ...each, term: message.term }),
        signature: each.signature,
      }))
    case 'append': {
      const proofs = [...message.proof, ...message.entries.flatMap(({ proof }) => proof)]
      return proofs.flatMap((proof) => proofClaims(proof, ledger))
    }
    case 'heartbeat':
      return message.proof.flatMap((proof) => proofClaims(proof, ledger))
    case 'result': {
      const { signer, result, signature } = message
      return [{ epoch: result.epoch, signer, domain: 'result', bytes: resultBytes(result), signature }]
    }
    case 'certified': {
      const { result, signatures } = message.certificate
      const signed = resultBytes(result)
      return signatures.map(({ node, signature }) => ({
        epoch: result.epoch,
        signer: node,
        domain: 'result',
        bytes: signed,
        signature,
      }))
    }
    default:
      return []
  }
}

function proofClaims(proof: CommitProof, ledger: LedgerId): readonly Claim[] {
  const signed = acknowledgementBytes(ledger, proof)
  return proof.signatures.map(({ node, signature }) => ({
    epoch: proof.epoch,
    signer: node,
    domain: 'acknowledgement',
    bytes: signed,
    signature,
  }))
}
