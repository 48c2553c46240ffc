// quadrille evidence: what a node holds against whom, each piece as a file, and the check of such a file by anybody, offline.

import { digestOf, txIdOf } from '../../base/ids.ts'
import type { JsonValue } from '../../base/schema.ts'
import { openRequester } from '../../http/client-request.ts'
import { type Genesis, ledgerIdFor } from '../../ledger/genesis.ts'
import { rostersAlong } from '../../node/epoch-chain.ts'
import { evidenceDocumentSchema, judgeEvidence } from '../../node/evidence.ts'
import { type ForkDocument, isFork, readFork } from '../../node/fork.ts'
import { readJson } from '../../node/home.ts'
import { argument, type Context, type Handler, identifier, type Options } from '../context.ts'
import { endpointOf, trustedGenesis } from '../node-access.ts'

interface Listed {
  readonly id: string
  readonly culprit: string
  readonly sentence: string
}

export const list: Handler = async (_args, options, context) => {
  const found = (await ask('/evidence', options, context)) as unknown as readonly Listed[]
  context.answer(found as unknown as JsonValue, [
    ...found.map(({ id, culprit, sentence }) => `${id}  ${culprit}: ${sentence}`),
    found.length === 0
      ? 'This node has seen no validator contradict itself.'
      : 'As a file: quadrille evidence show ID > evidence.json',
  ])
  return 0
}

export const show: Handler = async (args, options, context) => {
  const id = identifier(args, 0, digestOf, 'the id of a piece of evidence, as `quadrille evidence list` shows it')
  context.document(await ask(`/evidence/${id}`, options, context))
  return 0
}

export const author: Handler = async (args, options, context) => {
  const tx = identifier(args, 0, txIdOf, 'the id of a transaction')
  const documents = (await ask(`/transactions/${tx}/evidence`, options, context)) as readonly JsonValue[]
  const [first] = documents
  if (first === undefined) {
    context.note('No part of this transaction that this node keeps is malformed.')
    return 1
  }
  context.document(first)
  if (documents.length > 1) context.note(`${documents.length - 1} more parts of it are malformed; one suffices.`)
  return 0
}

export const verify: Handler = async (args, options, context) => {
  const { genesis } = await trustedGenesis(options, context)
  const fork = await readFork(argument(args, 0))
  if (fork !== undefined) return verifyFork(fork, genesis, context)
  const document = await readJson(argument(args, 0), evidenceDocumentSchema)
  const rosters = rostersAlong(genesis, document.epochs)
  const judged = judgeEvidence(document, ledgerIdFor(genesis), rosters)
  if (judged.type === 'void') {
    context.answer({ proven: false, code: judged.code }, [`It proves nothing: ${judged.code}.`])
    return 1
  }
  const { culprit, sentence } = judged
  const name = nameOf(culprit, genesis, rosters) ?? `key ${culprit}`
  context.answer({ proven: true, against: document.against, culprit, name, sentence }, [
    `Proven against ${name} (${culprit}).`,
    sentence,
    `Trusted: the genesis ${ledgerIdFor(genesis)}.`,
  ])
  return 0
}

/** Who signed both results lied, whoever it was. */
function verifyFork(document: ForkDocument, genesis: Genesis, context: Context): number {
  const rosters = rostersAlong(genesis, document.epochs)
  if (document.ledger !== ledgerIdFor(genesis) || !isFork(document, genesis.protocol, rosters)) {
    context.answer({ proven: false, code: 'EVIDENCE_EMPTY' }, ['It proves nothing: EVIDENCE_EMPTY.'])
    return 1
  }
  const [one, other] = document.certificates.map(({ signatures }) => signatures.map(({ node }) => node))
  const both = (one ?? []).filter((node) => other?.includes(node))
  const names = both.map((node) => nameOf(node, genesis, rosters) ?? node)
  context.answer({ proven: true, against: 'ledger', culprits: both, names }, [
    `Proven: two quorums signed results that contradict one another. Both bear the signatures of ${names.join(', ')}.`,
    `Trusted: the genesis ${ledgerIdFor(genesis)}.`,
  ])
  return 0
}

/** As the genesis names a founder's node; of a later one its organisation is known. */
function nameOf(culprit: string, genesis: Genesis, rosters: ReturnType<typeof rostersAlong>): string | undefined {
  const founder = genesis.nodes.find(({ id }) => id === culprit)?.name
  const later = rosters.flatMap(({ validators }) => validators).find(({ node }) => node === culprit)
  return founder ?? (later && `a node of ${later.organisation}`)
}

async function ask(path: string, options: Options, context: Context): Promise<JsonValue> {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs: 0 })
  const answer = await requester.send(path, { headers: { accept: 'application/json' } })
  return (await answer.json()) as JsonValue
}
