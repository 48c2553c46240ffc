// What an update comes to, as a node hands it to the application that will sign it: quads to assert, rows to retract, and the
// graphs that it was computed from. Runs in a browser.

import { type ItemId, itemIdOf, type LedgerId, ledgerIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { id, list, record, type Schema, text, uint, word } from '../base/schema.ts'

export interface DeltaRetraction {
  /** IRI. */
  readonly graph: string
  readonly item: ItemId
  readonly rows: readonly number[]
}

export interface DeltaDocument {
  readonly kind: 'quadrille delta 1'
  readonly ledger: LedgerId
  /** It was computed from the state at this height. */
  readonly height: number
  /** IRIs of the graphs that were read for it: if one has changed since, the transaction ends in CONFLICT. */
  readonly read: readonly string[]
  /** N-Quads. */
  readonly assert: string
  readonly retract: readonly DeltaRetraction[]
}

export const deltaMediaType = 'application/vnd.quadrille.delta+json'

export const deltaSchema: Schema<DeltaDocument> = record<DeltaDocument>({
  kind: word('quadrille delta 1'),
  ledger: id(32, ledgerIdOf),
  height: uint(),
  read: list(text(limits.iriBytesMax), limits.itemsPerTransactionMax),
  assert: text(limits.deltaBytesMax),
  retract: list(
    record<DeltaRetraction>({
      graph: text(limits.iriBytesMax),
      item: id(32, itemIdOf),
      rows: list(uint(limits.termsPerItemMax), limits.termsPerItemMax, 1),
    }),
    limits.updateRowsMax,
  ),
})
