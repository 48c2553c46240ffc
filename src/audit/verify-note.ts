// Whether the checkpoint of a bundle says what its log is, and who signed that.

import { equal, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { LedgerId } from '../base/ids.ts'
import { type FaultModel, quorumOf } from '../consensus/quorum.ts'
import { manifestNotePath, manifestOrigin, manifestPath, manifestStatement } from './bundle.ts'
import type { BundleFiles } from './bundle-reader.ts'
import type { Findings } from './findings.ts'
import type { TreeHead } from './log.ts'
import {
  checkpointText,
  consortiumOrigin,
  parseCheckpoint,
  readNote,
  signerName,
  validatorKeys,
  verifierKeysText,
  verifyNote,
} from './note.ts'
import type { CheckpointKey } from './replay.ts'

export interface NoteCount {
  /** Different validators whose signature verifies. */
  readonly signers: number
  /** How many make a quorum. */
  readonly quorum: number
}

const notePath = 'checkpoint'
const keysPath = 'verifier-keys'

/** `required`: how many validators must have signed; undefined: a quorum. */
export async function checkNote(
  files: BundleFiles,
  findings: Findings,
  ledger: LedgerId,
  head: TreeHead,
  validators: readonly CheckpointKey[],
  faults: FaultModel,
  required: number | undefined,
): Promise<NoteCount> {
  const keys = validatorKeys(ledger, validators)
  const listed = await files.need(keysPath)
  files.counted(keysPath, keys.length)
  if (listed !== undefined && !equal(listed, utf8(verifierKeysText(keys)))) {
    findings.add('MANIFEST_MISMATCH', keysPath, '', 'other keys than those of the validators in force')
  }
  const quorum = quorumOf(faults, validators.length)
  const bytes = await files.need(notePath)
  if (bytes === undefined) return { signers: 0, quorum }
  try {
    const note = readNote(bytes)
    const said = parseCheckpoint(note.text)
    const wrong =
      said.origin !== consortiumOrigin(ledger)
        ? 'origin'
        : said.size !== head.size
          ? 'size'
          : said.root !== head.root
            ? 'root'
            : ''
    if (wrong !== '') findings.add('NOTE_MISMATCH', notePath, `leaf ${Math.max(0, head.size - 1)}`, `another ${wrong}`)
    const { valid, invalid } = verifyNote(note, keys)
    for (const name of invalid) findings.add('SIGNATURE_INVALID', notePath, `signature of ${name}`)
    if (valid.length < (required ?? quorum)) {
      findings.add('QUORUM_NOT_MET', notePath, '', `${valid.length} of ${validators.length} validators signed`)
    }
    return { signers: valid.length, quorum }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    findings.add('FILE_MALFORMED', notePath, '', error.message)
    return { signers: 0, quorum }
  }
}

/** Whether a node of the ledger signed this very manifest, and which. */
export async function checkManifestNote(
  files: BundleFiles,
  findings: Findings,
  ledger: LedgerId,
  nodes: readonly CheckpointKey[],
): Promise<string | undefined> {
  const [manifest, bytes] = [await files.need(manifestPath), await files.need(manifestNotePath)]
  if (manifest === undefined || bytes === undefined) return undefined
  try {
    const note = readNote(bytes)
    if (note.text !== checkpointText(manifestStatement(ledger, manifest))) {
      findings.add('MANIFEST_MISMATCH', manifestNotePath, '', 'it is of another manifest')
      return undefined
    }
    const keys = nodes.map(({ node, publicKey }) => ({ name: signerName(manifestOrigin(ledger), node), publicKey }))
    const { valid, invalid, unknown } = verifyNote(note, keys)
    if (valid.length === 1 && invalid.length === 0 && unknown.length === 0) return valid[0]
    findings.add('SIGNATURE_INVALID', manifestNotePath, '', 'no node of the ledger signed the manifest, alone')
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error
    findings.add('FILE_MALFORMED', manifestNotePath, '', error.message)
  }
  return undefined
}
