// Errors that people meet: each code has a sentence, a next step and an exit code, and says nothing that is not safe.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ErrorEntry, errorTable } from '../../src/base/error-table.ts'
import { ledgerErrors } from '../../src/base/error-table-ledger.ts'
import { InvariantError, invariant, LedgerError, unreachable } from '../../src/base/errors.ts'

const entries: readonly (readonly [string, ErrorEntry])[] = Object.entries(errorTable)

describe('The error table', () => {
  it('has for every code one sentence and what to do next, in plain words', () => {
    const plain = /^[A-Z`][^\n]*[.]$/
    assert.deepEqual(
      entries.filter(([, { sentence, next }]) => !plain.test(sentence) || !plain.test(next)),
      [],
    )
  })

  it('has each code once', () => {
    const folder = resolve(import.meta.dirname, '../../src/base')
    const tables = readdirSync(folder).filter((file) => file.startsWith('error-table'))
    const text = tables.map((file) => readFileSync(resolve(folder, file), 'utf8')).join('\n')
    const codes = [...text.matchAll(/^ {2}([A-Z][A-Z0-9_]+): \{/gm)].map(([, code]) => code)
    assert.equal(new Set(codes).size, codes.length)
    assert.deepEqual(codes.toSorted(), entries.map(([code]) => code).toSorted())
    assert.ok(Object.keys(ledgerErrors).length < codes.length)
  })

  it('has codes that are stable words', () => {
    assert.deepEqual(
      entries.filter(([code]) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code)),
      [],
    )
  })
})

describe('A LedgerError', () => {
  it('S6 names what the system calls a failure of the disk, whoever tells of it', () => {
    const cause = Object.assign(new Error('write'), { code: 'ENOSPC' })
    assert.match(new LedgerError('STORAGE_FAILED', { folder: 'log' }, cause).message, /\(folder log, reason ENOSPC\)/)
    assert.deepEqual(new LedgerError('STORAGE_FAILED', { reason: 'the store is closed' }, cause).details, {
      reason: 'the store is closed',
    })
    const level = Object.assign(new Error('IO error: 000008.log: No space left on device'), { code: 'LEVEL_IO_ERROR' })
    assert.deepEqual(new LedgerError('STORAGE_FAILED', {}, level).details, { reason: 'ENOSPC' })
    const other = Object.assign(new Error('IO error: it burns'), { code: 'LEVEL_IO_ERROR' })
    assert.deepEqual(new LedgerError('STORAGE_FAILED', {}, other).details, { reason: 'LEVEL_IO_ERROR' })
    assert.deepEqual(new LedgerError('MALFORMED', {}, cause).details, {})
    assert.deepEqual(new LedgerError('STORAGE_FAILED', {}, new LedgerError('STORAGE_FAILED')).details, {})
  })

  it('says what happened with its facts, what to do, and how a command exits', () => {
    const error = new LedgerError('WRONG_EPOCH', { epoch: 3, height: 7 })
    assert.equal(error.message, `${errorTable.WRONG_EPOCH.sentence.slice(0, -1)} (epoch 3, height 7).`)
    assert.equal(error.next, errorTable.WRONG_EPOCH.next)
    assert.equal(error.exitCode, errorTable.WRONG_EPOCH.exit)
    assert.equal(new LedgerError('MALFORMED').message, errorTable.MALFORMED.sentence)
  })

  it('keeps its cause', () => {
    const cause = new Error('EIO')
    assert.equal(new LedgerError('MALFORMED', {}, cause).cause, cause)
    assert.ok(!('cause' in new LedgerError('MALFORMED')))
  })
})

describe('A broken invariant', () => {
  it('is no LedgerError and stops what it is in', () => {
    assert.throws(() => invariant(false, 'two leaders'), new InvariantError('two leaders'))
    assert.throws(() => unreachable('other' as never), InvariantError)
    invariant(true, 'never said')
  })
})
