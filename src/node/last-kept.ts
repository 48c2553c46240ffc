// The newest proof of finality that a starting node still has.

import type { Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import type { BlockArchive } from '../store/blocks.ts'

/** The newest result certificate at or below `height` that is kept, a window back at most. */
export async function lastKept(blocks: BlockArchive, height: Sequence): Promise<ResultCertificate | undefined> {
  for (let sequence = height as number; sequence > 0 && sequence > height - limits.resultsSearched; sequence--) {
    const bytes = await blocks.result(sequence)
    if (bytes !== undefined) return decode(resultCertificateSchema, bytes)
  }
  return undefined
}
