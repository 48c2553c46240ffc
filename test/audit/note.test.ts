import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { CheckpointSigner } from '../../src/audit/checkpoint-signer.ts'
import { openLog } from '../../src/audit/log.ts'
import {
  checkpointText,
  formatNote,
  mergeNotes,
  type NoteKey,
  parseCheckpoint,
  parseNote,
  signNote,
  verifierKey,
  verifyNote,
} from '../../src/audit/note.ts'
import { fromBase64, fromHex, toBase64, utf8 } from '../../src/base/bytes.ts'
import { digestOf } from '../../src/base/ids.ts'
import { signingKeyOf } from '../../src/base/signature.ts'

const seeds = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte))
const origin = 'quadrille/test'
const keys: NoteKey[] = seeds.map((seed, place) => ({
  name: `${origin}/${place}`,
  publicKey: signingKeyOf(seed).publicKey,
}))
const text = checkpointText({ origin, size: 5, root: digestOf('ab'.repeat(32)) })
const signed = (place: number, said = text) => ({
  text: said,
  signatures: [signNote(said, `${origin}/${place}`, seeds[place] as Uint8Array)],
})

describe('A signed note', () => {
  it('verifies the published example of Go’s sumdb/note', () => {
    // golang.org/x/mod/sumdb/note, package documentation.
    const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
    const note = `If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`
    const publicKey = fromBase64(vkey.split('+').slice(2).join('+')).subarray(1)
    const key = { name: 'PeterNeumann', publicKey }
    assert.equal(verifierKey(key), vkey)
    assert.deepEqual(verifyNote(parseNote(note), [key]), { valid: ['PeterNeumann'], invalid: [], unknown: [] })
    assert.equal(formatNote(parseNote(note)), note)
  })

  it('is merged from several signers, counts each once, and ignores keys that it does not know', () => {
    const note = mergeNotes([signed(1), signed(0), signed(1)])
    assert.deepEqual(
      note.signatures.map(({ name }) => name),
      [`${origin}/0`, `${origin}/1`],
    )
    const doubled = { ...note, signatures: [...note.signatures, ...note.signatures] }
    assert.deepEqual(verifyNote(doubled, keys.slice(1)), {
      valid: [`${origin}/1`],
      invalid: [],
      unknown: [`${origin}/0`],
    })
    assert.throws(() => mergeNotes([signed(0), signed(1, 'other\n')]), { code: 'MALFORMED' })
  })

  it('does not verify after any one-byte change', () => {
    const note = utf8(formatNote(mergeNotes([signed(0), signed(1)])))
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const changed = note.slice()
        changed[place] = (changed[place] as number) ^ change
        try {
          const parsed = parseNote(new TextDecoder('utf-8', { fatal: true }).decode(changed))
          assert.ok(verifyNote(parsed, keys).valid.length < 2)
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error))
        }
      }),
      { seed: 4, numRuns: 300 },
    )
  })

  it('has one form only', () => {
    const note = formatNote(signed(0))
    for (const wrong of [
      note.slice(0, -1),
      `${note}x`,
      note.replace('\u2014', '-'),
      note.replace('\n\n', '\n'),
      `${note}\u2014 a AAAA\n`,
      note.replace('5', '\t5'),
      text,
      '',
    ]) {
      assert.throws(() => parseNote(wrong), { code: 'MALFORMED' })
    }
    for (const wrong of [
      'a\n01\n',
      `${text}more\n`,
      text.replace('5', '05'),
      text.replace('5', '-5'),
      text.replace('\n5', '\n9007199254740993'),
    ]) {
      assert.throws(() => parseCheckpoint(wrong), { code: 'MALFORMED' })
    }
    assert.deepEqual(parseCheckpoint(text), { origin, size: 5, root: 'ab'.repeat(32) })
    assert.equal(text.split('\n')[2], toBase64(fromHex('ab'.repeat(32))))
    assert.throws(() => signNote('no newline', 'a', seeds[0] as Uint8Array), RangeError)
    assert.throws(() => signNote(text, 'a b', seeds[0] as Uint8Array), RangeError)
  })

  it('verifies with openssl', function () {
    const openssl = spawnSync('openssl', ['version'])
    if (openssl.status !== 0) {
      process.stdout.write('openssl is not installed: its verdict on a note was not asked\n')
      this.skip()
    }
    const folder = mkdtempSync(join(tmpdir(), 'quadrille-note-'))
    const verdict = (said: string): number | null => {
      const [line] = parseNote(formatNote(signed(0))).signatures
      writeFileSync(join(folder, 'text'), said)
      writeFileSync(join(folder, 'sig'), line?.signature as Uint8Array)
      const der = [...fromHex('302a300506032b6570032100'), ...(keys[0] as NoteKey).publicKey]
      writeFileSync(join(folder, 'key.der'), Uint8Array.from(der))
      return spawnSync(
        'openssl',
        [
          'pkeyutl',
          '-verify',
          '-pubin',
          '-keyform',
          'DER',
          '-inkey',
          'key.der',
          '-rawin',
          '-in',
          'text',
          '-sigfile',
          'sig',
        ],
        { cwd: folder },
      ).status
    }
    assert.equal(verdict(text), 0)
    assert.notEqual(verdict(text.replace('5', '6')), 0)
    rmSync(folder, { recursive: true })
  })
})

describe('The checkpoint signer', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quadrille-signer-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('N11 never signs two roots for one size, nor a tree that forgets the one signed before, also after a restart', async () => {
    const log = await openLog(join(folder, 'log'))
    const options = {
      path: join(folder, 'signed'),
      origin,
      name: `${origin}/0`,
      seed: seeds[0] as Uint8Array,
      rootAt: (size: number) => log.rootAt(size),
    }
    const signer = await CheckpointSigner.open(options)
    const head = log.append([{ a: 1 }, { a: 2 }])
    const note = await signer.sign(head)
    assert.equal(await signer.sign(head), note)
    assert.deepEqual(verifyNote(parseNote(note), keys).valid, [`${origin}/0`])

    await log.truncate(1)
    const other = log.append([{ a: 3 }])
    const restarted = await CheckpointSigner.open(options)
    assert.deepEqual(restarted.last, head)
    await assert.rejects(restarted.sign(other), { code: 'FORK_DETECTED' })
    await assert.rejects(restarted.sign(log.append([{ a: 4 }])), { code: 'FORK_DETECTED' })

    await log.truncate(1)
    log.append([{ a: 2 }])
    await restarted.sign(log.append([{ a: 3 }]))
    const larger = restarted.last
    assert.equal(await restarted.sign(head), note, 'the larger one begins with it')
    assert.deepEqual(restarted.last, larger)
    await assert.rejects(restarted.sign({ size: 1, root: head.root }), { code: 'FORK_DETECTED' })
    await assert.rejects(CheckpointSigner.open({ ...options, origin: 'another' }), { code: 'RECORD_TAMPERED' })
    await log.close()
  })
})
