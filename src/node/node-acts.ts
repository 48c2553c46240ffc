// Transactions that this node signs itself, with its consensus key: one at a time, so that each has the number after the
// last. What they say is the affair of others.

import { LedgerError } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import { timeOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { SigningKey } from '../base/signature.ts'
import type { Clock } from '../consensus/ports.ts'
import { type ActInput, buildAct, signerOf } from '../ledger/build.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { Queue } from '../store/failure.ts'
import type { Submission, Submissions } from './submissions.ts'

export interface NodeActsOptions {
  readonly ledger: Pick<Ledger, 'id' | 'nextSequence'>
  readonly submissions: Pick<Submissions, 'submit'>
  /** The consensus key that the ledger has now. */
  readonly key: () => SigningKey
  readonly clock: Clock
}

export class NodeActs {
  readonly #options: NodeActsOptions
  readonly #queue: Queue = new Queue()
  readonly #stopped: AbortController = new AbortController()

  constructor(options: NodeActsOptions) {
    this.#options = options
  }

  /** Resolves when final, with an outcome that may be a refusal. @throws LedgerError as Submissions.submit does, NODE_STOPPED */
  send(act: ActInput['act']): Promise<Submission> {
    return this.#queue.run(async () => {
      if (this.#stopped.signal.aborted) throw new LedgerError('NODE_STOPPED')
      const { ledger, submissions, clock } = this.#options
      const key = this.#options.key()
      const { bytes } = await buildAct({
        ledger: ledger.id,
        key: signerOf(key),
        sequence: ledger.nextSequence(keyId(key.publicKey)),
        expires: timeOf(clock.now() + 2 * limits.submitMsMax),
        act,
      })
      const patience = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(limits.submitMsMax)])
      return submissions.submit(bytes, new Uint8Array(), patience)
    })
  }

  /** Ends what waits, with NOT_FINAL. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#queue.run(async () => undefined)
  }
}
