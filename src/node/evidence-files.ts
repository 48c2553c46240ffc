// The evidence that a node keeps: a JSON file for each piece, named by its id. Durable before anybody is told; the first of each
// kind count, because a liar can make as many as it likes.

import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import { type Digest, digestOf, type Epoch, type NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type EvidenceDocument, evidenceDocumentSchema, evidenceId } from './evidence.ts'
import { readJson } from './home.ts'
import { accusationOf } from './protocols.ts'

export interface KeptEvidence {
  readonly id: Digest
  readonly culprit: NodeId
  readonly epoch: Epoch
  readonly sentence: string
  readonly document: EvidenceDocument
}

const ending = '.json'

export class EvidenceFiles {
  readonly #folder: string
  readonly #kept: Map<Digest, EvidenceDocument>

  private constructor(folder: string, kept: Map<Digest, EvidenceDocument>) {
    this.#folder = folder
    this.#kept = kept
  }

  /** @throws LedgerError STORAGE_FAILED; FILE_UNREADABLE or MALFORMED for a file that is no evidence */
  static async open(folder: string): Promise<EvidenceFiles> {
    const kept = new Map<Digest, EvidenceDocument>()
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of (await readdir(folder)).filter((file) => file.endsWith(ending)).sort()) {
        kept.set(digestOf(name.slice(0, -ending.length)), await readJson(join(folder, name), evidenceDocumentSchema))
      }
    } catch (error) {
      if (error instanceof LedgerError) throw error
      throw new LedgerError('STORAGE_FAILED', { store: 'evidence' }, error)
    }
    return new EvidenceFiles(folder, kept)
  }

  /** Durable when it resolves. False when it was kept before, or when there is no room. @throws LedgerError STORAGE_FAILED */
  async keep(document: EvidenceDocument): Promise<boolean> {
    const id = evidenceId(document)
    if (this.#kept.has(id) || this.#kept.size >= limits.evidenceFilesMax) return false
    this.#kept.set(id, document)
    const text = `${JSON.stringify(evidenceDocumentSchema.toJson(document), undefined, 2)}\n`
    try {
      await writeFileAtomic(join(this.#folder, `${id}${ending}`), utf8(text), 0o644)
    } catch (error) {
      throw new LedgerError('STORAGE_FAILED', { store: 'evidence' }, error)
    }
    return true
  }

  list(): readonly KeptEvidence[] {
    return [...this.#kept].flatMap(([id, document]) => {
      const accusation = accusationOf(document.protocol, document.evidence)
      return accusation === undefined ? [] : [{ id, ...accusation, document }]
    })
  }
}
