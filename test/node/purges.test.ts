// What a purge owes to orders that come while it is under way.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { type ItemId, itemIdOf, type TxId, txIdOf } from '../../src/base/ids.ts'
import { Purges, type PurgesOptions } from '../../src/node/purges.ts'
import { piecesOf } from '../../src/store/purge.ts'

const [first, second] = ['1', '2'].map((digit) => txIdOf(digit.repeat(64))) as [TxId, TxId]
const itemOf = new Map<TxId, ItemId>([
  [first, itemIdOf('a'.repeat(64))],
  [second, itemIdOf('b'.repeat(64))],
])

describe('A purge', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-purges-'))
  })

  afterEach(() => rm(folder, { recursive: true }))

  /** Over a node of which only these parts are there. */
  const purging = (parts: Readonly<Record<string, unknown>>): Purges =>
    new Purges({
      self: 'self',
      clock: { now: () => 0 },
      searched: [folder],
      software: new Uint8Array(),
      unlock: 'key-file',
      backupsKeptMs: 0,
      onEvent: () => undefined,
      onFailure: (error: unknown) => assert.fail(String(error)),
      ...parts,
    } as unknown as PurgesOptions)

  it('E1 takes nothing off the disk of an order that came meanwhile, before it is noted what must be gone of it', async () => {
    const owed: TxId[] = []
    const marked: ItemId[] = []
    const gone: ItemId[] = []
    const noted = new Map<TxId, number>()
    const execute = (order: TxId): void => {
      owed.push(order)
      marked.push(itemOf.get(order) as ItemId)
      purges.wake()
    }
    const purges = purging({
      machine: {
        ledger: { owedAttestations: () => [...owed] },
        itemsOf: async (order: TxId) => [itemOf.get(order)],
      },
      store: {
        erased: () => [...marked],
        purge: async (items: readonly ItemId[] = [...marked]) => {
          for (const item of items) gone.push(...marked.splice(marked.indexOf(item), 1))
        },
        itemPayload: async () => undefined,
        probes: async (items: readonly ItemId[]) =>
          items.filter((item) => !gone.includes(item)).map(() => new Uint8Array(32).fill(7)),
      },
      probes: {
        read: async () => undefined,
        write: async (order: TxId, probes: readonly Uint8Array[]) => noted.set(order, probes.length),
        remove: async () => undefined,
      },
      local: {
        naming: async () => {
          if (!owed.includes(second) && !noted.has(second)) execute(second)
          return []
        },
        erase: async () => undefined,
      },
      acts: {
        send: async ({ order }: { readonly order: TxId }) => {
          owed.splice(owed.indexOf(order), 1)
          return { code: 'OK' }
        },
      },
    })
    execute(first)
    await eventually('both orders are attested', async () => owed.length === 0 || undefined)
    await purges.stop()
    assert.deepEqual(gone.toSorted(), [...itemOf.values()])
    assert.deepEqual(noted, new Map([first, second].map((order) => [order, 1])))
  })

  it('E1 that a crash kept from its attestation also removes and searches for details that came since', async () => {
    const owed = [first]
    const done: string[] = []
    const sealed = new Uint8Array(100).fill(5)
    const details = [{ reference: new Uint8Array(16), sealed }]
    let noted: readonly Uint8Array[] = [new Uint8Array(32).fill(7)]
    const purges = purging({
      machine: { ledger: { owedAttestations: () => [...owed] }, itemsOf: async (order: TxId) => [itemOf.get(order)] },
      store: {
        erased: () => [],
        itemPayload: async () => undefined,
        purge: async (items: readonly ItemId[]) => done.push(`purge ${items.length}`),
      },
      probes: {
        read: async () => noted,
        write: async (_order: TxId, probes: readonly Uint8Array[]) => {
          noted = probes
        },
        remove: async () => undefined,
      },
      local: {
        naming: async () => details.splice(0),
        erase: async () => done.push('erase'),
      },
      acts: {
        send: async ({ counts }: { readonly counts: { readonly probes: number } }) => {
          done.push(`attest ${counts.probes}`)
          owed.pop()
          return { code: 'OK' }
        },
      },
    })
    purges.wake()
    await eventually('the order is attested', async () => owed.length === 0 || undefined)
    await purges.stop()
    assert.deepEqual(done, ['erase', 'purge 0', 'attest 3'])
    assert.deepEqual(noted.slice(1), piecesOf(sealed))
  })
})
