// What every Machine must do, the real one and the simulated one.

import assert from 'node:assert/strict'
import type { Sequence } from '../../../src/base/ids.ts'
import type { Batch } from '../../../src/consensus/batch.ts'
import type { CommitCertificate } from '../../../src/consensus/certificate.ts'
import type { Applied, Machine } from '../../../src/consensus/ports.ts'

/** One machine on one disk, and agreed batches for it. */
export interface MachinePlace {
  /** Opens it as a starting node does. */
  open(): Promise<Machine>
  close(machine: Machine): Promise<void>
  /** What was agreed at a sequence: the same for every place. */
  agreed(sequence: Sequence): { readonly batch: Batch; readonly certificate: CommitCertificate }
  readonly checkpointInterval: number
  remove(): Promise<void>
}

export function machineContract(name: string, make: () => Promise<MachinePlace>): void {
  describe(`The machine contract: ${name}`, () => {
    let place: MachinePlace
    beforeEach(async () => {
      place = await make()
    })
    afterEach(async () => {
      await place.remove()
    })

    const applyTo = async (at: MachinePlace, machine: Machine, from: number, to: number): Promise<Applied[]> => {
      const all: Applied[] = []
      for (let sequence = from; sequence <= to; sequence++) {
        const { batch, certificate } = at.agreed(sequence as Sequence)
        all.push(await machine.apply(sequence as Sequence, batch, certificate))
      }
      return all
    }

    it('begins at height 0', async () => {
      const machine = await place.open()
      assert.equal(machine.applied.sequence, 0)
      await place.close(machine)
    })

    it('goes up by one batch at a time, and says what each gave', async () => {
      const machine = await place.open()
      const all = await applyTo(place, machine, 1, 5)
      assert.deepEqual(
        all.map(({ outcome }) => outcome.sequence),
        [1, 2, 3, 4, 5],
      )
      assert.deepEqual(machine.applied, all[4]?.outcome)
      assert.equal(new Set(all.map(({ outcome }) => outcome.block)).size, 5)
      assert.ok(all.every(({ outcome }, i) => i === 0 || outcome.logSize > (all[i - 1] as Applied).outcome.logSize))
      await place.close(machine)
    })

    it('names its state at every checkpoint and nowhere else', async () => {
      const machine = await place.open()
      const all = await applyTo(place, machine, 1, 2 * place.checkpointInterval)
      for (const { outcome } of all) {
        const expected = outcome.sequence % place.checkpointInterval === 0 ? 1 : 0
        assert.equal(outcome.checkpoint.length, expected, `sequence ${outcome.sequence}`)
      }
      await place.close(machine)
    })

    it('knows the outcome of its last checkpoint, after a restart too', async () => {
      const machine = await place.open()
      assert.deepEqual(machine.checkpoint, machine.applied)
      const all = await applyTo(place, machine, 1, place.checkpointInterval + 1)
      const expected = all[place.checkpointInterval - 1]?.outcome
      assert.deepEqual(machine.checkpoint, expected)
      await place.close(machine)
      const again = await place.open()
      assert.deepEqual(again.checkpoint, expected)
      await place.close(again)
    })

    it('gives on two machines the same outcomes for the same batches', async () => {
      const other = await make()
      const [mine, others] = [await place.open(), await other.open()]
      assert.deepEqual(await applyTo(place, mine, 1, 5), await applyTo(other, others, 1, 5))
      await place.close(mine)
      await other.close(others)
      await other.remove()
    })

    it('changes nothing for a batch that it has executed', async () => {
      const machine = await place.open()
      await applyTo(place, machine, 1, 3)
      const before = machine.applied
      await applyTo(place, machine, 2, 3)
      assert.deepEqual(machine.applied, before)
      await place.close(machine)
    })

    it('refuses to leave a gap', async () => {
      const machine = await place.open()
      await applyTo(place, machine, 1, 1)
      await assert.rejects(applyTo(place, machine, 3, 3))
      assert.equal(machine.applied.sequence, 1)
      await place.close(machine)
    })

    it('is at the same height with the same outcome when it is opened again, and goes on', async () => {
      const machine = await place.open()
      await applyTo(place, machine, 1, 3)
      const before = machine.applied
      await place.close(machine)
      const again = await place.open()
      assert.deepEqual(again.applied, before)
      await applyTo(place, again, 4, 4)
      assert.equal(again.applied.sequence, 4)
      await place.close(again)
    })
  })
}
