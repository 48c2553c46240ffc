// The store beside a plain in-memory model: random items, retractions, erasures, rotations, reopenings and kills, read
// at every height.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { BlockChange, StoredRow } from '../../src/store/store.ts'
import type { StoredQuad } from '../../src/store/terms.ts'
import { long } from '../long.ts'
import { block, dump, iri, item, itemNamed, retraction, row, tagged, text, typed, World } from './world.ts'

const objects = [
  iri('urn:o'),
  text('urn:o'),
  text('o'),
  tagged('o', 'en'),
  typed('1', 'integer'),
  typed('1', 'decimal'),
  typed('2026-11-22T10:00:00Z', 'dateTime'),
]

interface Step {
  readonly items: readonly { readonly graph: number; readonly personal: boolean; readonly rows: readonly number[][] }[]
  /** Items, counted from the first of all, and rows: both may not exist. */
  readonly retractions: readonly { readonly item: number; readonly rows: readonly number[] }[]
  /** Items whose rows go from every height; those that are not there are passed over. */
  readonly erasures: readonly number[]
  readonly purge: boolean
  readonly rotate: boolean
  /** What comes of the process after the step. */
  readonly end: 'goes on' | 'closes' | 'is killed'
  /** Whether what follows goes into segments at once. */
  readonly segments: boolean
}

const small = (max: number): fc.Arbitrary<number> => fc.nat({ max })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    items: fc.array(
      fc.record({
        graph: small(1),
        personal: fc.boolean(),
        rows: fc.array(
          fc.tuple(small(2), small(1), small(objects.length - 1)).map((ids) => [...ids]),
          { maxLength: 5 },
        ),
      }),
      { maxLength: 3 },
    ),
    retractions: fc.array(fc.record({ item: small(12), rows: fc.array(small(5), { minLength: 1, maxLength: 3 }) }), {
      maxLength: 3,
    }),
    erasures: fc.array(small(12), { maxLength: 1 }),
    // They sync a lot: now and then is enough.
    purge: small(5).map((n) => n === 0),
    rotate: small(5).map((n) => n === 0),
    end: fc.constantFrom('goes on', 'closes', 'is killed'),
    segments: fc.boolean(),
  }),
  { minLength: 1, maxLength: 7 },
)

const rowOf = ([s, p, o]: readonly number[]): StoredRow =>
  row(`urn:s:${s}`, `urn:p:${p}`, objects[o as number] as StoredRow['object'])

/** The rule in its plainest form: who asserted which row when, and when it was first retracted. */
class Model {
  readonly rows: { item: number; row: number; line: string; from: number; to: number }[] = []
  readonly graphs: Map<number, string> = new Map()
  items = 0

  change(height: number, step: Step): BlockChange {
    const first = this.items
    step.items.forEach(({ graph, rows }, n) => {
      this.graphs.set(first + n, `urn:g:${graph}`)
      rows.forEach((ids, place) => {
        const { subject, predicate, object } = rowOf(ids)
        const last =
          object.termType === 'Literal'
            ? `"${object.value}"@${object.language}^^${object.datatype.value}`
            : object.value
        const line = `${subject.value} ${predicate.value} ${last} urn:g:${graph}`
        this.rows.push({ item: first + n, row: place, line, from: height, to: Number.POSITIVE_INFINITY })
      })
    })
    this.items += step.items.length
    for (const { item: named, rows } of step.retractions) {
      for (const each of this.rows) {
        if (each.item === named && rows.includes(each.row)) each.to = Math.min(each.to, height)
      }
    }
    for (let at = this.rows.length - 1; at >= 0; at--) {
      if (step.erasures.includes(this.rows[at]?.item ?? -1)) this.rows.splice(at, 1)
    }
    return block(height, {
      erasures: step.erasures.map((named) => itemNamed(`${named}`)),
      items: step.items.map(({ graph, personal, rows }, n) =>
        item(`${first + n}`, rows.map(rowOf), { graph: `urn:g:${graph}`, class: personal ? 'personal' : 'open' }),
      ),
      retractions: step.retractions.map(({ item: named, rows }) =>
        retraction(`${named}`, rows, this.graphs.get(named)),
      ),
    })
  }

  at(height: number): readonly string[] {
    return [
      ...new Set(this.rows.filter(({ from, to }) => from <= height && height < to).map(({ line }) => line)),
    ].sort()
  }
}

describe('The store beside a plain model', function () {
  this.timeout(600_000)

  it('holds the same quads at every height, whatever was asserted, retracted, erased, rotated, reopened and killed', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const world = await World.create()
        let store = await world.store()
        try {
          const model = new Model()
          for (const [place, step] of script.entries()) {
            await store.commit(model.change(place + 1, step))
            assert.equal(await store.countQuads(), model.at(place + 1).length)
            if (step.purge) await store.purge()
            if (step.rotate) await store.rotate()
            if (step.purge || step.rotate) assert.deepEqual(await dump(store.quads()), model.at(place + 1))
            if (step.end === 'goes on') continue
            if (step.end === 'is killed') world.image()
            await store.close()
            if (step.end === 'is killed') await world.kill()
            else await world.reopenKeys()
            store = await world.store(true, step.segments ? 0 : undefined)
          }
          for (let height = 0; height <= script.length; height++) {
            const expected = model.at(height)
            assert.deepEqual(await dump(store.at(height).quads()), expected)
            assert.equal(await store.at(height).countQuads(), expected.length)
            const some = store.at(height).match(iri('urn:s:1'), null, null, iri('urn:g:1')) as AsyncIterable<StoredQuad>
            assert.deepEqual(
              await dump(some),
              expected.filter((line) => line.startsWith('urn:s:1 ') && line.endsWith(' urn:g:1')),
            )
          }
        } finally {
          await store.close()
          await world.remove()
        }
      }),
      { seed: 20261122, numRuns: long ? 500 : 25 },
    )
  })
})
