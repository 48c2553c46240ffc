// The rules alone, without network, disk or agreement: transactions in a second, what the hash of the state costs, memory.

import { randomBytes } from '#crypto'
import { graphId } from '../src/base/hash.ts'
import {
  type GraphId,
  graphIdOf,
  nodeIdOf,
  organisationIdOf,
  type Sequence,
  sequenceOf,
  timeOf,
} from '../src/base/ids.ts'
import { decode } from '../src/base/schema.ts'
import { generateSigningKey, verify } from '../src/base/signature.ts'
import { type BuiltData, buildAct, buildData, type ItemInput, proveKey, signerOf } from '../src/ledger/build.ts'
import { requestCard, signCard } from '../src/ledger/card.ts'
import { defaultParameters, defaultPolicies, defaultThresholds, draftGenesis } from '../src/ledger/founding.ts'
import { type Genesis, ledgerIdFor } from '../src/ledger/genesis.ts'
import { openPayload } from '../src/ledger/items.ts'
import { Ledger } from '../src/ledger/ledger.ts'
import { payloadSchema } from '../src/ledger/payload.ts'
import type { Policy } from '../src/ledger/records.ts'
import { State } from '../src/ledger/state.ts'
import { decodeTransaction, staticVerdict } from '../src/ledger/static.ts'
import type { Transaction } from '../src/ledger/transaction.ts'
import { type Bench, type BenchValue, bestOf, liveBytes, secondsOf } from './bench.ts'

const graph = 'urn:g:bench'
const perBlock = 500
const members = ['acme', 'bolt', 'crux', 'dune'].map((id) => ({ id: organisationIdOf(id), key: generateSigningKey() }))
const application = generateSigningKey()
const forEver = timeOf(Number.MAX_SAFE_INTEGER)

function benchGenesis(): Genesis {
  const cards = members.map(({ id, key }) => {
    const keys = { consensus: generateSigningKey(), transport: generateSigningKey(), checkpoint: generateSigningKey() }
    const node = {
      id: nodeIdOf(randomBytes(16)),
      organisation: id,
      name: `${id}-1`,
      role: 'validator' as const,
      keys: {
        consensus: keys.consensus.publicKey,
        transport: keys.transport.publicKey,
        payload: randomBytes(32),
        checkpoint: keys.checkpoint.publicKey,
      },
      addresses: [],
    }
    return signCard(requestCard(node, keys), { id, name: id, key: key.publicKey }, key)
  })
  const owner = organisationIdOf('acme')
  return draftGenesis({
    name: 'bench',
    protocol: 'pbft/1',
    created: timeOf(0),
    cards,
    policies: defaultPolicies(owner),
    graphs: [{ iri: graph, owner, policy: 'open', writers: [] }],
    parameters: defaultParameters,
    thresholds: defaultThresholds(members.length),
  })
}

function itemOf(quads: number, policy: Policy): ItemInput {
  return {
    graph: graphId(graph),
    policy,
    subjects: [],
    terms: [
      { type: 'iri', value: 'urn:epc:id:sgtin:4012345.011122.25' },
      { type: 'iri', value: 'https://ref.gs1.org/epcis/bizStep' },
      ...Array.from(
        { length: quads },
        (_, place) => ({ type: 'iri', value: `urn:epcglobal:cbv:bizstep:${place}` }) as const,
      ),
    ],
    triples: Array.from({ length: quads }, (_, place) => ({ subject: 0, predicate: 1, object: place + 2 })),
    retractions: [],
  }
}

interface Prepared {
  readonly genesis: Genesis
  readonly enrol: Uint8Array
  readonly built: readonly BuiltData[]
}

async function prepare(count: number, quads: number): Promise<Prepared> {
  const genesis = benchGenesis()
  const ledger = ledgerIdFor(genesis)
  const [acme] = members
  const [policy] = genesis.policies
  if (acme === undefined || policy === undefined) throw new RangeError('the genesis has members and policies')
  const proof = await proveKey(ledger, acme.id, signerOf(application))
  const rights = [{ graph: graphId(graph), right: 'write' as const }]
  const act = { type: 'key-add' as const, key: application.publicKey, name: 'bench', rights, proof }
  const enrol = await buildAct({ ledger, key: signerOf(acme.key), sequence: 1, expires: forEver, act })
  const built: BuiltData[] = []
  const key = signerOf(application)
  for (let sequence = 1; sequence <= count; sequence++) {
    const envelope = { ledger, key, sequence, expires: forEver, base: [], randomBytes }
    built.push(await buildData({ ...envelope, items: [itemOf(quads, policy)] }))
  }
  return { genesis, enrol: enrol.bytes, built }
}

type Admit = (bytes: Uint8Array) => Transaction

