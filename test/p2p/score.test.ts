import assert from 'node:assert/strict'
import { limits } from '../../src/base/limits.ts'
import { Scores } from '../../src/p2p/score.ts'
import { Consortium, codes, nodeNumbered, until } from './fixture.ts'

const [a, b] = [nodeNumbered(1), nodeNumbered(2)]

describe('The score of peers', () => {
  it('says when a peer was refused too often within a minute, each peer for itself, and begins anew', () => {
    const scores = new Scores()
    for (let n = 0; n < limits.refusalsPerMinuteMax; n++) {
      assert.equal(scores.refuse(a, 'SIGNATURE_INVALID', 1_000 + n), false)
      assert.equal(scores.refuse(b, 'MALFORMED', 1_000 + n), false)
    }
    assert.equal(scores.refuse(a, 'NON_CANONICAL', 2_000), true)
    assert.equal(scores.refuse(a, 'NON_CANONICAL', 2_001), false)
  })

  it('forgets what is older than a minute, and never counts what a correct node may cause', () => {
    const scores = new Scores()
    for (let n = 0; n < 10 * limits.refusalsPerMinuteMax; n++) {
      assert.equal(scores.refuse(a, 'MALFORMED', n * (60_000 / limits.refusalsPerMinuteMax)), false)
      assert.equal(scores.refuse(b, 'PAYLOAD_UNAVAILABLE', 0), false)
    }
  })
})

describe('A mesh that is told of refusals', () => {
  it('N6 cuts a member off that was refused too often, keeps it out for a while, and serves the others', async () => {
    const consortium = new Consortium()
    try {
      for (const place of [1, 2, 3]) consortium.list(place)
      const [target, liar, honest] = await Promise.all([1, 2, 3].map((place) => consortium.open(place)))
      assert.ok(target !== undefined && liar !== undefined && honest !== undefined)
      await until(() => target.mesh.peers().length === 2, 'both are connected')
      for (let n = 0; n < limits.refusalsPerMinuteMax; n++) target.mesh.score(liar.node, 'SIGNATURE_INVALID')
      assert.ok(target.mesh.peers().includes(liar.node))
      target.mesh.score(liar.node, 'SIGNATURE_INVALID')
      await until(() => !target.mesh.peers().includes(liar.node), 'it is cut off')
      assert.deepEqual(
        codes(target.events).filter((code) => code.startsWith('us')),
        ['us SIGNATURE_INVALID'],
      )
      assert.deepEqual(target.mesh.peers(), [honest.node])
      await until(() => target.mesh.peers().includes(liar.node), 'it may come back after the cool-off', 5_000)
    } finally {
      await consortium.close()
    }
  })
})
