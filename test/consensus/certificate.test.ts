// Certificates: what makes one, and what does not.

import assert from 'node:assert/strict'
import { LedgerError } from '../../src/base/errors.ts'
import { digestOf, type Epoch, nodeIdOf, type Round, type Sequence } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import {
  type CommitCertificate,
  commitCertificateFault,
  commitCertificateSchema,
  type NodeSignature,
  type ResultCertificate,
  resultCertificateFault,
  resultCertificateSchema,
  sortedSignatures,
} from '../../src/consensus/certificate.ts'
import { type Roster, validatorOf } from '../../src/consensus/roster.ts'
import { type Agreement, agreementBytes, type Result, resultBytes } from '../../src/consensus/statements.ts'
import { simLedger, simRoster } from '../sim/roster.ts'
import { toySign, toyVerify } from '../sim/signatures.ts'

const roster = simRoster(7)
const agreement: Agreement = {
  ledger: simLedger,
  epoch: roster.epoch,
  round: 2 as Round,
  sequence: 9 as Sequence,
  digest: digestOf('ab'.repeat(32)),
}
const result: Result = {
  ledger: simLedger,
  epoch: roster.epoch,
  sequence: 9 as Sequence,
  block: digestOf('cd'.repeat(32)),
  logSize: 30,
  logRoot: digestOf('ef'.repeat(32)),
  checkpoint: [],
}

function commitsOf(over: Agreement, places: readonly number[], of: Roster = roster): readonly NodeSignature[] {
  return places.map((place) => signatureOf(of, place, 'commit', agreementBytes(over)))
}

function signatureOf(
  of: Roster,
  place: number,
  domain: 'commit' | 'prepare' | 'result',
  bytes: Uint8Array,
): NodeSignature {
  const validator = of.validators[place]
  assert.ok(validator !== undefined)
  return { node: validator.node, signature: toySign(validator.key, domain, bytes) }
}

const commit = (signatures: readonly NodeSignature[]): CommitCertificate => ({ type: 'pbft', agreement, signatures })
const faultOf = (signatures: readonly NodeSignature[]): string | undefined =>
  commitCertificateFault(commit(signatures), roster, toyVerify)

