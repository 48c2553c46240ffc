// Certificates: a quorum's signatures over one statement, in ascending order of node id, each node once. They are stored
// beside blocks and outside their hash, because honest nodes hold different quorums of the same thing.

import type { ErrorCode } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { type Digest, digestOf, type LedgerId, type NodeId, nodeIdOf, type Round, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, id, list, named, record, type Schema, uint, variant } from '../base/schema.ts'
import { type FaultModel, quorumOf } from './quorum.ts'
import { type Roster, validatorOf } from './roster.ts'
import {
  type Agreement,
  agreementBytes,
  agreementSchema,
  type Result,
  resultBytes,
  resultSchema,
} from './statements.ts'

export interface NodeSignature {
  readonly node: NodeId
  readonly signature: Uint8Array
}

/** PBFT's: a quorum signed COMMIT for `agreement`, whose digest is the batch's. */
export interface PbftCertificate {
  readonly type: 'pbft'
  readonly agreement: Agreement
  /** COMMIT signatures. */
  readonly signatures: readonly NodeSignature[]
}

/** One entry of a Raft log in its running hash. */
export interface Link {
  readonly term: Round
  /** The batch digest. */
  readonly batch: Digest
  /** Hashes of the rosters that are in force from this entry on: none when nothing changes, two while joint. */
  readonly configuration: readonly Digest[]
}

/**
 * Raft's: a majority acknowledged the log up to entry `agreement.sequence`, whose running hash is `agreement.digest`, in that
 * entry's own term. The first link is the block's own entry, the last the acknowledged one: what was appended in an older term
 * is committed by an entry of this one only (section 3.6.2 of the thesis; 5.4.2 of the paper).
 */
export interface RaftCertificate {
  readonly type: 'raft'
  readonly agreement: Agreement
  /** Running hash of the log before the block's entry. */
  readonly previous: Digest
  readonly links: readonly Link[]
  readonly signatures: readonly NodeSignature[]
}

/** Proof that a batch was agreed at its sequence. */
export type CommitCertificate = PbftCertificate | RaftCertificate

/** Proof that a quorum executed a block with one and the same result: the block is final. */
export interface ResultCertificate {
  readonly result: Result
  readonly signatures: readonly NodeSignature[]
}

export const nodeSignatureSchema: Schema<NodeSignature> = named(
  'node-signature',
  record<NodeSignature>({ node: id(16, nodeIdOf), signature: bytes(64) }),
)

const signaturesSchema: Schema<readonly NodeSignature[]> = list(nodeSignatureSchema, limits.validatorsMax)

export const linkSchema: Schema<Link> = named(
  'raft-link',
  record<Link>({ term: uint<Round>(), batch: id(32, digestOf), configuration: list(id(32, digestOf), 2) }),
)

export const commitCertificateSchema: Schema<CommitCertificate> = named(
  'commit-certificate',
  variant<CommitCertificate>({
    pbft: [1, { agreement: agreementSchema, signatures: signaturesSchema }],
    raft: [
      2,
      {
        agreement: agreementSchema,
        previous: id(32, digestOf),
        links: list(linkSchema, limits.linksMax, 1),
        signatures: signaturesSchema,
      },
    ],
  }),
)

export const resultCertificateSchema: Schema<ResultCertificate> = named(
  'result-certificate',
  record<ResultCertificate>({ result: resultSchema, signatures: signaturesSchema }),
)

/** Undefined when it holds, else the code of what is wrong with it. */
export type CertificateFault = Extract<ErrorCode, 'QUORUM_NOT_MET' | 'SIGNATURE_INVALID' | 'WRONG_EPOCH'> | undefined

/** The running hash of a Raft log after `link`. Before the first entry it is the ledger's own name. */
export function runningHash(previous: Digest, link: Link): Digest {
  return hashOf('raft-log', linkedSchema, { previous, link })
}

const linkedSchema: Schema<{ readonly previous: Digest; readonly link: Link }> = record({
  previous: id(32, digestOf),
  link: linkSchema,
})

/** What a commit certificate proves once it holds: this batch digest, at this sequence of this ledger. */
export interface Agreed extends Pick<Agreement, 'epoch' | 'sequence' | 'digest'> {
  readonly ledger: LedgerId
}

export function agreedOf(certificate: CommitCertificate): Agreed {
  const { agreement } = certificate
  if (certificate.type === 'pbft') return agreement
  const sequence = (agreement.sequence - certificate.links.length + 1) as Sequence
  return { ...agreement, sequence, digest: (certificate.links[0] as Link).batch }
}

/** How a signature is checked: `verify` of base/signature.ts, or a verdict remembered from an earlier check. */
export type Verify = (
  domain: 'commit' | 'result' | 'acknowledgement',
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
) => boolean

/**
 * `faults`: of the ledger's protocol; a certificate of another kind of protocol proves nothing. `next`: while a Raft ledger goes
 * over from `roster` to another, both of their majorities must have signed.
 */
export function commitCertificateFault(
  certificate: CommitCertificate,
  roster: Roster,
  verify: Verify,
  faults: FaultModel = 'byzantine',
  next: readonly Roster[] = [],
): CertificateFault {
  if (certificate.agreement.epoch !== roster.epoch) return 'WRONG_EPOCH'
  if (certificate.type !== (faults === 'byzantine' ? 'pbft' : 'raft')) return 'QUORUM_NOT_MET'
  if (certificate.type === 'raft' && !isLinked(certificate)) return 'QUORUM_NOT_MET'
  const domain = certificate.type === 'pbft' ? 'commit' : 'acknowledgement'
  const signed = agreementBytes(certificate.agreement)
  return quorumFault(certificate.signatures, [roster, ...next], faults, (signature, key) =>
    verify(domain, signed, signature, key),
  )
}

/** Whether the links lead to what was acknowledged, and to an entry of the term that it was acknowledged in. */
function isLinked({ agreement, previous, links }: RaftCertificate): boolean {
  const hash = links.reduce((before, link) => runningHash(before, link), previous)
  return hash === agreement.digest && links[links.length - 1]?.term === agreement.round
}

export function resultCertificateFault(
  certificate: ResultCertificate,
  roster: Roster,
  verify: Verify,
  faults: FaultModel = 'byzantine',
): CertificateFault {
  if (certificate.result.epoch !== roster.epoch) return 'WRONG_EPOCH'
  const signed = resultBytes(certificate.result)
  return quorumFault(certificate.signatures, [roster], faults, (signature, key) =>
    verify('result', signed, signature, key),
  )
}

/** Signatures in the canonical order of a certificate. */
export function sortedSignatures(signatures: readonly NodeSignature[]): readonly NodeSignature[] {
  return [...signatures].sort((a, b) => (a.node < b.node ? -1 : 1))
}

/** A quorum of each roster. */
function quorumFault(
  signatures: readonly NodeSignature[],
  rosters: readonly Roster[],
  faults: FaultModel,
  holds: (signature: Uint8Array, key: Uint8Array) => boolean,
): CertificateFault {
  let last = ''
  for (const { node, signature } of signatures) {
    const validators = rosters.flatMap((roster) => validatorOf(roster, node) ?? [])
    if (node <= last || validators.length === 0) return 'QUORUM_NOT_MET'
    if (!validators.some(({ key }) => holds(signature, key))) return 'SIGNATURE_INVALID'
    last = node
  }
  const enough = rosters.every((roster) => {
    const signed = signatures.filter(({ node }) => validatorOf(roster, node) !== undefined)
    return signed.length >= quorumOf(faults, roster.validators.length)
  })
  return enough ? undefined : 'QUORUM_NOT_MET'
}
