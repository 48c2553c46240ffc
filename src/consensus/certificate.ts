// Certificates: a quorum's signatures over one statement, in ascending order of node id, each node once. They are stored
// beside blocks and outside their hash, because honest nodes hold different quorums of the same thing.

import type { ErrorCode } from '../base/errors.ts'
import { type NodeId, nodeIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, id, list, named, record, type Schema, variant } from '../base/schema.ts'
import { byzantineQuorum } from './quorum.ts'
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

/** Proof that `agreement.digest` was agreed at its sequence. Raft's kind joins this union with Raft. */
export type CommitCertificate = {
  readonly type: 'pbft'
  readonly agreement: Agreement
  /** COMMIT signatures. */
  readonly signatures: readonly NodeSignature[]
}

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

export const commitCertificateSchema: Schema<CommitCertificate> = named(
  'commit-certificate',
  variant<CommitCertificate>({ pbft: [1, { agreement: agreementSchema, signatures: signaturesSchema }] }),
)

export const resultCertificateSchema: Schema<ResultCertificate> = named(
  'result-certificate',
  record<ResultCertificate>({ result: resultSchema, signatures: signaturesSchema }),
)

/** Undefined when it holds, else the code of what is wrong with it. */
export type CertificateFault = Extract<ErrorCode, 'QUORUM_NOT_MET' | 'SIGNATURE_INVALID' | 'WRONG_EPOCH'> | undefined

/** How a signature is checked: `verify` of base/signature.ts, or a verdict remembered from an earlier check. */
export type Verify = (
  domain: 'commit' | 'result',
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
) => boolean

export function commitCertificateFault(
  certificate: CommitCertificate,
  roster: Roster,
  verify: Verify,
): CertificateFault {
  if (certificate.agreement.epoch !== roster.epoch) return 'WRONG_EPOCH'
  return quorumFault(certificate.signatures, roster, (signature, key) =>
    verify('commit', agreementBytes(certificate.agreement), signature, key),
  )
}

export function resultCertificateFault(
  certificate: ResultCertificate,
  roster: Roster,
  verify: Verify,
): CertificateFault {
  if (certificate.result.epoch !== roster.epoch) return 'WRONG_EPOCH'
  return quorumFault(certificate.signatures, roster, (signature, key) =>
    verify('result', resultBytes(certificate.result), signature, key),
  )
}

/** Signatures in the canonical order of a certificate. */
export function sortedSignatures(signatures: readonly NodeSignature[]): readonly NodeSignature[] {
  return [...signatures].sort((a, b) => (a.node < b.node ? -1 : 1))
}

function quorumFault(
  signatures: readonly NodeSignature[],
  roster: Roster,
  holds: (signature: Uint8Array, key: Uint8Array) => boolean,
): CertificateFault {
  let last = ''
  for (const { node, signature } of signatures) {
    const validator = validatorOf(roster, node)
    if (node <= last || validator === undefined) return 'QUORUM_NOT_MET'
    if (!holds(signature, validator.key)) return 'SIGNATURE_INVALID'
    last = node
  }
  return signatures.length >= byzantineQuorum(roster.validators.length) ? undefined : 'QUORUM_NOT_MET'
}
