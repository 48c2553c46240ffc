// What a verification can find wrong, each in one sentence, and where: the file, and the height, leaf or bytes in it.

import { limits } from '../base/limits.ts'

export const findingTable = {
  FILE_MISSING: 'The bundle lacks a file that it must have.',
  FILE_UNLISTED: 'The bundle has a file that its manifest does not list, or that has no place in it.',
  FILE_CHANGED: 'A file is not the one that the manifest lists.',
  FILE_MALFORMED: 'A file does not have its form.',
  MANIFEST_MISMATCH: 'The manifest claims something other than what the bundle shows.',
  WRONG_LEDGER: 'The genesis is not that of the ledger that is trusted.',
  GENESIS_INVALID: 'The genesis founds no ledger, or its founders did not all sign it.',
  CHAIN_BROKEN: 'A block does not follow the one before it.',
  DIGEST_MISMATCH: 'A block holds other transactions, tokens or time than were agreed.',
  CERTIFICATE_MISMATCH: 'A commit certificate is of something else than its block.',
  QUORUM_NOT_MET: 'Fewer different validators signed than a quorum.',
  SIGNATURE_INVALID: 'A signature does not verify.',
  WRONG_EPOCH: 'Signatures are of another epoch than the validators in force.',
  REPLAY_FAILED: 'A block cannot be executed.',
  RESULT_MISMATCH: 'A quorum or a forger signed another result than replaying the block gives.',
  RESULT_MISSING:
    'The last block was agreed, but no quorum is shown that executed it: its position is proved, its outcome is not.',
  LEAF_MISMATCH: 'A leaf is not the one that replaying the blocks gives.',
  LEAF_MISSING: 'The log ends before what the blocks lead to.',
  LEAF_SURPLUS: 'The log has leaves that no block leads to.',
  TILE_MISMATCH: 'A tile holds another hash than the leaves lead to.',
  EVENT_MISMATCH: 'A line of the readable events is not the leaf of its place.',
  VIEW_MISMATCH:
    'A table, the report, the guide or a proof is not what the blocks and the filter of the manifest give.',
  PROOF_MISMATCH: 'The tiles do not give the proofs of the sample.',
  NOTE_MISMATCH: 'The checkpoint is of another log, size or root.',
  FORK_DETECTED: 'The log contradicts the checkpoint that is trusted.',
  TRUNCATED: 'The log ends before the checkpoint that is trusted.',
  LOCAL_BROKEN: 'A leaf of a local log is none, or does not follow the one before it.',
  ANCHOR_MISMATCH: 'A local log contradicts what its node anchored of it in the log.',
  PAYLOAD_MISMATCH: 'A payload does not open the commitments of its item.',
  PAYLOAD_SURPLUS: 'A payload is of no item, or out of its place.',
  NOT_ERASED: 'An item whose erasure was ordered is still in the bundle.',
  MISSING: 'An item that this reader may see is neither here nor erased by order.',
} as const

export type FindingCode = keyof typeof findingTable

export interface Finding {
  readonly code: FindingCode
  readonly sentence: string
  readonly file: string
  /** Height, leaf, item or bytes; empty when it is the whole file. */
  readonly at: string
  /** What else helps, for example what was expected. */
  readonly detail: string
}

/** Collects findings; beyond limits.findingsMax they are only counted. */
export class Findings {
  readonly listed: Finding[] = []
  #total = 0

  get total(): number {
    return this.#total
  }

  add(code: FindingCode, file: string, at = '', detail = ''): void {
    this.#total += 1
    if (this.listed.length < limits.findingsMax) {
      this.listed.push({ code, sentence: findingTable[code], file, at, detail })
    }
  }
}
