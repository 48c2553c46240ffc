// Whether the result certificates are of what replaying gives, and whether a quorum signed that of the last block: a
// commit certificate alone proves a position and no outcome.

import { LedgerError } from '../base/errors.ts'
import type { Digest, LedgerId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import type { BlockHeader } from '../consensus/block.ts'
import { type ResultCertificate, resultCertificateFault, resultCertificateSchema } from '../consensus/certificate.ts'
import type { FaultModel } from '../consensus/quorum.ts'
import type { Roster } from '../consensus/roster.ts'
import type { Checkpoint, Result } from '../consensus/statements.ts'
import type { Located, Source } from './bundle-reader.ts'
import type { Findings } from './findings.ts'
import type { TreeHead } from './log.ts'

/** What replaying a block gave. */
export interface Outcome {
  readonly header: BlockHeader
  readonly hash: Digest
  readonly log: TreeHead
  /** Computed only when a certificate names one: it hashes the whole state. */
  readonly checkpoint: () => Checkpoint
}

export class ResultCheck {
  readonly #ledger: LedgerId
  readonly #faults: FaultModel
  readonly #source: Source
  readonly #findings: Findings
  #next: { readonly place: Located; readonly certificate: ResultCertificate } | undefined
  #started = false
  #valid = 0
  /** Height of the last certificate that holds. */
  #proven = 0

  constructor(ledger: LedgerId, faults: FaultModel, source: Source, findings: Findings) {
    this.#ledger = ledger
    this.#faults = faults
    this.#source = source
    this.#findings = findings
  }

  /** Certificates that hold. */
  get valid(): number {
    return this.#valid
  }

  /** Checks the certificates of one block. `roster`: in force for it. Call in order of height. */
  async at(outcome: Outcome, roster: Roster): Promise<void> {
    if (!this.#started) await this.#advance()
    while (this.#next !== undefined && this.#next.certificate.result.sequence <= outcome.header.sequence) {
      const { certificate, place } = this.#next
      const sequence = certificate.result.sequence
      const wrong = this.#difference(certificate.result, outcome)
      const fault = resultCertificateFault(certificate, roster, verify, this.#faults)
      const at = `height ${sequence}, ${bytesOf(place)}`
      if (sequence === this.#proven) this.#findings.add('RESULT_MISMATCH', place.file, at, 'a second certificate')
      else if (wrong !== '') this.#findings.add('RESULT_MISMATCH', place.file, at, `another ${wrong}`)
      else if (fault !== undefined) this.#findings.add(fault, place.file, at, 'result certificate')
      else {
        this.#valid += 1
        this.#proven = sequence
      }
      await this.#advance()
    }
  }

  /** `height`: of the last block. */
  finish(height: number): void {
    if (this.#next !== undefined) {
      const { place, certificate } = this.#next
      const detail = `result of height ${certificate.result.sequence}`
      this.#findings.add('RESULT_MISMATCH', place.file, bytesOf(place), `${detail}, which no block has`)
    }
    if (this.#proven < height) this.#findings.add('RESULT_MISSING', 'results', `height ${height}`)
  }

  #difference(result: Result, { header, hash, log, checkpoint }: Outcome): string {
    if (result.ledger !== this.#ledger) return 'ledger'
    if (result.sequence !== header.sequence) return 'height, out of order'
    if (this.#faults === 'byzantine' && result.epoch !== header.epoch) return 'epoch'
    if (result.block !== hash) return 'block hash'
    if (result.logSize !== log.size) return 'log size'
    if (result.logRoot !== log.root) return 'log root'
    const [named] = result.checkpoint
    if (named === undefined) return ''
    const { state, roster } = checkpoint()
    return named.state !== state ? 'state' : named.roster !== roster ? 'roster' : ''
  }

  async #advance(): Promise<void> {
    this.#started = true
    this.#next = undefined
    for (let place = await this.#source(); place !== undefined; place = await this.#source()) {
      try {
        this.#next = { place, certificate: decode(resultCertificateSchema, place.bytes) }
        return
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        this.#findings.add('FILE_MALFORMED', place.file, bytesOf(place), error.message)
      }
    }
  }
}

/** Where a record stands in its file, for people. */
export function bytesOf({ from, to }: Located): string {
  return `bytes ${from} to ${to - 1}`
}
