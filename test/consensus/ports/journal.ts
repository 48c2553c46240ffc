// What every Journal must do, the real one and the simulated one.

import assert from 'node:assert/strict'
import type { Sequence } from '../../../src/base/ids.ts'
import type { JournalRecord } from '../../../src/consensus/contract.ts'
import type { Journal } from '../../../src/consensus/ports.ts'

/** One journal on one disk, that can be opened again and again. */
export interface JournalPlace {
  /** Opens it as a starting node does; the one before was closed. */
  open(): Promise<Journal>
  /** Damages the end of the last record as a power failure in the middle of a write does. The journal is closed. */
  tear(): Promise<void>
  remove(): Promise<void>
}

function journalRecord(sequence: number, length: number): JournalRecord {
  const bytes = Uint8Array.from({ length }, (_, i) => (sequence * 31 + i) & 255)
  return { sequence: sequence as Sequence, bytes }
}

export function journalContract(name: string, make: () => Promise<JournalPlace>): void {
  describe(`The journal contract: ${name}`, () => {
    let place: JournalPlace
    beforeEach(async () => {
      place = await make()
    })
    afterEach(async () => {
      await place.remove()
    })

    const reopened = async (journal: Journal): Promise<readonly [Journal, readonly JournalRecord[]]> => {
      await journal.close()
      const again = await place.open()
      return [again, await again.read()]
    }
    const records = [1, 2, 3, 4, 5].map((sequence) => journalRecord(sequence, 10 * sequence))

    it('begins empty', async () => {
      const journal = await place.open()
      assert.deepEqual(await journal.read(), [])
      await journal.close()
    })

    it('gives back after opening again what was appended, in order', async () => {
      const journal = await place.open()
      await journal.read()
      await journal.append(records.slice(0, 2))
      await journal.append(records.slice(2))
      const [again, found] = await reopened(journal)
      assert.deepEqual(found, records)
      await again.close()
    })

    it('keeps the order of appends that nobody waited for between', async () => {
      const journal = await place.open()
      await journal.read()
      await Promise.all(records.map((record) => journal.append([record])))
      const [again, found] = await reopened(journal)
      assert.deepEqual(found, records)
      await again.close()
    })

    it('takes no record, an empty record and a large one', async () => {
      const odd = [journalRecord(7, 0), journalRecord(7, 300_000), journalRecord(6, 1)]
      const journal = await place.open()
      await journal.read()
      await journal.append([])
      await journal.append(odd)
      const [again, found] = await reopened(journal)
      assert.deepEqual(found, odd)
      await again.close()
    })

    it('goes on after the records that it found', async () => {
      const journal = await place.open()
      await journal.read()
      await journal.append(records.slice(0, 3))
      const [second] = await reopened(journal)
      await second.append(records.slice(3))
      const [third, found] = await reopened(second)
      assert.deepEqual(found, records)
      await third.close()
    })

    it('S7 drops a torn last record, never half of it, and goes on in its place', async () => {
      const journal = await place.open()
      await journal.read()
      for (const record of records.slice(0, 3)) await journal.append([record])
      await journal.close()
      await place.tear()
      const second = await place.open()
      assert.deepEqual(await second.read(), records.slice(0, 2))
      await second.append([records[4] as JournalRecord])
      const [third, found] = await reopened(second)
      assert.deepEqual(found, [...records.slice(0, 2), records[4]])
      await third.close()
    })

    it('keeps everything at or above a cut', async () => {
      const journal = await place.open()
      await journal.read()
      await journal.append(records)
      await journal.cut(4 as Sequence)
      const [again, found] = await reopened(journal)
      assert.deepEqual(
        found.filter(({ sequence }) => sequence >= 4),
        records.slice(3),
      )
      assert.deepEqual(found, records.slice(records.length - found.length))
      await again.close()
    })
  })
}
