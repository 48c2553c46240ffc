// Drafts to a node, many under way at once, each executed once: also when this process, or the node, was killed in between
// and the same files are submitted again. What may have left is in the note, and leaves again as the same bytes.

import { randomBytes } from '#crypto'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import { type LedgerId, timeOf } from '../base/ids.ts'
import type { SigningKey } from '../base/signature.ts'
import { type Client, changeOf } from '../http/client.ts'
import { numberField, objectOf } from '../http/client-answers.ts'
import { openNumbers } from '../http/client-numbers.ts'
import type { Requester } from '../http/client-request.ts'
import { buildData, signerOf } from '../ledger/build.ts'
import type { Draft } from '../node/ingest.ts'
import type { Attempt, Note } from './submission-note.ts'

/** Transactions that wait for their answers at once: they fill blocks, and are far fewer than a key's window of numbers. */
export const underWayMax = 64

/** A block with a later time does not execute it: long enough for a ledger that is catching up. */
const expiresMs = 600_000

/** Numbers that one draft may lose to other users of its key before that is an error. */
const numbersLostMax = 32

export interface SubmissionOptions {
  readonly client: Client
  readonly requester: Requester
  readonly ledger: LedgerId
  readonly key: SigningKey
  /** Undefined for a submission that cannot be resumed, because its input cannot be read again. */
  readonly note: Note | undefined
}

/** Resolves when the draft is final, with the height of its block. */
export type Send = (draft: Draft, place: number) => Promise<number>

export function openSubmission({ client, requester, ledger, key, note }: SubmissionOptions): Send {
  const signer = signerOf(key)
  const numbers = openNumbers(async (signal) => {
    const answer = await requester.send(`/keys/${keyId(key.publicKey)}`, {
      headers: { accept: 'application/json' },
      signal,
    })
    // Numbers of transactions that are still under way are not in the node's answer.
    return Math.max(numberField(await objectOf(answer), 'next'), (note?.highest ?? 0) + 1)
  })

  const build = async (
    draft: Draft,
    { number, expires }: Omit<Attempt, 'drawn'>,
    draw: (length: number) => Uint8Array,
  ) => {
    const { items, base } = changeOf(draft, [])
    const nameOrDrawn = (length: number): Uint8Array => (length === draft.skolem.length ? draft.skolem : draw(length))
    return buildData({
      key: signer,
      ledger,
      sequence: number,
      expires: timeOf(expires),
      items,
      base,
      randomBytes: nameOrDrawn,
    })
  }

  /** The bytes that may have left before. @returns undefined when they were never executed and never will be */
  const again = async (draft: Draft, attempt: Attempt): Promise<number | undefined> => {
    const drawn = attempt.drawn[Symbol.iterator]()
    const { bytes, payload } = await build(draft, attempt, (length) => {
      const next = drawn.next().value
      if (next?.length !== length) throw new LedgerError('RECORD_TAMPERED', { record: attempt.draft })
      return next
    })
    return await executed(client, bytes, payload)
  }

  const anew = async (draft: Draft, place: number): Promise<number | undefined> => {
    const number = await numbers.take(undefined)
    const drawn: Uint8Array[] = []
    const attempt = { draft: place, number, expires: timeOf(Date.now() + expiresMs), drawn }
    const { bytes, payload } = await build(draft, attempt, (length) => {
      const fresh = randomBytes(length)
      drawn.push(fresh)
      return fresh
    })
    await note?.attempted(attempt)
    const height = await executed(client, bytes, payload)
    // Somebody else uses this key, too.
    if (height === undefined) numbers.forget()
    return height
  }

  return async (draft, place) => {
    let height: number | undefined
    for (const attempt of note?.attempts(place) ?? []) height ??= await again(draft, attempt)
    for (let lost = 0; height === undefined; lost++) {
      if (lost > numbersLostMax) throw new LedgerError('REPEATED', { numbers: lost })
      height = await anew(draft, place)
    }
    await note?.final(place)
    return height
  }
}

/** Outcomes after which these very bytes are never executed. */
const never: readonly ErrorCode[] = ['REPEATED', 'SEQUENCE_EXPIRED', 'EXPIRED']

async function executed(client: Client, bytes: Uint8Array, payload: Uint8Array): Promise<number | undefined> {
  try {
    return (await client.submitTransaction(bytes, payload)).height
  } catch (error) {
    if (error instanceof LedgerError && never.includes(error.code)) return undefined
    throw error
  }
}
