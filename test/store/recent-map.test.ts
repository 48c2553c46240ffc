// The bounded map in front of the dictionary.

import assert from 'node:assert/strict'
import { RecentMap } from '../../src/store/recent-map.ts'

describe('A map of what was used lately', () => {
  it('keeps what is used again and again, and never more than its weight', () => {
    const map = new RecentMap<number, string>(100, () => 1)
    map.set(-1, 'used')
    for (let n = 0; n < 1_000; n++) {
      map.set(n, `${n}`)
      assert.equal(map.get(-1), 'used')
      assert.equal(map.get(n), `${n}`)
    }
    const left = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => map.get(n) !== undefined)
    assert.ok(left.length >= 40 && left.length <= 100, `${left.length} left`)
    assert.equal(map.get(0), undefined)
  })

  it('takes one entry that is heavier than the bound, and lets it go with the next', () => {
    const map = new RecentMap<string, string>(10, (_key, value) => value.length)
    map.set('heavy', 'x'.repeat(50))
    assert.equal(map.get('heavy')?.length, 50)
    map.set('a', 'xxxx')
    map.set('b', 'xxxx')
    assert.equal(map.get('heavy'), undefined)
    assert.equal(map.get('b'), 'xxxx')
  })
})
