// Rebuilds the store of a node that does not run: executes its own blocks again, from the first, into a new store beside the
// old one. Payloads come from the old store as far as it opens, the others from the other members, whose answers open the
// commitments in the blocks or are not taken. Then the new store takes the old one's place. What was interrupted goes on.

import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, openLog } from '../audit/log.ts'
import { LedgerError } from '../base/errors.ts'
import { lockDirectory, syncDirectory } from '../base/files.ts'
import { sequenceOf } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { requestId } from '../consensus/batch.ts'
import { blockHash, blockRecordSchema } from '../consensus/block.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { ledgerIdFor } from '../ledger/genesis.ts'
import { hasPayload } from '../ledger/transaction.ts'
import { type BlockArchive, openBlocks } from '../store/blocks.ts'
import { loadIdentity } from '../store/identity.ts'
import { type KeyRing, openKeyRing } from '../store/key-ring.ts'
import { openStore, type Store } from '../store/store.ts'
import { unlock } from '../store/unlock.ts'
import { readGenesis } from './ceremony.ts'
import { readConfig } from './config.ts'
import { tombstoneOf } from './erasure-records.ts'
import type { Home } from './home.ts'
import { type KeptItem, LedgerMachine } from './machine.ts'
import { PayloadPool } from './payloads.ts'
import { openRepairMesh, type RepairMesh } from './repair-mesh.ts'
import { payloadOf } from './serve.ts'
import { endRepair, noteRepair } from './unfinished.ts'
import { Verdicts } from './verdicts.ts'

export interface RepairProgress {
  readonly height: number
  readonly blocks: number
  /** Members that are connected, of whom payloads are asked that are not here. */
  readonly peers: number
}

export interface Repaired {
  readonly height: number
  /** Payloads that came from this node's own store, and from others. */
  readonly own: number
  readonly fetched: number
}

/**
 * @throws LedgerError STORE_LOCKED while the node runs, RECORD_TAMPERED for blocks or keys that are not what was written (restore
 * a backup then), CONTENT_DIVERGED when the blocks do not lead to what they say, STORAGE_FAILED
 */
export async function repairNodeStore(home: Home, onProgress: (progress: RepairProgress) => void): Promise<Repaired> {
  const lock = await lockDirectory(home.data)
  try {
    const root = await unlock((await readConfig(home)).unlock, home.keys)
    const keyRing = await openKeyRing(home.keys, root)
    try {
      await noteRepair(home)
      const { transport } = await loadIdentity(home.identity, root)
      const repaired = await rebuild(home, keyRing, transport, onProgress)
      await replace(home)
      return repaired
    } finally {
      await keyRing.close()
    }
  } finally {
    await lock.release()
  }
}

