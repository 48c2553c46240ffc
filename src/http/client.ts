// What an application uses: changes of quads in, signed and sent exactly once; questions out. The private key stays with
// the application. Runs in Node and in a browser.

import { randomBytes } from '#crypto'
import { encodeCbor } from '../base/cbor.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { graphId, keyId } from '../base/hash.ts'
import { type LedgerId, ledgerIdOf, type Sequence, timeOf, txIdOf } from '../base/ids.ts'
import type { JsonValue } from '../base/schema.ts'
import { generateSigningKey, type SigningKey, signedBytes, signingKeyOf } from '../base/signature.ts'
import {
  type BuiltAct,
  buildAct,
  buildData,
  buildErasure,
  type Envelope,
  type ErasureInput,
  type Signer,
  signerOf,
} from '../ledger/build.ts'
import { type Genesis, ledgerIdFor, signedGenesisSchema } from '../ledger/genesis.ts'
import type { RdfQuad } from '../ledger/profile.ts'
import type { Policy } from '../ledger/records.ts'
import type { Act } from '../ledger/transaction.ts'
import { type Draft, type IngestOptions, ingest } from '../node/ingest.ts'
import { numberField, objectOf, type Submitted, submittedOf } from './client-answers.ts'
import { type Numbers, openNumbers } from './client-numbers.ts'
import { openRequester, type Requester } from './client-request.ts'
import { changedMeanwhile, dataOf, isEmpty, readDelta, updateTriesMax } from './client-update.ts'
import { type DeltaDocument, deltaMediaType } from './delta.ts'

export type { Submitted } from './client-answers.ts'

/** An Ed25519 key that signs elsewhere: WebCrypto, a card, a service. */
export interface OutsideKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes: plain Ed25519 over these bytes. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface ClientOptions {
  /** HTTP address of a node: http://127.0.0.1:4780 */
  readonly endpoint: string
  /** The ledger's name: hash of its genesis, 64 hexadecimal digits. Whatever the node says is held against it. */
  readonly ledger: string
  /** Seed of 32 bytes, or what signs; needed to submit. */
  readonly key?: Uint8Array | OutsideKey
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
  /** Media type, or json, csv, tsv, xml, ntriples, turtle, nquads, trig, jsonld. */
  readonly format?: string
  readonly at?: number
  /** linearizable: with everything that was acknowledged before. local, the default: what the node has now. */
  readonly consistency?: Consistency
  readonly signal?: AbortSignal
}

export type Consistency = 'linearizable' | 'local'

export interface Client {
  readonly ledger: LedgerId
  /** One transaction. @throws LedgerError TOO_LARGE when the quads need more than one, and what the ledger refuses. */
  submit(quads: Iterable<RdfQuad>, options?: SubmitOptions): Promise<Submitted>
  /** One transaction of quads that ingest.ts has made ready. */
  submitDraft(draft: Draft, options?: Pick<SubmitOptions, 'base' | 'signal'>): Promise<Submitted>
  /** An erasure order, approved by another key of the controller. */
  submitErasure(order: Omit<ErasureInput, keyof Envelope>, signal?: AbortSignal): Promise<Submitted>
  /** A key, a policy or a graph. */
  submitAct(act: Exclude<Act, { readonly type: 'data' }>, signal?: AbortSignal): Promise<Submitted>
  /** A SPARQL Update, computed by the node and signed here; computed again while others change what it read. Undefined when it changes nothing. */
  update(
    sparql: string,
    options?: Pick<SubmitOptions, 'policy' | 'dataSubjects' | 'signal'>,
  ): Promise<Submitted | undefined>
  /** What an update would come to, by what the node says. */
  delta(sparql: string, signal?: AbortSignal): Promise<DeltaDocument>
  /** Bytes that were signed before; the same bytes may be sent again and again, to any node. */
  submitTransaction(bytes: Uint8Array, payload: Uint8Array, signal?: AbortSignal): Promise<Submitted>
  /** The answer in the format asked for. */
  query(sparql: string, options?: QueryOptions): Promise<Response>
  /** Proof of what became of a transaction, as JSON, for `verifyReceipt`; `ordered` proves only where it stands. */
  receipt(tx: string, type?: 'ordered' | 'final', signal?: AbortSignal): Promise<Readonly<Record<string, JsonValue>>>
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
  nquads: 'application/n-quads',
  trig: 'application/trig',
  jsonld: 'application/ld+json',
}

