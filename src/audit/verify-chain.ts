// Whether blocks follow one another, hold what was agreed, and were agreed by a quorum of the validators in force. What
// executing them leads to is for the replay.

import { type Digest, type LedgerId, type Sequence, sequenceOf, type Time } from '../base/ids.ts'
import { verify } from '../base/signature.ts'
import { summaryDigest, transactionsHash } from '../consensus/batch.ts'
import { type BlockRecord, blockHash } from '../consensus/block.ts'
import { agreedOf, commitCertificateFault } from '../consensus/certificate.ts'
import type { FaultModel } from '../consensus/quorum.ts'
import type { Roster } from '../consensus/roster.ts'
import { certifiersOf, type InForce, inForceAfter, type Succession } from '../consensus/succession.ts'
import type { FindingCode } from './findings.ts'

/** What is wrong with a block, first cause only: nothing after it can be checked. */
export interface BlockFault {
  readonly code: FindingCode
  readonly detail: string
}

/** The end of a chain that was checked so far. */
export class Chain {
  readonly #ledger: LedgerId
  readonly #faults: FaultModel
  #height: Sequence = sequenceOf(0)
  #hash: Digest
  #time: Time
  #inForce: InForce

  /** `created` and `roster`: of the genesis. */
  constructor(ledger: LedgerId, faults: FaultModel, created: Time, roster: Roster) {
    this.#ledger = ledger
    this.#time = created
    this.#faults = faults
    this.#inForce = [roster]
    // The ledger's name is the hash of its genesis, which is block 0.
    this.#hash = ledger as unknown as Digest
  }

  get height(): Sequence {
    return this.#height
  }

  /** Hash of the last block's header. */
  get hash(): Digest {
    return this.#hash
  }

  /** In force for the last block: who signs its results. */
  get roster(): Roster {
    return this.#inForce[0]
  }

  /** Undefined when the block holds; then it is the end of the chain. `known`: as in consensus/succession.ts. */
  extend(record: BlockRecord, known: InForce): BlockFault | undefined {
    const succession = { inForce: this.#inForce, known }
    const fault = this.#linkFault(record) ?? digestFault(record) ?? this.#certificateFault(record, succession)
    if (fault !== undefined) return fault
    this.#inForce = inForceAfter(record.certificate, succession) ?? this.#inForce
    this.#height = record.header.sequence
    this.#hash = blockHash(record.header)
    this.#time = record.header.time
    return undefined
  }

  #linkFault({ header, batchTime }: BlockRecord): BlockFault | undefined {
    const wrong = (detail: string): BlockFault => ({ code: 'CHAIN_BROKEN', detail })
    if (header.ledger !== this.#ledger) return wrong('another ledger')
    if (header.sequence !== this.#height + 1) return wrong(`sequence ${header.sequence} after ${this.#height}`)
    if (header.previous !== this.#hash) return wrong('it names another previous block')
    if (header.time !== Math.max(batchTime, this.#time))
      return wrong('its time is not that of its batch or the block before')
    return undefined
  }

  #certificateFault({ header, certificate }: BlockRecord, succession: Succession): BlockFault | undefined {
    const { ledger, epoch, sequence, digest } = agreedOf(certificate)
    // A Raft ledger goes over to other validators a little later than its state, and signs in their epochs.
    const isOfEpoch = certificate.type === 'raft' || epoch === header.epoch
    if (ledger !== header.ledger || sequence !== header.sequence || digest !== header.batch || !isOfEpoch) {
      return { code: 'CERTIFICATE_MISMATCH', detail: 'ledger, epoch, sequence or digest differ' }
    }
    const rosters = certifiersOf(certificate, succession)
    if (rosters === undefined) return { code: 'WRONG_EPOCH', detail: 'commit certificate of validators unknown' }
    const [roster, ...next] = rosters
    const code = commitCertificateFault(certificate, roster, verify, this.#faults, next)
    return code === undefined ? undefined : { code, detail: 'commit certificate' }
  }
}

function digestFault({ header, batchTime, tokens, transactions }: BlockRecord): BlockFault | undefined {
  const digest = summaryDigest({ time: batchTime, tokens, transactions: transactionsHash(transactions) })
  return digest === header.batch ? undefined : { code: 'DIGEST_MISMATCH', detail: 'batch digest' }
}
