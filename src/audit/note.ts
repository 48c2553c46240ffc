// C2SP signed notes and checkpoints (https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint): what a validator
// says about the log so that tools which know nothing of us can check it. The signature is plain Ed25519 over the note's
// text, without a domain of ours, so the key that makes it is used for nothing else.

import { publicKeyOf, sha256, signRaw, verifyRaw } from '#crypto'
import { concat, equal, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, digestOf, type LedgerId, type NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'

/** A log's name, size and root: the text of a checkpoint. */
export interface LogCheckpoint {
  readonly origin: string
  readonly size: number
  readonly root: Digest
}

export interface NoteSignature {
  readonly name: string
  /** First four bytes of SHA-256(name, newline, algorithm, public key). */
  readonly keyId: Uint8Array
  /** 64 bytes for the one algorithm that is known here; other signers' may differ and are ignored. */
  readonly signature: Uint8Array
}

export interface SignedNote {
  /** Ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

export interface NoteKey {
  readonly name: string
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** Names of signers, each once. */
export interface NoteVerdict {
  readonly valid: readonly string[]
  /** Known keys whose signature does not verify: the note must be refused. */
  readonly invalid: readonly string[]
  /** Signatures by keys that are not known: to be ignored. */
  readonly unknown: readonly string[]
}

/** Ed25519 in the registry of signed-note. */
const ed25519 = 0x01
const dash = '\u2014'

/** The consortium log of a ledger. */
export function consortiumOrigin(ledger: LedgerId): string {
  return `quadrille/${ledger}`
}

/** A local log of one node; `log`: when it began, which names it. Also the name of its one signer. */
export function localOrigin(ledger: LedgerId, node: NodeId, log: number): string {
  return `quadrille/${ledger}/${node}/${log}`
}

/** A validator's name in notes of this origin. */
export function signerName(origin: string, node: NodeId): string {
  return `${origin}/${node}`
}

export function checkpointText({ origin, size, root }: LogCheckpoint): string {
  return `${origin}\n${size}\n${toBase64(fromHex(root))}\n`
}

/** @throws LedgerError MALFORMED; extension lines, which nobody could audit, are refused. */
export function parseCheckpoint(text: string): LogCheckpoint {
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text)
  const [, origin = '', size = '', root = ''] = match ?? []
  if (match === null || !Number.isSafeInteger(Number(size))) throw malformed('a checkpoint of three lines')
  return { origin, size: Number(size), root: digestOf(base64(root)) }
}

export function keyId({ name, publicKey }: NoteKey): Uint8Array {
  return sha256(utf8(`${name}\n`), Uint8Array.of(ed25519), publicKey).subarray(0, 4)
}

/** A verifier key as Go's sumdb/note reads it: name+id+base64. */
export function verifierKey(key: NoteKey): string {
  return `${key.name}+${toHex(keyId(key))}+${toBase64(concat(Uint8Array.of(ed25519), key.publicKey))}`
}

/** Keys of a ledger's validators for notes of its consortium log, in ascending order of node id. */
export function validatorKeys(
  ledger: LedgerId,
  validators: readonly { readonly node: NodeId; readonly publicKey: Uint8Array }[],
): readonly NoteKey[] {
  const origin = consortiumOrigin(ledger)
  return [...validators]
    .sort((a, b) => (a.node < b.node ? -1 : 1))
    .map(({ node, publicKey }) => ({ name: signerName(origin, node), publicKey }))
}

/** One verifier key a line. */
export function verifierKeysText(keys: readonly NoteKey[]): string {
  return keys.map((key) => `${verifierKey(key)}\n`).join('')
}

/** Whom to believe, in the form of C2SP tlog-policy: so many of these keys must have signed a checkpoint. */
export function policyText(keys: readonly NoteKey[], quorum: number): string {
  const names = keys.map((_, place) => `validator-${place + 1}`)
  const witnesses = keys.map((key, place) => `witness ${names[place]} ${verifierKey(key)}\n`)
  return `${witnesses.join('')}group validators ${quorum} ${names.join(' ')}\nquorum validators\n`
}

/** `seed`: the private key, 32 bytes, used for checkpoints alone. */
export function signNote(text: string, name: string, seed: Uint8Array): NoteSignature {
  requireText(text)
  if (!isName(name)) throw new RangeError('a key name has no spaces and no plus')
  return { name, keyId: keyId({ name, publicKey: publicKeyOf(seed) }), signature: signRaw(utf8(text), seed) }
}

export function formatNote({ text, signatures }: SignedNote): string {
  requireText(text)
  const lines = signatures.map(
    ({ name, keyId, signature }) => `${dash} ${name} ${toBase64(concat(keyId, signature))}\n`,
  )
  return `${text}\n${lines.join('')}`
}

/** A note as it came in a file or a message. @throws LedgerError MALFORMED, TOO_LARGE */
export function readNote(note: Uint8Array): SignedNote {
  let text: string
  try {
    text = fromUtf8(note)
  } catch (cause) {
    throw new LedgerError('MALFORMED', { expected: 'a signed note' }, cause)
  }
  return parseNote(text)
}

/** @throws LedgerError MALFORMED */
export function parseNote(note: string): SignedNote {
  const end = note.lastIndexOf('\n\n')
  const lines = note.slice(end + 2).split('\n')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these
  const clean = !/[\x00-\x09\x0b-\x1f]|\p{Surrogate}/u.test(note)
  if (end < 1 || lines.length < 2 || lines.pop() !== '' || !clean) throw malformed('a signed note')
  if (lines.length > limits.validatorsMax) throw new LedgerError('TOO_LARGE', { signatures: lines.length })
  const signatures = lines.map((line) => {
    const [mark, name = '', encoded = '', ...rest] = line.split(' ')
    if (mark !== dash || !isName(name) || rest.length > 0) throw malformed('a signature line')
    const bytes = base64(encoded)
    if (bytes.length < 5) throw malformed('a key id and a signature')
    return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) }
  })
  return { text: note.slice(0, end + 1), signatures }
}