/** Seconds to execute all of them in blocks of 500, each lent as `admit` has it. */
function execute({ genesis, enrol, built }: Prepared, admit: Admit): number {
  const ledger = Ledger.fromGenesis(genesis)
  ledger.apply(sequenceOf(1), { time: timeOf(1), tokens: [], transactions: [enrol] })
  return secondsOf(() => {
    for (let from = 0; from < built.length; from += perBlock) {
      const transactions = built.slice(from, from + perBlock).map(({ bytes }) => bytes)
      const sequence = sequenceOf(ledger.height + 1)
      const { outcomes } = ledger.apply(sequence, { time: timeOf(1), tokens: [], transactions }, admit)
      if (outcomes.some(({ code }) => code !== 'OK')) throw new RangeError('a transaction was refused')
    }
  })
}

interface Throughput {
  readonly quads: number
  /** Decoded before, as after a vote. */
  readonly rulesMicros: number
  /** Decoded from bytes, no signature checked: replay of blocks that a quorum signed. */
  readonly decodedMicros: number
  /** Decoded, and the static verdict with its signature: everything from bytes on. */
  readonly signedMicros: number
  readonly openPayloadMicros: number
}

async function throughput(quads: number, count: number): Promise<Throughput> {
  const prepared = await prepare(count, quads)
  const ledger = ledgerIdFor(prepared.genesis)
  const known = new Map(prepared.built.map(({ bytes }) => [bytes, decodeTransaction(bytes)]))
  const lent: Admit = (bytes) => known.get(bytes) ?? decodeTransaction(bytes)
  const checked: Admit = (bytes) => {
    const verdict = staticVerdict(ledger, bytes, verify)
    if (verdict.type === 'invalid') throw new RangeError(verdict.code)
    return verdict.transaction
  }
  const openAll = (): void => {
    for (const { bytes, payload } of prepared.built) {
      const opened = openPayload(ledger, lent(bytes), decode(payloadSchema, payload))
      if (opened.type !== 'opens') throw new RangeError(opened.code)
    }
  }
  const micros = (work: () => number): number => Math.round((bestOf(5, work) / count) * 1e7) / 10
  return {
    quads,
    rulesMicros: micros(() => execute(prepared, lent)),
    decodedMicros: micros(() => execute(prepared, decodeTransaction)),
    signedMicros: micros(() => execute(prepared, checked)),
    openPayloadMicros: micros(() => secondsOf(openAll)),
  }
}

/** For people: transactions in a second, and microseconds for each. */
function lineOf({ quads, rulesMicros, decodedMicros, signedMicros, openPayloadMicros }: Throughput): string {
  const rate = (micros: number): string => `${Math.round(1e6 / micros)}/s (${micros} us)`.padEnd(20)
  return (
    `${quads} quads`.padEnd(11) +
    `rules ${rate(rulesMicros)} with decoding ${rate(decodedMicros)} with signatures ${rate(signedMicros)}` +
    ` opening the payload ${openPayloadMicros} us`
  )
}

/** Records of graph versions: the smallest that there are, so that the cost of a record itself shows. */
function stateHash(records: number, say: (line: string) => void): BenchValue {
  const before = liveBytes()
  const state = new State()
  const ids: GraphId[] = Array.from({ length: records }, () => graphIdOf(randomBytes(16)))
  const idBytes = liveBytes() - before
  const fill = secondsOf(() => {
    for (const id of ids) state.versions.set(id, { version: 1 as Sequence })
    state.flush()
  })
  const whole = secondsOf(() => state.hash())
  const bytes = liveBytes() - before - idBytes
  const touched = Math.min(1_000, records)
  const after = bestOf(5, () => {
    for (const id of ids.slice(0, touched)) state.versions.set(id, { version: 2 as Sequence })
    state.flush()
    return secondsOf(() => state.hash())
  })
  const millis = (seconds: number): number => Math.round(seconds * 1e4) / 10
  say(
    `${String(records).padStart(9)} records  filled in ${millis(fill)} ms  first hash ${millis(whole)} ms` +
      `  hash after ${touched} changes ${millis(after)} ms  ${Math.round(bytes / records)} bytes of memory a record`,
  )
  return {
    records,
    fillMs: millis(fill),
    firstHashMs: millis(whole),
    changes: touched,
    hashAfterChangesMs: millis(after),
    memoryBytes: bytes,
    memoryBytesPerRecord: Math.round(bytes / records),
  }
}

export const bench: Bench = {
  about: 'the rules alone: transactions in a second, hash of the state, memory',
  options: ['--transactions N   for each line (10000)', '--records N        of the largest state (1000000)'],
  async run(options, say) {
    const count = Number(options.get('transactions') ?? 10_000)
    const most = Number(options.get('records') ?? 1_000_000)
    const rules: BenchValue[] = []
    for (const quads of [1, 10, 100]) {
      const measured = await throughput(quads, count)
      say(lineOf(measured))
      rules.push({
        ...measured,
        perSecond: Math.round(1e6 / measured.rulesMicros),
        perSecondSigned: Math.round(1e6 / measured.signedMicros),
      })
    }
    const state = [Math.min(10_000, most), most].map((records) => stateHash(records, say))
    return { rules, state, residentBytes: process.memoryUsage().rss }
  },
}
