// What tests of erasure share: keys of the controller that may erase, and orders with their approval.

import { randomBytes } from '#crypto'
import { eventually } from '../../demo/processes.ts'
import { graphId } from '../../src/base/hash.ts'
import { organisationIdOf, type TxId, timeOf, txIdOf } from '../../src/base/ids.ts'
import { generateSigningKey, type SigningKey } from '../../src/base/signature.ts'
import { type ActInput, buildAct, buildErasure, proveKey, signerOf } from '../../src/ledger/build.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { itemIdFor } from '../../src/ledger/transaction.ts'
import type { QuadrilleNode, Submission } from '../../src/node/node.ts'
import { delivered, type Founded, openGraph, personalGraph, statement } from './consortium.ts'

export interface Erasers {
  readonly clerk: SigningKey
  readonly officer: SigningKey
}

const patience = (): AbortSignal => AbortSignal.timeout(20_000)
const expires = (): ReturnType<typeof timeOf> => timeOf(Date.now() + 3_600_000)

/** Two keys of the first organisation that may erase what it controls; resolves once they may at each of these nodes. */
export async function enrolErasers(founded: Founded, nodes: readonly QuadrilleNode[]): Promise<Erasers> {
  const erasers = { clerk: generateSigningKey(), officer: generateSigningKey() }
  const [node] = nodes as readonly [QuadrilleNode]
  const organisation = founded.organisationKeys[0] as SigningKey
  const ledger = ledgerIdFor(founded.genesis.genesis)
  for (const [name, key] of Object.entries(erasers)) {
    const rights = [openGraph, personalGraph]
      .map((iri) => ({ graph: graphId(iri), right: 'erase' as const }))
      .sort((a, b) => (a.graph < b.graph ? -1 : 1))
    const proof = await proveKey(ledger, organisationIdOf('org-0'), signerOf(key))
    const { bytes } = await buildAct({
      ledger,
      key: signerOf(organisation),
      sequence: node.nextSequence(organisation.publicKey),
      expires: expires(),
      act: { type: 'key-add', key: key.publicKey, name, proof, rights },
    })
    const submission = await node.submit(bytes, new Uint8Array(), patience())
    if (submission.code !== 'OK') throw new Error(submission.code)
    await delivered(nodes, submission)
  }
  return erasers
}

/** A statement of `count` quads about person number `sequence`; gives where its item stands. */
export async function stated(
  founded: Founded,
  node: QuadrilleNode,
  sequence: number,
  options: { readonly graph?: string; readonly count?: number } = { graph: personalGraph },
): Promise<{ readonly place: ItemPlace; readonly item: ReturnType<typeof itemIdFor> }> {
  const { bytes, payload } = await statement(founded, sequence, options)
  const done = await node.submit(bytes, payload, patience())
  if (done.code !== 'OK') throw new Error(done.code)
  return { place: placeOf(done), item: itemIdFor(done.tx, 0) }
}

export function placeOf({ sequence, index }: Submission): ItemPlace {
  return { sequence, transaction: index, index: 0 }
}

/** Waits until every node of the ledger attested the order, as these nodes see it. */
export async function attested(nodes: readonly QuadrilleNode[], order: TxId): Promise<void> {
  await eventually('every node attested', async () => {
    const reports = await Promise.all(nodes.map((node) => node.erasure(order)))
    return reports.every((report) => report?.complete === true) || undefined
  })
}

/** An act of one key. */
export async function act(
  founded: Founded,
  node: QuadrilleNode,
  key: SigningKey,
  said: ActInput['act'],
): Promise<Submission> {
  const { bytes } = await buildAct({
    ledger: ledgerIdFor(founded.genesis.genesis),
    key: signerOf(key),
    sequence: node.nextSequence(key.publicKey),
    expires: expires(),
    act: said,
  })
  return node.submit(bytes, new Uint8Array(), patience())
}

/** Orders the erasure of these items, approved by the officer. */
export async function erase(
  founded: Founded,
  node: QuadrilleNode,
  { clerk, officer }: Erasers,
  items: readonly ItemPlace[],
): Promise<Submission> {
  const { bytes } = await buildErasure({
    ledger: ledgerIdFor(founded.genesis.genesis),
    key: signerOf(clerk),
    approver: signerOf(officer),
    sequence: node.nextSequence(clerk.publicKey),
    expires: expires(),
    items,
    reason: 'art17-1-b',
    reference: randomBytes(16),
  })
  const done = await node.submit(bytes, new Uint8Array(), patience())
  return { ...done, tx: txIdOf(done.tx) }
}