async function rebuild(
  home: Home,
  keyRing: KeyRing,
  transportSeed: Uint8Array,
  onProgress: (progress: RepairProgress) => void,
): Promise<Repaired> {
  const closing: (() => Promise<void>)[] = []
  try {
    const old = await oldStore(home, keyRing)
    if (old !== undefined) closing.push(() => old.close())
    const blocks = await openBlocks(home.blocks)
    closing.push(() => blocks.close())
    const log = await openLog(home.log)
    closing.push(() => log.close())
    const store = await openStore(home.rebuilt, { keyRing })
    closing.push(() => store.close())
    const run = await Run.start({ home, old, blocks, log, store, transportSeed, onProgress })
    closing.push(() => run.stop())
    return await run.done()
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

/** The store as far as it opens; undefined when it does not at all. */
async function oldStore(home: Home, keyRing: KeyRing): Promise<Store | undefined> {
  if (!existsSync(join(home.store, 'store.json'))) return undefined
  // What the mark of the clean close would show is what this repairs.
  await rm(join(home.store, 'closed.json'), { force: true })
  try {
    return await openStore(home.store, { keyRing })
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}

/** The new store in the place of the old one. A kill between the two names is taken up by the next repair. */
async function replace(home: Home): Promise<void> {
  const gone = join(home.data, 'replaced')
  await rm(gone, { recursive: true, force: true })
  if (existsSync(home.store)) await rename(home.store, gone)
  await rename(home.rebuilt, home.store)
  await syncDirectory(home.data)
  await rm(gone, { recursive: true, force: true })
  await rm(home.diverged, { force: true })
  await endRepair(home)
}

interface RunParts {
  readonly home: Home
  readonly old: Store | undefined
  readonly blocks: BlockArchive
  readonly log: Log
  readonly store: Store
  readonly transportSeed: Uint8Array
  readonly onProgress: (progress: RepairProgress) => void
}

class Run {
  readonly #parts: RunParts
  readonly #verdicts: Verdicts
  readonly #machine: LedgerMachine
  readonly #pool: PayloadPool
  readonly #mesh: RepairMesh
  readonly #failed: Promise<never>
  /** The block that is executed. */
  #transactions: readonly Uint8Array[] = []
  #own = 0
  #payloads = 0

  static async start(parts: RunParts): Promise<Run> {
    const { home, blocks, log, store, transportSeed } = parts
    const { genesis } = await readGenesis(home.genesis)
    const ledger = ledgerIdFor(genesis)
    const verdicts = new Verdicts(ledger)
    const later: { run?: Run } = {}
    let fail: (error: unknown) => void = () => undefined
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject
    })
    failed.catch(() => undefined)
    const pool = new PayloadPool({
      ledger,
      verdicts,
      // What is executed at once need not be staged before.
      stage: async () => undefined,
      staged: async (id) => later.run?.ownPayload(id),
      unstage: async () => undefined,
      ask: (ids) => later.run?.ask(ids),
      onFailure: fail,
      faults: faultModelOf(genesis.protocol),
      roster: () => later.run?.machine.ledger.roster(),
    })
    const machine = await LedgerMachine.open({
      genesis,
      blocks: standing(blocks, store),
      log,
      store,
      payloads: pool,
      signed: undefined,
      onExecuted: () => undefined,
    })
    const mesh = await openRepairMesh({ home, ledger: machine.ledger, transportSeed, pool, onFailure: fail })
    later.run = new Run(parts, { verdicts, machine, pool, mesh, failed })
    return later.run
  }

  private constructor(
    parts: RunParts,
    open: { verdicts: Verdicts; machine: LedgerMachine; pool: PayloadPool; mesh: RepairMesh; failed: Promise<never> },
  ) {
    this.#parts = parts
    this.#verdicts = open.verdicts
    this.#machine = open.machine
    this.#pool = open.pool
    this.#mesh = open.mesh
    this.#failed = open.failed
  }

  get machine(): LedgerMachine {
    return this.#machine
  }

  async done(): Promise<Repaired> {
    const { blocks, onProgress } = this.#parts
    for (let at = this.#machine.applied.sequence + 1; at <= blocks.height; at++) {
      onProgress({ height: at - 1, blocks: blocks.height, peers: this.#mesh.peers })
      await Promise.race([this.#execute(at), this.#failed])
    }
    return { height: blocks.height, own: this.#own, fetched: this.#payloads - this.#own }
  }

  async #execute(at: number): Promise<void> {
    const { header, batchTime, tokens, transactions, certificate } = decode(
      blockRecordSchema,
      await this.#parts.blocks.read(at),
    )
    this.#transactions = transactions
    this.#payloads += transactions.filter((bytes) => this.#carries(bytes)).length
    const batch = { time: batchTime, tokens, transactions }
    const { outcome } = await this.#machine.execute({ sequence: sequenceOf(at), batch, certificate })
    if (outcome.block !== blockHash(header)) throw new LedgerError('CONTENT_DIVERGED', { height: at })
  }

  #carries(bytes: Uint8Array): boolean {
    const verdict = this.#verdicts.of(bytes)
    return verdict.type === 'valid' && hasPayload(verdict.transaction)
  }

  /** The payload of a transaction of the block under way, whole, from the old store. */
  async ownPayload(id: string): Promise<Uint8Array | undefined> {
    const { old } = this.#parts
    const transaction = this.#transactions.find((bytes) => requestId(bytes) === id)
    if (old === undefined || transaction === undefined) return undefined
    try {
      const item = (itemId: Parameters<Store['itemPayload']>[0]): Promise<KeptItem | undefined> => keptIn(old, itemId)
      const found = await payloadOf({ item }, transaction)
      if (found?.type !== 'whole') return undefined
      this.#own += 1
      return found.bytes
    } catch (error) {
      // Damaged here: the others have it.
      if (error instanceof LedgerError && error.code !== 'STORAGE_FAILED') return undefined
      throw error
    }
  }

  ask(ids: readonly ReturnType<typeof requestId>[]): void {
    this.#mesh.ask(ids, sequenceOf(this.#machine.applied.sequence + 1))
  }

  async stop(): Promise<void> {
    this.#pool.close()
    await this.#mesh.close()
  }
}

async function keptIn(old: Store, item: Parameters<Store['itemPayload']>[0]): Promise<KeptItem | undefined> {
  if ((await tombstoneOf(old, item)) !== undefined) return undefined
  const payload = await old.itemPayload(item)
  return payload === undefined ? undefined : { type: 'whole', payload }
}

/** The archive as it is: as high as the new store, so that nothing is cut, and never written. */
function standing(
  blocks: BlockArchive,
  store: Store,
): Pick<BlockArchive, 'height' | 'append' | 'sync' | 'read' | 'truncateAfter'> {
  return {
    get height() {
      return store.sequence
    },
    append: async () => undefined,
    sync: async () => undefined,
    read: (sequence) => blocks.read(sequence),
    truncateAfter: async () => undefined,
  }
}
