// When a node may answer from its copy: whom it believes about how far the others are.

import assert from 'node:assert/strict'
import { Freshness, type Standing } from '../../src/node/freshness.ts'
import { simRoster } from '../sim/roster.ts'

const roster = simRoster(4)
const [self, ...others] = roster.validators.map(({ node }) => node) as [Standing['self'], ...Standing['self'][]]
const [first, second, third] = others as [Standing['self'], Standing['self'], Standing['self']]

function standing(height: number, changes: Partial<Standing> = {}): Standing {
  return { self, roster, faults: 'byzantine', height, checkpointInterval: 8, ...changes }
}

describe('A node answers from its copy', () => {
  it('not before a quorum told how far it is', () => {
    const freshness = new Freshness()
    assert.equal(freshness.serves(standing(100)), false)
    freshness.heard(first, 10)
    assert.equal(freshness.serves(standing(100)), false)
    freshness.heard(second, 10)
    assert.equal(freshness.serves(standing(100)), true)
  })

  it('E2 not before it executed what f+1 others executed', () => {
    const freshness = new Freshness()
    for (const other of others) freshness.heard(other, 50)
    assert.equal(freshness.serves(standing(49)), false)
    assert.equal(freshness.serves(standing(50)), true)
  })

  it('whatever height f liars tell', () => {
    const freshness = new Freshness()
    freshness.heard(first, Number.MAX_SAFE_INTEGER)
    freshness.heard(second, 50)
    freshness.heard(third, 49)
    assert.equal(freshness.serves(standing(50)), true)
    freshness.heard(first, 0)
    assert.equal(freshness.serves(standing(50)), true)
  })

  it('and no member that does not vote has a say', () => {
    const freshness = new Freshness()
    for (const { node } of simRoster(9).validators.slice(4)) freshness.heard(node, 9_999)
    freshness.heard(first, 50)
    assert.equal(freshness.serves(standing(50)), false)
    freshness.heard(second, 50)
    assert.equal(freshness.serves(standing(50)), true)
  })

  it('still when it lags a little, and no more when it lags by more than two checkpoint intervals', () => {
    const freshness = new Freshness()
    for (const other of others) freshness.heard(other, 50)
    assert.equal(freshness.serves(standing(50)), true)
    for (const other of others) freshness.heard(other, 66)
    assert.equal(freshness.serves(standing(50)), true)
    for (const other of others) freshness.heard(other, 67)
    assert.equal(freshness.serves(standing(50)), false)
    assert.equal(freshness.serves(standing(67)), true)
  })

  it('with Raft, after hearing from a majority, as soon as it has what any of them has', () => {
    const three = simRoster(3)
    const freshness = new Freshness()
    freshness.heard(first, 7)
    assert.equal(freshness.serves(standing(6, { roster: three, faults: 'crash-fault' })), false)
    assert.equal(freshness.serves(standing(7, { roster: three, faults: 'crash-fault' })), true)
  })
})