/** One note with the signatures of all, each line once. @throws LedgerError MALFORMED when they say different things. */
export function mergeNotes(notes: readonly SignedNote[]): SignedNote {
  const [first] = notes
  if (first === undefined) throw new RangeError('no notes to merge')
  if (notes.some(({ text }) => text !== first.text)) throw malformed('notes of one text')
  const lines = new Map<string, NoteSignature>()
  for (const signature of notes.flatMap((note) => note.signatures)) {
    lines.set(`${signature.name} ${toHex(signature.keyId)} ${toHex(signature.signature)}`, signature)
  }
  return { text: first.text, signatures: [...lines.keys()].sort().map((line) => lines.get(line) as NoteSignature) }
}

/** `keys` must have passed `requireStrongKey` when they were enrolled. */
export function verifyNote(note: SignedNote, keys: readonly NoteKey[]): NoteVerdict {
  const message = utf8(note.text)
  const verdict = { valid: new Set<string>(), invalid: new Set<string>(), unknown: new Set<string>() }
  for (const { name, keyId: id, signature } of note.signatures) {
    const key = keys.find((known) => known.name === name && equal(keyId(known), id))
    if (key === undefined) verdict.unknown.add(name)
    else
      verdict[signature.length === 64 && verifyRaw(signature, message, key.publicKey) ? 'valid' : 'invalid'].add(name)
  }
  return { valid: [...verdict.valid], invalid: [...verdict.invalid], unknown: [...verdict.unknown] }
}

function isName(name: string): boolean {
  return name !== '' && !/[\s+]/u.test(name)
}

function requireText(text: string): void {
  if (text === '\n' || !text.endsWith('\n') || text.endsWith('\n\n')) {
    throw new RangeError('the text of a note ends with one newline')
  }
}

function base64(text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    throw new LedgerError('MALFORMED', { expected: 'base64' }, cause)
  }
}

function malformed(expected: string): LedgerError {
  return new LedgerError('MALFORMED', { expected })
}
