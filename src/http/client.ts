// What an application uses: changes of quads in, signed and sent exactly once; questions out. The private key stays with
// the application. Runs in Node and in a browser.

import { randomBytes } from '#crypto'
import { encodeCbor } from '../base/cbor.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { graphId, keyId } from '../base/hash.ts'
import { type LedgerId, ledgerIdOf, type Sequence, timeOf } from '../base/ids.ts'
import type { JsonValue } from '../base/schema.ts'
import { generateSigningKey, type SigningKey, signingKeyOf } from '../base/signature.ts'
import { type BuiltAct, buildAct, buildData, type Signer, signerOf } from '../ledger/build.ts'
import { type Genesis, ledgerIdFor, signedGenesisSchema } from '../ledger/genesis.ts'
import type { Policy } from '../ledger/records.ts'
import type { Act } from '../ledger/transaction.ts'
import { type Draft, type IngestOptions, ingest } from '../node/ingest.ts'
import type { RdfQuad } from '../node/ingest-concerns.ts'
import { numberField, objectOf, type Submitted, submittedOf } from './client-answers.ts'
import { openNumbers } from './client-numbers.ts'
import { openRequester } from './client-request.ts'

export type { Signer } from '../ledger/build.ts'
export type { Submitted } from './client-answers.ts'

export interface ClientOptions {
  /** HTTP address of a node: http://127.0.0.1:4780 */
  readonly endpoint: string
  /** The ledger's name: hash of its genesis, 64 hexadecimal digits. Whatever the node says is held against it. */
  readonly ledger: string
  /** Seed of 32 bytes, or what signs; needed to submit. */
  readonly key?: Uint8Array | Signer
  /** How long a request is tried again while the node is away or busy; 60 s by default. */
  readonly retryMs?: number
  readonly fetch?: typeof fetch
}

export interface SubmitOptions {
  /** Where quads go that name no graph. */
  readonly graph?: string
  /** Instead of the one that the genesis has for the graph. */
  readonly policy?: Policy
  /** Whom all quads concern; by default found by the classes of their subjects. */
  readonly dataSubjects?: readonly string[]
  /** Versions of graphs that the change was computed from: if one has moved on, it ends in CONFLICT. */
  readonly base?: readonly { readonly graph: string; readonly version: number }[]
  readonly signal?: AbortSignal
}

export interface QueryOptions {
  /** Media type, or json, csv, tsv, xml, ntriples, turtle. */
  readonly format?: string
  readonly at?: number
  readonly signal?: AbortSignal
}

export interface Client {
  readonly ledger: LedgerId
  /** One transaction. @throws LedgerError TOO_LARGE when the quads need more than one, and what the ledger refuses. */
  submit(quads: Iterable<RdfQuad>, options?: SubmitOptions): Promise<Submitted>
  /** One transaction of quads that ingest.ts has made ready. */
  submitDraft(draft: Draft, options?: Pick<SubmitOptions, 'base' | 'signal'>): Promise<Submitted>
  /** A key, a policy or a graph. */
  submitAct(act: Exclude<Act, { readonly type: 'data' }>, signal?: AbortSignal): Promise<Submitted>
  /** Bytes that were signed before; the same bytes may be sent again and again, to any node. */
  submitTransaction(bytes: Uint8Array, payload: Uint8Array, signal?: AbortSignal): Promise<Submitted>
  /** The answer in the format asked for. */
  query(sparql: string, options?: QueryOptions): Promise<Response>
  status(signal?: AbortSignal): Promise<Readonly<Record<string, JsonValue>>>
  genesis(signal?: AbortSignal): Promise<Genesis>
}

/** Short names of the formats of answers. */
export const mediaTypes: Readonly<Record<string, string>> = {
  json: 'application/sparql-results+json',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  xml: 'application/sparql-results+xml',
  ntriples: 'application/n-triples',
  turtle: 'text/turtle',
}

/** A block with a later time does not execute it: long enough for a ledger that is catching up. */
const expiresMs = 600_000

export function generateKey(): SigningKey {
  return generateSigningKey()
}

