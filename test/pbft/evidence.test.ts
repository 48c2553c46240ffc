// Evidence as a file: kept once, told in words, checked by whoever has the validators of its epoch, and worth nothing altered.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, digestOf, type Epoch, ledgerIdOf, type Round, type Sequence } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { encode } from '../../src/base/schema.ts'
import { generateSigningKey, sign } from '../../src/base/signature.ts'
import { contradictionSchema } from '../../src/consensus/contradiction.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { agreementBytes } from '../../src/consensus/statements.ts'
import { type EvidenceDocument, judgeEvidence } from '../../src/node/evidence.ts'
import { EvidenceFiles } from '../../src/node/evidence-files.ts'
import { simLedger, simRoster } from '../sim/roster.ts'

const key = generateSigningKey()
const [honest, ...others] = simRoster(4).validators as [Roster['validators'][number], ...Roster['validators']]
const liar = { ...(others[0] as Roster['validators'][number]), key: key.publicKey }
const roster: Roster = { epoch: 0 as Epoch, validators: [honest, liar, ...others.slice(1)] }

function vote(digest: Digest, sequence: number, ledger = simLedger) {
  const agreement = { ledger, epoch: 0 as Epoch, round: 3 as Round, sequence: sequence as Sequence, digest }
  return { statement: agreement, signature: sign('prepare', agreementBytes(agreement), key.seed) }
}

/** Two PREPAREs of the liar at one place. */
function document(sequence = 7, ledger = simLedger): EvidenceDocument {
  const evidence = encode(contradictionSchema, {
    type: 'prepare',
    culprit: liar.node,
    first: vote(digestOf('aa'.repeat(32)), sequence, ledger),
    second: vote(digestOf('bb'.repeat(32)), sequence, ledger),
  })
  return { kind: 'quadrille evidence 1', ledger, protocol: 'pbft/1', against: 'validator', evidence, epochs: [] }
}

describe('A piece of evidence', () => {
  it('P2 convicts its culprit wherever the validators of its epoch are known', () => {
    assert.deepEqual(judgeEvidence(document(), simLedger, [roster]), {
      type: 'proven',
      culprit: liar.node,
      sentence: 'It signed two different prepare statements for sequence 7 in view 3.',
    })
  })

  it('proves nothing on another ledger, without its validators, or against another protocol', () => {
    const elsewhere = document(7, ledgerIdOf('cd'.repeat(32)))
    assert.deepEqual(judgeEvidence(elsewhere, simLedger, [roster]), { type: 'void', code: 'WRONG_LEDGER' })
    for (const [other, rosters] of [
      [document(), []],
      [document(), [simRoster(4)]],
      [{ ...document(), protocol: 'raft/1' }, [roster]],
    ] as const) {
      assert.deepEqual(judgeEvidence(other, simLedger, rosters), { type: 'void', code: 'EVIDENCE_EMPTY' })
    }
  })

  it('convicts nobody with any bit of it flipped', () => {
    const whole = document()
    for (let place = 0; place < whole.evidence.length; place++) {
      const evidence = whole.evidence.slice()
      evidence[place] = (evidence[place] as number) ^ (1 << (place % 8))
      const judged = judgeEvidence({ ...whole, evidence }, simLedger, [roster])
      assert.equal(judged.type, 'void', `byte ${place}`)
    }
  })
})

describe('The evidence that a node keeps', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-evidence-'))
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('is there after a restart, each piece once', async () => {
    const files = await EvidenceFiles.open(folder)
    assert.equal(await files.keep(document()), true)
    assert.equal(await files.keep(document()), false)
    const [kept, ...more] = (await EvidenceFiles.open(folder)).list()
    assert.deepEqual(more, [])
    assert.deepEqual(kept?.document, document())
    assert.equal(kept?.culprit, liar.node)
    assert.match(kept?.sentence ?? '', /two different prepare statements/)
  })

  it('is bounded, whatever a liar signs', async function () {
    this.timeout(20_000)
    const files = await EvidenceFiles.open(folder)
    for (let sequence = 1; sequence <= limits.evidenceFilesMax + 3; sequence++) await files.keep(document(sequence))
    assert.equal((await readdir(folder)).length, limits.evidenceFilesMax)
  })

  it('names a file that is none', async () => {
    await writeFile(join(folder, `${'ab'.repeat(32)}.json`), '{}')
    await assert.rejects(EvidenceFiles.open(folder), { code: 'MALFORMED' })
  })
})
