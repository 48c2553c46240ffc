// The mesh as a repair uses it: the node that does not run connects under its own identity, asks for payloads and hears
// nothing else.

import { LedgerError } from '../base/errors.ts'
import type { Sequence } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import type { RequestId } from '../consensus/batch.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { openMesh } from '../p2p/mesh.ts'
import { readConfig } from './config.ts'
import type { Home } from './home.ts'
import { readMembership } from './membership.ts'
import type { PayloadPool } from './payloads.ts'
import { envelopeSchema } from './wire.ts'

export interface RepairMesh {
  /** How many members are connected. */
  readonly peers: number
  /** Asks for payloads, and for the block at `at`, with which old ones come. */
  ask(ids: readonly RequestId[], at: Sequence): void
  close(): Promise<void>
}

export interface RepairMeshOptions {
  readonly home: Home
  readonly ledger: Ledger
  readonly transportSeed: Uint8Array
  readonly pool: PayloadPool
  /** This node's own fault. */
  readonly onFailure: (error: unknown) => void
}

const askAgainMs = 500

export async function openRepairMesh(options: RepairMeshOptions): Promise<RepairMesh> {
  const { home, ledger, transportSeed, pool, onFailure } = options
  const [{ listen }, { id: self }] = await Promise.all([readConfig(home), readMembership(home)])
  const mesh = await openMesh({
    ledger: ledger.id,
    self,
    transportSeed,
    listen,
    members: () =>
      ledger
        .nodes()
        .map(({ id, keys, addresses }) => ({ node: id, transportKey: keys.transport, addresses, suspended: false })),
    // Whoever cannot be reached is dialed again.
    onEvent: () => undefined,
  })
  mesh.onMessage((from, _priority, bytes) => {
    try {
      const envelope = decode(envelopeSchema, bytes)
      if (envelope.type === 'payloads') pool.offer(from, envelope.payloads)
      if (envelope.type !== 'blocks') return
      for (const { payloads, kept } of envelope.blocks) {
        pool.offer(from, payloads)
        pool.offerKept(from, kept)
      }
    } catch (error) {
      if (error instanceof LedgerError) mesh.score(from, error.code)
      else onFailure(error)
    }
  })
  const asking = setInterval(() => pool.askAgain(), askAgainMs)
  return {
    get peers() {
      return mesh.peers().length
    },
    ask(ids, at) {
      for (const peer of mesh.peers()) {
        mesh.send(peer, 'sync', encode(envelopeSchema, { type: 'payloads-wanted', ids }))
        mesh.send(peer, 'sync', encode(envelopeSchema, { type: 'blocks-wanted', from: at, count: 1 }))
      }
    },
    async close() {
      clearInterval(asking)
      await mesh.close()
    },
  }
}