/** A block with a later time does not execute it: long enough for a ledger that is catching up. */
const expiresMs = 600_000

export function generateKey(): SigningKey {
  return generateSigningKey()
}

/** @throws RangeError unless `ledger` is the name of one and a key has 32 bytes. */
export function createClient(options: ClientOptions): Client {
  return new HttpClient(options)
}

function signerOutside(key: OutsideKey): Signer {
  return { publicKey: key.publicKey, sign: (domain, bytes) => key.sign(signedBytes(domain, bytes)) }
}

type Unsigned = Omit<Parameters<typeof buildAct>[0], 'act'>
type Built = BuiltAct & { readonly payload?: Uint8Array }

class HttpClient implements Client {
  readonly ledger: LedgerId
  readonly #requester: Requester
  readonly #signer: Signer | undefined
  readonly #numbers: Numbers
  #genesis: Genesis | undefined

  constructor({ endpoint, ledger, key, retryMs = 60_000, fetch: ask = fetch }: ClientOptions) {
    this.ledger = ledgerIdOf(ledger)
    this.#requester = openRequester({ endpoint, fetch: ask, retryMs })
    this.#signer = key && (key instanceof Uint8Array ? signerOf(signingKeyOf(key)) : signerOutside(key))
    this.#numbers = openNumbers(async (signal) => {
      return numberField(await this.#json(`/keys/${keyId(this.#key.publicKey)}`, signal), 'next')
    })
  }

  async submit(quads: Iterable<RdfQuad>, options: SubmitOptions = {}): Promise<Submitted> {
    const { graph, policy, dataSubjects, base, signal } = options
    const ingestOptions: IngestOptions = {
      policyOf: policy === undefined ? policiesOf(await this.genesis(signal)) : () => policy,
      quadsPerTransaction: oneTransaction,
      ...(graph === undefined ? {} : { graph }),
      ...(dataSubjects === undefined ? {} : { dataSubjects }),
    }
    const drafts: Draft[] = []
    for await (const draft of ingest([[...quads]], ingestOptions)) drafts.push(draft)
    const [draft, ...more] = drafts
    if (draft === undefined) throw new RangeError('there are no quads')
    if (more.length > 0) throw new LedgerError('TOO_LARGE', { transactions: drafts.length })
    return this.submitDraft(draft, {
      ...(base === undefined ? {} : { base }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  submitDraft(draft: Draft, { base = [], signal }: Pick<SubmitOptions, 'base' | 'signal'> = {}): Promise<Submitted> {
    return this.#signAndSend((unsigned) => buildData({ ...unsigned, ...changeOf(draft, base) }), signal)
  }

  submitErasure(order: Omit<ErasureInput, keyof Envelope>, signal?: AbortSignal): Promise<Submitted> {
    return this.#signAndSend((unsigned) => buildErasure({ ...unsigned, ...order }), signal)
  }

  submitAct(act: Exclude<Act, { readonly type: 'data' }>, signal?: AbortSignal): Promise<Submitted> {
    return this.#signAndSend((unsigned) => buildAct({ ...unsigned, act }), signal)
  }

  async delta(sparql: string, signal?: AbortSignal): Promise<DeltaDocument> {
    const answer = await this.#requester.send('/sparql', {
      method: 'POST',
      headers: { 'content-type': 'application/sparql-update', accept: deltaMediaType },
      body: sparql,
      signal,
    })
    return readDelta(await objectOf(answer), this.ledger)
  }

  async update(
    sparql: string,
    { policy, dataSubjects, signal }: Pick<SubmitOptions, 'policy' | 'dataSubjects' | 'signal'> = {},
  ): Promise<Submitted | undefined> {
    const policyOf = policy === undefined ? policiesOf(await this.genesis(signal)) : () => policy
    for (let tries = 1; ; tries++) {
      const delta = await this.delta(sparql, signal)
      if (isEmpty(delta)) return undefined
      const data = await dataOf(delta, { policyOf, dataSubjects })
      try {
        return await this.#signAndSend((unsigned) => buildData({ ...unsigned, ...data }), signal)
      } catch (error) {
        const again = error instanceof LedgerError && changedMeanwhile.includes(error.code)
        if (!again || tries === updateTriesMax) throw error
      }
    }
  }

  async submitTransaction(bytes: Uint8Array, payload: Uint8Array, signal?: AbortSignal): Promise<Submitted> {
    const answer = await this.#requester.send('/transactions', {
      method: 'POST',
      headers: { 'content-type': 'application/cbor', accept: 'application/json' },
      body: encodeCbor([bytes, payload]),
      signal,
    })
    return submittedOf(await objectOf(answer))
  }

  query(sparql: string, { format = 'json', at, consistency, signal }: QueryOptions = {}): Promise<Response> {
    return this.#requester.send(sparqlPath(at, consistency), {
      method: 'POST',
      headers: { 'content-type': 'application/sparql-query', accept: mediaTypes[format] ?? format },
      body: sparql,
      signal,
    })
  }

  receipt(
    tx: string,
    type: 'ordered' | 'final' = 'final',
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, JsonValue>>> {
    return this.#json(`/receipts/${txIdOf(tx)}?type=${type}`, signal)
  }

  status(signal?: AbortSignal): Promise<Readonly<Record<string, JsonValue>>> {
    return this.#json('/status', signal)
  }

  /** The ledger is named by its hash, so no node can give another. */
  async genesis(signal?: AbortSignal): Promise<Genesis> {
    if (this.#genesis === undefined) {
      const { genesis } = signedGenesisSchema.fromJson(await this.#json('/genesis', signal), 'genesis')
      const found = ledgerIdFor(genesis)
      if (found !== this.ledger) throw new LedgerError('WRONG_LEDGER', { expected: this.ledger, found })
      this.#genesis = genesis
    }
    return this.#genesis
  }

  async #signAndSend(
    build: (unsigned: Unsigned) => Promise<Built>,
    signal: AbortSignal | undefined,
  ): Promise<Submitted> {
    const [key, ledger] = [this.#key, this.ledger]
    const sequence = await this.#numbers.take(signal)
    try {
      const { bytes, payload } = await build({ key, ledger, sequence, expires: timeOf(Date.now() + expiresMs) })
      return await this.submitTransaction(bytes, payload ?? new Uint8Array(), signal)
    } catch (error) {
      if (error instanceof LedgerError && numberCodes.includes(error.code)) this.#numbers.forget()
      throw error
    }
  }

  async #json(path: string, signal?: AbortSignal): Promise<Readonly<Record<string, JsonValue>>> {
    return await objectOf(await this.#requester.send(path, { headers: { accept: 'application/json' }, signal }))
  }

  get #key(): Signer {
    if (this.#signer === undefined) throw new TypeError('this client was made without a key')
    return this.#signer
  }
}

/** Where queries go. */
export function sparqlPath(at: number | undefined, consistency: string | undefined): string {
  const parameters = new URLSearchParams()
  if (at !== undefined) parameters.set('at', `${at}`)
  if (consistency !== undefined) parameters.set('consistency', consistency)
  return parameters.size === 0 ? '/sparql' : `/sparql?${parameters}`
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
export function changeOf(
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
