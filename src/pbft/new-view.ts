// Section 4.4, the pure part: what a new view carries over follows from the view changes that it names, and everybody
// computes it alike. Nothing here knows a replica's state.

import type { Digest, Sequence } from '../base/ids.ts'
import type { ResultCertificate } from '../consensus/certificate.ts'
import type { PreparedCertificate, ViewChange } from './messages.ts'

export interface Carried {
  /** min-s: the latest stable checkpoint that a view change proves; `since` and undefined for the epoch's beginning. */
  readonly from: Sequence
  readonly stable: ResultCertificate | undefined
  /** O: what the new leader must propose again, from min-s + 1 to max-s without a gap. */
  readonly proposals: readonly { readonly sequence: Sequence; readonly digest: Digest }[]
}

/**
 * For each sequence between min-s and max-s the batch that prepared in the highest view, or the null batch when none did.
 * `since`: where the epoch began. A batch that committed anywhere prepared at a quorum, so at least one correct view change of any quorum shows it.
 */
export function computeO(changes: readonly ViewChange[], nullDigest: Digest, since: Sequence): Carried {
  let stable: ResultCertificate | undefined
  for (const change of changes) {
    for (const certificate of change.stable) {
      if (stable === undefined || certificate.result.sequence > stable.result.sequence) stable = certificate
    }
  }
  const from = stable?.result.sequence ?? since
  const latest = new Map<Sequence, PreparedCertificate>()
  let to = from
  for (const change of changes) {
    for (const certificate of change.prepared) {
      const { sequence, view } = certificate
      if (sequence <= from) continue
      if (sequence > to) to = sequence
      const before = latest.get(sequence)
      if (before === undefined || view > before.view) latest.set(sequence, certificate)
    }
  }
  const proposals = Array.from({ length: to - from }, (_, i) => {
    const sequence = (from + i + 1) as Sequence
    return { sequence, digest: latest.get(sequence)?.digest ?? nullDigest }
  })
  return { from, stable, proposals }
}