describe('A commit certificate', () => {
  it('holds with a quorum of COMMITs over one agreement, whichever quorum', () => {
    assert.equal(faultOf(commitsOf(agreement, [0, 1, 2, 3, 4])), undefined)
    assert.equal(faultOf(commitsOf(agreement, [0, 2, 3, 5, 6])), undefined)
    assert.equal(faultOf(commitsOf(agreement, [0, 1, 2, 3, 4, 5, 6])), undefined)
  })

  it('N10 with 2f signatures is no certificate', () => {
    assert.equal(faultOf(commitsOf(agreement, [0, 1, 2, 3])), 'QUORUM_NOT_MET')
    assert.equal(faultOf([]), 'QUORUM_NOT_MET')
  })

  it('P9 N10 counts a signer once: the same signature twice is no certificate', () => {
    assert.equal(faultOf(commitsOf(agreement, [0, 1, 2, 3, 3])), 'QUORUM_NOT_MET')
    assert.equal(faultOf(commitsOf(agreement, [0, 1, 2, 3, 0])), 'QUORUM_NOT_MET')
  })

  it('P9 counts a signer once: a node that signed with another key besides is not two', () => {
    const [first] = commitsOf(agreement, [0])
    assert.ok(first !== undefined)
    const otherKey = {
      node: first.node,
      signature: toySign(new Uint8Array(32).fill(99), 'commit', agreementBytes(agreement)),
    }
    assert.equal(faultOf([first, otherKey, ...commitsOf(agreement, [1, 2, 3])]), 'QUORUM_NOT_MET')
    assert.equal(faultOf([otherKey, ...commitsOf(agreement, [1, 2, 3, 4])]), 'SIGNATURE_INVALID')
  })

  it('P9 has one order: any other is refused, and sorting gives it', () => {
    const shuffled = commitsOf(agreement, [4, 0, 2, 1, 3])
    assert.equal(faultOf(shuffled), 'QUORUM_NOT_MET')
    assert.equal(faultOf(sortedSignatures(shuffled)), undefined)
    assert.deepEqual(sortedSignatures(shuffled), commitsOf(agreement, [0, 1, 2, 3, 4]))
  })

  it('P8 mixing views, sequences, batches, epochs or ledgers is no certificate', () => {
    const others: readonly Agreement[] = [
      { ...agreement, round: 3 as Round },
      { ...agreement, sequence: 10 as Sequence },
      { ...agreement, digest: digestOf('ac'.repeat(32)) },
      { ...agreement, epoch: 1 as Epoch },
      { ...agreement, ledger: '2e'.repeat(32) as Agreement['ledger'] },
    ]
    for (const other of others) {
      const mixed = [...commitsOf(agreement, [0, 1, 2, 3]), ...commitsOf(other, [4])]
      assert.equal(faultOf(mixed), 'SIGNATURE_INVALID')
    }
  })

  it('P11 is not made of PREPAREs', () => {
    const prepare = signatureOf(roster, 4, 'prepare', agreementBytes(agreement))
    assert.equal(faultOf([...commitsOf(agreement, [0, 1, 2, 3]), prepare]), 'SIGNATURE_INVALID')
  })

  it('N10 is not made by unknown signers', () => {
    const larger = simRoster(9)
    assert.equal(faultOf(commitsOf(agreement, [0, 1, 2, 3, 8], larger)), 'QUORUM_NOT_MET')
    assert.equal(validatorOf(roster, nodeIdOf('08'.repeat(16))), undefined)
  })

  it('P23 of another epoch than the validators is refused before any signature is looked at', () => {
    const next: Roster = { ...roster, epoch: 1 as Epoch }
    const never = (): boolean => assert.fail('looked at a signature')
    assert.equal(commitCertificateFault(commit(commitsOf(agreement, [0, 1, 2, 3, 4])), next, never), 'WRONG_EPOCH')
  })

  it('has one encoding', () => {
    const certificate = commit(commitsOf(agreement, [0, 1, 2, 3, 4]))
    const bytes = encode(commitCertificateSchema, certificate)
    assert.deepEqual(decode(commitCertificateSchema, bytes), certificate)
    assert.throws(() => decode(commitCertificateSchema, Uint8Array.from([...bytes, 0])), LedgerError)
  })
})

describe('A result certificate', () => {
  const results = (over: Result, places: readonly number[]): readonly NodeSignature[] =>
    places.map((place) => signatureOf(roster, place, 'result', resultBytes(over)))
  const fault = (signatures: readonly NodeSignature[]): string | undefined =>
    resultCertificateFault({ result, signatures }, roster, toyVerify)

  it('holds with a quorum of equal RESULTs', () => {
    assert.equal(fault(results(result, [1, 2, 3, 4, 6])), undefined)
  })

  it('P21 is not made of COMMITs, nor of results that differ in anything', () => {
    assert.equal(fault(commitsOf(agreement, [0, 1, 2, 3, 4])), 'SIGNATURE_INVALID')
    const others: readonly Result[] = [
      { ...result, logSize: 31 },
      { ...result, logRoot: digestOf('00'.repeat(32)) },
      { ...result, checkpoint: [{ state: result.block, roster: result.logRoot }] },
    ]
    for (const other of others) {
      assert.equal(fault([...results(result, [0, 1, 2, 3]), ...results(other, [5])]), 'SIGNATURE_INVALID')
    }
  })

  it('N10 with too few, repeated or unsorted signers is none', () => {
    assert.equal(fault(results(result, [0, 1, 2, 3])), 'QUORUM_NOT_MET')
    assert.equal(fault(results(result, [0, 1, 2, 2, 3])), 'QUORUM_NOT_MET')
    assert.equal(fault(results(result, [1, 0, 2, 3, 4])), 'QUORUM_NOT_MET')
  })

  it('of another epoch is refused', () => {
    const next: Roster = { ...roster, epoch: 1 as Epoch }
    const certificate: ResultCertificate = { result, signatures: results(result, [0, 1, 2, 3, 4]) }
    assert.equal(resultCertificateFault(certificate, next, toyVerify), 'WRONG_EPOCH')
    assert.deepEqual(decode(resultCertificateSchema, encode(resultCertificateSchema, certificate)), certificate)
  })
})
