// What peers show to be final, held against what this node has. A node that does not vote learns in this way what is final. And
// whoever shows a quorum's result that is not the one here has shown that this copy diverged, or, when a quorum stands behind the
// one here too, that the ledger forked: more validators lied than it bears, and nothing may be written any more.

import type { Log } from '../audit/log.ts'
import { digestOf, type Epoch, type NodeId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import { blockHash, blockRecordSchema } from '../consensus/block.ts'
import { type ResultCertificate, resultCertificateFault, resultCertificateSchema } from '../consensus/certificate.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'
import type { Result } from '../consensus/statements.ts'
import type { BlockArchive } from '../store/blocks.ts'
import { Queue } from '../store/failure.ts'
import type { LedgerMachine } from './machine.ts'

/** `ours`: a quorum's too, when the ledger forked. */
export type Conflict =
  | { readonly code: 'RESULT_DIVERGED'; readonly theirs: ResultCertificate }
  | { readonly code: 'FORK_DETECTED'; readonly theirs: ResultCertificate; readonly ours: ResultCertificate }

export interface ToldResultsOptions {
  readonly self: NodeId
  readonly machine: Pick<LedgerMachine, 'ledger' | 'applied' | 'checkpoint' | 'succession'>
  readonly blocks: Pick<BlockArchive, 'read' | 'result'>
  readonly log: Pick<Log, 'size' | 'rootAt'>
  readonly final: () => ResultCertificate | undefined
  /** A later block is final; told to nodes that do not vote, the others' cores know it themselves. */
  readonly onFinal: (certificate: ResultCertificate) => Promise<void>
  readonly onConflict: (conflict: Conflict) => Promise<void>
}

export class ToldResults {
  readonly #options: ToldResultsOptions
  /** One at a time, so that a height is decided on once. */
  readonly #queue: Queue = new Queue()

  constructor(options: ToldResultsOptions) {
    this.#options = options
  }

  /** Signatures are checked only of what says something new. */
  heard(certificate: ResultCertificate): Promise<void> {
    return this.#queue.run(() => this.#judge(certificate))
  }

  async #judge(certificate: ResultCertificate): Promise<void> {
    const { self, machine, final, onFinal, onConflict } = this.#options
    const { result } = certificate
    const known = final()
    if (result.ledger !== machine.ledger.id || result.sequence < 1 || result.sequence > machine.applied.sequence) return
    const isNews = result.sequence > (known?.result.sequence ?? 0)
    const agrees = await this.#agrees(result)
    const roster = this.#rosterOf(result.epoch)
    if (roster === undefined || (agrees && (!isNews || validatorOf(roster, self) !== undefined))) return
    const faults = faultModelOf(machine.ledger.genesis.protocol)
    if (resultCertificateFault(certificate, roster, verify, faults) !== undefined) return
    if (agrees) await onFinal(certificate)
    else {
      const ours = await this.#ours(result)
      await onConflict(
        ours === undefined
          ? { code: 'RESULT_DIVERGED', theirs: certificate }
          : { code: 'FORK_DETECTED', theirs: certificate, ours },
      )
    }
  }

  async #agrees({ sequence, block, logSize, logRoot, checkpoint }: Result): Promise<boolean> {
    const { machine, blocks, log } = this.#options
    const { header } = decode(blockRecordSchema, await blocks.read(sequence))
    const [named] = checkpoint
    const own = [machine.applied, machine.checkpoint].find((outcome) => outcome.sequence === sequence)
    const [state] = own?.checkpoint ?? []
    return (
      blockHash(header) === block &&
      logSize <= log.size &&
      digestOf(log.rootAt(logSize)) === logRoot &&
      (named === undefined || state === undefined || named.state === state.state)
    )
  }

  /** A quorum's proof for what stands here: of that height, else of a later one, which covers it. */
  async #ours({ sequence }: Result): Promise<ResultCertificate | undefined> {
    const bytes = await this.#options.blocks.result(sequence)
    if (bytes !== undefined) return decode(resultCertificateSchema, bytes)
    const final = this.#options.final()
    return final !== undefined && final.result.sequence >= sequence ? final : undefined
  }

  #rosterOf(epoch: Epoch): Roster | undefined {
    const { inForce, known } = this.#options.machine.succession
    return [...inForce, ...known].find((roster) => roster.epoch === epoch)
  }
}