/** @throws RangeError unless `ledger` is the name of one and a key has 32 bytes. */
export function createClient(options: ClientOptions): Client {
  const ledger = ledgerIdOf(options.ledger)
  const signer = options.key instanceof Uint8Array ? signerOf(signingKeyOf(options.key)) : options.key
  const { retryMs = 60_000, fetch: ask = fetch } = options
  const requester = openRequester({ endpoint: options.endpoint, fetch: ask, retryMs })
  const numbers = openNumbers(async (signal) =>
    numberField(await json(`/keys/${keyId(required(signer).publicKey)}`, signal), 'next'),
  )
  let founded: Genesis | undefined

  async function json(path: string, signal?: AbortSignal): Promise<Readonly<Record<string, JsonValue>>> {
    const answer = await requester.send(path, { headers: { accept: 'application/json' }, signal })
    return await objectOf(answer)
  }

  /** It names the ledger by its hash, so no node can give another. */
  async function genesis(signal?: AbortSignal): Promise<Genesis> {
    if (founded === undefined) {
      const { genesis: read } = signedGenesisSchema.fromJson(await json('/genesis', signal), 'genesis')
      const found = ledgerIdFor(read)
      if (found !== ledger) throw new LedgerError('WRONG_LEDGER', { expected: ledger, found })
      founded = read
    }
    return founded
  }

  async function submitTransaction(bytes: Uint8Array, payload: Uint8Array, signal?: AbortSignal): Promise<Submitted> {
    const answer = await requester.send('/transactions', {
      method: 'POST',
      headers: { 'content-type': 'application/cbor', accept: 'application/json' },
      body: encodeCbor([bytes, payload]),
      signal,
    })
    return submittedOf(await objectOf(answer))
  }

  async function signAndSend(
    build: (envelope: {
      key: Signer
      ledger: LedgerId
      sequence: number
      expires: ReturnType<typeof timeOf>
    }) => Promise<BuiltAct & { readonly payload?: Uint8Array }>,
    signal: AbortSignal | undefined,
  ): Promise<Submitted> {
    const key = required(signer)
    const sequence = await numbers.take(signal)
    try {
      const { bytes, payload } = await build({ key, ledger, sequence, expires: timeOf(Date.now() + expiresMs) })
      return await submitTransaction(bytes, payload ?? new Uint8Array(), signal)
    } catch (error) {
      if (error instanceof LedgerError && numberCodes.includes(error.code)) numbers.forget()
      throw error
    }
  }

  const submitDraft: Client['submitDraft'] = (draft, { base = [], signal } = {}) =>
    signAndSend((envelope) => buildData({ ...envelope, ...changeOf(draft, base) }), signal)

  return {
    ledger,
    genesis,
    submitTransaction,
    submitDraft,
    submitAct: (act, signal) => signAndSend((envelope) => buildAct({ ...envelope, act }), signal),
    async submit(quads, { graph, policy, dataSubjects, base, signal } = {}) {
      const policies = policy === undefined ? policiesOf(await genesis(signal)) : () => policy
      const drafts: Draft[] = []
      const ingestOptions: IngestOptions = {
        policyOf: policies,
        quadsPerTransaction: oneTransaction,
        ...(graph === undefined ? {} : { graph }),
        ...(dataSubjects === undefined ? {} : { dataSubjects }),
      }
      for await (const draft of ingest([[...quads]], ingestOptions)) drafts.push(draft)
      const [draft, ...more] = drafts
      if (draft === undefined) throw new RangeError('there are no quads')
      if (more.length > 0) throw new LedgerError('TOO_LARGE', { transactions: drafts.length })
      return submitDraft(draft, {
        ...(base === undefined ? {} : { base }),
        ...(signal === undefined ? {} : { signal }),
      })
    },
    query(sparql, { format = 'json', at, signal } = {}) {
      return requester.send(at === undefined ? '/sparql' : `/sparql?at=${at}`, {
        method: 'POST',
        headers: { 'content-type': 'application/sparql-query', accept: mediaTypes[format] ?? format },
        body: sparql,
        signal,
      })
    },
    status: (signal) => json('/status', signal),
  }
}

/** Quads of one `submit`: what its byte bounds allow. */
const oneTransaction = 5_000

/** The policy of each graph of a genesis. */
export function policiesOf({ graphs, policies }: Genesis): (graph: string) => Policy | undefined {
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  const byGraph = new Map(graphs.map(({ iri, policy }) => [iri, byName.get(policy)]))
  return (graph) => byGraph.get(graph)
}

/** What buildData needs beside the envelope. */
function changeOf(
  { skolem, items }: Draft,
  base: NonNullable<SubmitOptions['base']>,
): Pick<Parameters<typeof buildData>[0], 'items' | 'base' | 'randomBytes'> {
  return {
    items: items.map((item) => ({ ...item, graph: graphId(item.graph), retractions: [] })),
    base: base.map(({ graph, version }) => ({ graph: graphId(graph), version: version as Sequence })),
    // The only 16 bytes that a transaction draws are those that name its blank nodes, and the draft has named them already.
    randomBytes: (length) => (length === skolem.length ? skolem : randomBytes(length)),
  }
}

/** Outcomes that tell that somebody else uses this key's numbers too. */
const numberCodes: readonly ErrorCode[] = ['REPEATED', 'SEQUENCE_EXPIRED', 'SEQUENCE_TOO_FAR']

function required(signer: Signer | undefined): Signer {
  if (signer === undefined) throw new TypeError('this client was made without a key')
  return signer
}
