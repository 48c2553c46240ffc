// The signatures that a message rests on: what is refused before any is verified, and that long checks make pauses.

import assert from 'node:assert/strict'
import { utf8 } from '../../src/base/bytes.ts'
import { type Epoch, nodeIdOf, organisationIdOf } from '../../src/base/ids.ts'
import { type SigningKey, sign, signingKeyOf } from '../../src/base/signature.ts'
import type { Claim } from '../../src/consensus/contract.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { type ClaimChecker, createClaimChecker } from '../../src/node/claims.ts'

const window = 32
const keys = [1, 2, 3, 4].map((byte) => signingKeyOf(new Uint8Array(32).fill(byte)))
const roster: Roster = {
  epoch: 0 as Epoch,
  validators: keys.map(({ publicKey }, place) => ({
    node: nodeIdOf(`${place + 1}`.repeat(32)),
    organisation: organisationIdOf(`org-${place}`),
    key: publicKey,
  })),
}

const rosters = (epoch: Epoch): readonly Roster[] => (epoch === 0 ? [roster] : [])

function claim(place: number, statement: string, signature?: Uint8Array): Claim {
  const bytes = utf8(statement)
  const { seed } = keys[place] as SigningKey
  const signer = roster.validators[place]?.node ?? nodeIdOf('f'.repeat(32))
  return { epoch: 0 as Epoch, signer, domain: 'prepare', bytes, signature: signature ?? sign('prepare', bytes, seed) }
}

const many = (count: number): Claim[] => Array.from({ length: count }, (_, n) => claim(n % 4, `statement ${n}`))
const garbage = new Uint8Array(64).fill(7)

describe('The claims of a message', () => {
  let pauses: number
  let checker: ClaimChecker
  beforeEach(() => {
    pauses = 0
    checker = createClaimChecker({
      window,
      pause: async () => {
        pauses += 1
      },
    })
  })

  it('hold when all verify, and not when one does not', async () => {
    assert.equal(await checker.hold([], rosters), 'yes')
    assert.equal(await checker.hold([claim(0, 'a'), claim(1, 'a'), claim(1, 'b')], rosters), 'yes')
    assert.equal(await checker.hold([claim(0, 'a'), claim(2, 'a', garbage)], rosters), 'no')
  })

  it('do not hold for a stranger, whatever else they say', async () => {
    const stranger = { ...claim(0, 'a'), signer: nodeIdOf('f'.repeat(32)) }
    assert.equal(await checker.hold([...many(200), stranger], rosters), 'no')
    assert.equal(pauses, 0)
  })

  it('L9 are verified in slices, so that other messages have their turn', async () => {
    assert.equal(await checker.hold(many(130), rosters), 'yes')
    assert.equal(pauses, 2)
    assert.equal(await checker.hold(many(130), rosters), 'yes')
    assert.equal(pauses, 2, 'what verified once is not verified again')
  })

  it('L9 are verified once each, however often a message repeats them', async () => {
    const one = claim(0, 'a')
    assert.equal(await checker.hold(new Array<Claim>(10_000).fill(one), rosters), 'yes')
    assert.equal(pauses, 0)
  })

  it('L9 are refused before any is verified when one signer signed one statement in different ways', async () => {
    assert.equal(await checker.hold([...many(128), claim(0, 'statement 0', garbage)], rosters), 'no')
    assert.equal(pauses, 0)
  })

  it('L9 are refused before any is verified when they are more than a window of certificates holds', async () => {
    const most = 4 * (window + 4)
    assert.equal(await checker.hold(many(most), rosters), 'yes')
    pauses = 0
    const forged = Array.from({ length: most + 1 }, (_, n) => claim(n % 4, `forged ${n}`))
    assert.equal(await checker.hold(forged, rosters), 'no')
    assert.equal(pauses, 0)
  })
})
