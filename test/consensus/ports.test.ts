// The simulated ports sit the contracts that the real ones sit in their own folders.

import type { Digest, Sequence, Time } from '../../src/base/ids.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import type { CommitCertificate } from '../../src/consensus/certificate.ts'
import { SimDisk, simJournal } from '../sim/disk.ts'
import { drawParameters } from '../sim/drawing.ts'
import { SimMachine } from '../sim/machine.ts'
import { simTransports } from '../sim/network.ts'
import { Random } from '../sim/random.ts'
import { simLedger, simMandate, simRoster } from '../sim/roster.ts'
import { VirtualTime } from '../sim/time.ts'
import { clockContract } from './ports/clock.ts'
import { journalContract } from './ports/journal.ts'
import { type MachinePlace, machineContract } from './ports/machine.ts'
import { transportContract } from './ports/transport.ts'

journalContract('simulated', async () => {
  const disk = new SimDisk()
  return {
    open: async () => simJournal(disk),
    tear: async () => disk.tearLast(3),
    remove: async () => {},
  }
})

transportContract('simulated', async (count) => {
  const time = new VirtualTime()
  const nodes = simRoster(count).validators.map(({ node }) => node)
  return {
    transports: simTransports(time, nodes),
    until: async (condition) => {
      while (!condition()) if (!time.advance(60_000)) throw new Error('it never happened')
    },
    remove: async () => {},
  }
})

machineContract('simulated', async (): Promise<MachinePlace> => {
  const checkpointInterval = 3
  const machine = new SimMachine(
    simLedger,
    simMandate(simRoster(4), { ...drawParameters(new Random(1)), checkpointInterval }),
  )
  return {
    checkpointInterval,
    open: async () => machine,
    close: async () => {},
    agreed: (sequence: Sequence) => {
      const batch = { time: (1000 + sequence) as Time, tokens: [], transactions: [new Uint8Array([1, sequence])] }
      return { batch, certificate: unsigned(sequence, batchDigest(batch)) }
    },
    remove: async () => {},
  }
})

const time = new VirtualTime()
clockContract('simulated', time, async (ms) => {
  time.after(ms, () => {})
  time.advance(time.elapsed + ms)
})

/** A machine executes what it is given; whether it was agreed was checked before. */
function unsigned(sequence: Sequence, digest: Digest): CommitCertificate {
  const epoch = simRoster(4).epoch
  return {
    type: 'pbft',
    agreement: { ledger: simLedger, epoch, round: 0 as CommitCertificate['agreement']['round'], sequence, digest },
    signatures: [],
  }
}
