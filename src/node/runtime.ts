// A node's parts connected: mesh, payloads, machine, protocol and waiting clients. Messages come in here and are handed to
// the part that they concern.

import { LedgerError } from '../base/errors.ts'
import { type NodeId, type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode } from '../base/schema.ts'
import { sign } from '../base/signature.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import type { Parameters } from '../consensus/contract.ts'
import type { Clock } from '../consensus/ports.ts'
import { type Genesis, type LedgerParameters, ledgerIdFor } from '../ledger/genesis.ts'
import type { Delivered } from '../ledger/ledger.ts'
import { type Mesh, type MeshEvent, openMesh } from '../p2p/mesh.ts'
import type { BlockArchive } from '../store/blocks.ts'
import { createClaimChecker } from './claims.ts'
import { LedgerMachine } from './machine.ts'
import type { Parts } from './parts.ts'
import { createPayloadPool } from './payloads.ts'
import { protocolOf } from './protocols.ts'
import { createSubmissions, type Submissions } from './submissions.ts'
import { createSync } from './sync.ts'
import { startValidator, type Validator, type ValidatorEvent } from './validator.ts'
import { createVerdicts } from './verdicts.ts'
import { type CarriedPayload, type Envelope, envelopeSchema } from './wire.ts'

export type NodeEvent =
  | ValidatorEvent
  | MeshEvent
  | { readonly type: 'executed'; readonly delivered: Delivered }
  | { readonly type: 'final'; readonly sequence: Sequence }

export interface Runtime {
  readonly machine: LedgerMachine
  readonly mesh: Mesh
  readonly validator: Validator
  readonly submissions: Submissions
  /** The newest proof that a block is final; undefined before the first. */
  final(): ResultCertificate | undefined
  stop(): Promise<void>
}

export interface RuntimeOptions {
  readonly parts: Parts
  readonly genesis: Genesis
  readonly self: NodeId
  readonly listen: readonly string[]
  readonly clock: Clock
  readonly random: () => number
  readonly onEvent: (event: NodeEvent) => void
  /** Nothing more may be signed or acknowledged. */
  readonly onFailure: (error: unknown) => void
}

export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { parts, genesis, self, clock, onEvent, onFailure } = options
  const { identity, store, blocks, log, journal } = parts
  const protocol = protocolOf(genesis.protocol)
  const ledger = ledgerIdFor(genesis)
  const verdicts = createVerdicts(ledger)

  const payloads = createPayloadPool({
    ledger: ledger,
    verdicts,
    stage: (id, payload) => store.stage(id, payload),
    staged: (id) => store.staged(id),
    ask: (ids, again) => {
      for (const peer of mesh.peers()) {
        send(peer, { type: 'payloads-wanted', ids })
        // Executed long ago at the others, it comes with its block.
        if (again) send(peer, { type: 'blocks-wanted', from: sequenceOf(machine.applied.sequence + 1), count: 1 })
      }
    },
    onFailure,
  })
  const machine = await LedgerMachine.open({
    genesis,
    blocks,
    log,
    store,
    payloads,
    onExecuted: (delivered) => {
      submissions.executed(delivered)
      onEvent({ type: 'executed', delivered })
    },
  })
  let lastFinal = await lastKept(blocks, machine.applied.sequence)
  const submissions = createSubmissions({
    final: lastFinal?.result.sequence ?? sequenceOf(0),
    machine: () => machine,
    payloads,
    verdicts,
    propose: (bytes) => validator.propose(bytes),
  })
  const mesh = await openMesh({
    ledger: ledger,
    self,
    transportSeed: identity.transport,
    listen: options.listen,
    members: () =>
      machine.ledger
        .nodes()
        .map(({ id, keys, addresses }) => ({ node: id, transportKey: keys.transport, addresses, suspended: false })),
    onEvent,
  })
  const sync = createSync({
    machine,
    blocks,
    store,
    payloads,
    verdicts,
    send,
    peers: () => mesh.peers(),
    refuse: (from, error) => onEvent({ type: 'refuse', from, code: error.code }),
  })
  const validator = startValidator({
    protocol,
    setup: {
      ledger: ledger,
      self,
      roster: machine.ledger.roster(),
      parameters: coreParameters(machine.ledger.parameters()),
      applied: machine.applied,
      sign: (domain, bytes) => sign(domain, bytes, identity.consensus),
      random: options.random,
      journal: await journal.read(),
    },
    journal,
    clock,
    transport: mesh,
    machine,
    sync,
    payloads,
    verdicts,
    claims: createClaimChecker(),
    onFinal: async (certificate) => {
      const { sequence } = certificate.result
      await blocks.putResult(sequence, encode(resultCertificateSchema, certificate))
      lastFinal = certificate
      submissions.final(sequence)
      onEvent({ type: 'final', sequence })
    },
    onRejected: (id, code) => submissions.rejected(id, code),
    onReadable: () => undefined,
    onEvent,
    onFailure,
  })

  function send(to: NodeId, envelope: Envelope): boolean {
    const priority = envelope.type === 'protocol' ? 'consensus' : 'sync'
    return mesh.send(to, priority, encode(envelopeSchema, envelope))
  }

  async function receive(from: NodeId, bytes: Uint8Array): Promise<void> {
    const envelope = decode(envelopeSchema, bytes)
    switch (envelope.type) {
      case 'protocol':
        return validator.receive(from, envelope.message, envelope.payloads)
      case 'payloads':
        return payloads.offer(envelope.payloads)
      case 'payloads-wanted': {
        const carried = payloads.carried(envelope.ids)
        if (carried.length > 0) send(from, { type: 'payloads', payloads: firstOf(carried) })
        return
      }
      case 'blocks':
        for (const served of envelope.blocks) payloads.offer(served.payloads)
        return sync.receive(from, envelope)
      case 'blocks-wanted':
        send(from, await sync.serve(envelope))
    }
  }

  mesh.onMessage((from, _priority, bytes) => {
    receive(from, bytes).catch((error) => {
      // What a peer sent is its fault and refused; anything else is ours.
      if (error instanceof LedgerError && error.code !== 'STORAGE_FAILED')
        onEvent({ type: 'refuse', from, code: error.code })
      else onFailure(error)
    })
  })

  return {
    machine,
    mesh,
    validator,
    submissions,
    final: () => lastFinal,
    async stop() {
      await mesh.close()
      await validator.stop()
    },
  }
}

/** As many as fill one frame at most; the others are asked for again. */
function firstOf(carried: readonly CarriedPayload[]): readonly CarriedPayload[] {
  let bytes = 0
  return carried.filter(({ payload }, place) => {
    bytes += payload.length
    return place === 0 || bytes <= limits.frameBytesMax / 2
  })
}

function coreParameters(agreed: LedgerParameters): Parameters {
  return { ...agreed, ...hostParameters }
}

/** What each node may choose for itself. */
const hostParameters = { pipelineMax: 8, requestsMax: 4096, resendMs: 500, suspectMsMax: 30_000 } as const

/** The newest result certificate at or below `height` that is kept, a window back at most. */
async function lastKept(blocks: BlockArchive, height: Sequence): Promise<ResultCertificate | undefined> {
  for (let sequence = height as number; sequence > 0 && sequence > height - limits.resultsSearched; sequence--) {
    const bytes = await blocks.result(sequence)
    if (bytes !== undefined) return decode(resultCertificateSchema, bytes)
  }
  return undefined
}
