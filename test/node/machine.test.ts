// The real machine, on real files, under the contract that the simulated one passes too; and its clock.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '../../src/audit/log.ts'
import { nodeIdOf, timeOf } from '../../src/base/ids.ts'
import { type Batch, batchDigest, requestId } from '../../src/consensus/batch.ts'
import type { CommitCertificate } from '../../src/consensus/certificate.ts'
import type { Machine } from '../../src/consensus/ports.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { LedgerMachine } from '../../src/node/machine.ts'
import { PayloadPool } from '../../src/node/payloads.ts'
import { clock } from '../../src/node/system.ts'
import { Verdicts } from '../../src/node/verdicts.ts'
import { openBlocks } from '../../src/store/blocks.ts'
import { createKeyRing, openKeyRing } from '../../src/store/key-ring.ts'
import { openStore } from '../../src/store/store.ts'
import { clockContract } from '../consensus/ports/clock.ts'
import { type MachinePlace, machineContract } from '../consensus/ports/machine.ts'
import { type Built, enrolment, type Founded, foundFour, statement } from './consortium.ts'

const checkpointInterval = 4
const heights = 8

interface Agreed {
  readonly batch: Batch
  readonly certificate: CommitCertificate
  readonly payload: Built['payload']
}

interface Chain {
  readonly founded: Founded
  readonly agreed: readonly Agreed[]
}

// Every place executes the same blocks: the first enrols the application, each other says three things.
let chain: Promise<Chain> | undefined

async function makeChain(): Promise<Chain> {
  const founded = await foundFour({ checkpointInterval, window: 2 * checkpointInterval })
  const built = [await enrolment(founded, 1)]
  for (let number = 1; number < heights; number++) built.push(await statement(founded, number))
  const ledger = ledgerIdFor(founded.genesis.genesis)
  const agreed = built.map(({ bytes, payload }, place): Agreed => {
    const batch: Batch = { time: timeOf(Date.now()), tokens: [], transactions: [bytes] }
    const agreement = { ledger, epoch: 0, round: 0, sequence: place + 1, digest: batchDigest(batch) }
    return { batch, payload, certificate: { type: 'pbft', agreement, signatures: [] } as unknown as CommitCertificate }
  })
  return { founded, agreed }
}

async function makePlace(): Promise<MachinePlace> {
  chain ??= makeChain()
  const { founded, agreed } = await chain
  const directory = await mkdtemp(join(tmpdir(), 'quadrille-machine-'))
  const rootKey = new Uint8Array(32).fill(7)
  await (await createKeyRing(join(directory, 'keys'), rootKey)).close()
  const closers = new Map<Machine, () => Promise<void>>()
  return {
    checkpointInterval,
    agreed: (sequence) => agreed[sequence - 1] as Agreed,
    async open() {
      const keyRing = await openKeyRing(join(directory, 'keys'), rootKey)
      const store = await openStore(join(directory, 'store'), { keyRing })
      const blocks = await openBlocks(join(directory, 'blocks'), { atLeast: store.sequence })
      const log = await openLog(join(directory, 'log'))
      const { genesis } = founded.genesis
      const ledger = ledgerIdFor(genesis)
      const payloads = new PayloadPool({
        faults: 'byzantine',
        ledger,
        verdicts: new Verdicts(ledger),
        stage: (id, payload) => store.stage(id, payload),
        staged: (id) => store.staged(id),
        unstage: (ids) => store.unstage(ids),
        ask: () => undefined,
        onFailure: (error) => assert.fail(String(error)),
        roster: () => undefined,
      })
      payloads.offer(
        nodeIdOf('1'.repeat(32)),
        agreed.map(({ batch, payload }) => ({ id: requestId(batch.transactions[0] as Uint8Array), payload })),
      )
      const machine = await LedgerMachine.open({
        genesis,
        blocks,
        log,
        store,
        payloads,
        signed: undefined,
        onExecuted: () => undefined,
      })
      closers.set(machine, async () => {
        await log.close()
        await blocks.close()
        await store.close()
        await keyRing.close()
      })
      return machine
    },
    async close(machine) {
      await closers.get(machine)?.()
      closers.delete(machine)
    },
    async remove() {
      for (const close of closers.values()) await close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

machineContract('the ledger on real files', makePlace)
clockContract('of the system', clock, (ms) => new Promise((done) => setTimeout(done, ms)))

after(async () => {
  await (await chain)?.founded.remove()
})
