// A block that retracts rows of many large items: what executing it takes.

import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { StoredRetraction } from '../../src/store/change.ts'
import type { Store } from '../../src/store/store.ts'
import { block, iri, item, itemNamed, retraction, row, World } from './world.ts'

const items = 12
const side = 80
const names = Array.from({ length: items }, (_, n) => `${n}`)

describe('A block of retractions', function () {
  this.timeout(60_000)
  let world: World
  let store: Store

  before(async () => {
    world = await World.create()
    store = await world.store()
    const terms = Array.from({ length: side }, (_, n) => iri(`urn:${n}`))
    const rows = terms.flatMap(({ value }) => terms.map((object) => row(value, 'urn:p', object)))
    for (const [place, name] of names.entries()) await store.commit(block(place + 1, { items: [item(name, rows)] }))
  })

  after(async () => {
    await store.close()
    await world.remove()
  })

  it('keeps no items in memory whose rows it retracts: thousands of large ones would end every node, again and again', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used: number[] = []
    const measured = (name: string): StoredRetraction => ({
      ...retraction(name, []),
      get rows() {
        collect()
        used.push(process.memoryUsage().heapUsed)
        return [0, side]
      },
    })
    await store.commit(block(items + 1, { retractions: names.map(measured) }))
    const grown = (used.at(-1) as number) - (used[0] as number)
    assert.equal(used.length, items)
    assert.ok(grown < 2 * 1_048_576, `${grown} bytes more for ${items} items of ${side * side} rows`)
  })

  it('counts each row once, whichever transactions name it, and erases what is left', async () => {
    const before = await store.countQuads()
    const again = names.flatMap((name) => [
      retraction(name, [0, 1]),
      retraction(name, [1, 2]),
      retraction(name, [3], 'urn:g:2'),
    ])
    await store.commit(block(items + 2, { retractions: again, erasures: [itemNamed('0')] }))
    assert.equal(await store.countQuads(), before - 2)
    await store.commit(block(items + 3, { erasures: names.slice(1).map(itemNamed) }))
    assert.equal(await store.countQuads(), 0)
  })
})
