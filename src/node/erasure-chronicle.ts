// The reports of erasures as the chain itself has them: made while a verifier replays an audit export, to be held against
// a report that somebody shows.

import type { Sequence, TxId } from '../base/ids.ts'
import type { Delivered, Ledger } from '../ledger/ledger.ts'
import { type Attestation, attestationOf, type ErasureReport, type OrderFacts, reportOf } from './erasure-report.ts'
import type { ReplayedItems } from './replayed-items.ts'

export class ErasureChronicle {
  readonly #orders: Map<TxId, OrderFacts> = new Map()
  readonly #attestations: Map<TxId, Attestation[]> = new Map()
  #height = 0

  /** Call for every block in order, after `ledger` executed it and `items` took it. */
  take({ header, outcomes }: Delivered, ledger: Ledger, items: ReplayedItems): void {
    this.#height = header.sequence
    for (const { tx, code, transaction, signer } of outcomes) {
      const { act } = transaction
      if (code !== 'OK') continue
      if (act.type === 'erase') {
        const progress = ledger.erasure(tx)
        if (progress === undefined) continue
        const { organisation, erased } = progress
        this.#orders.set(tx, {
          ledger: ledger.id,
          order: tx,
          organisation,
          height: header.sequence,
          time: header.time,
          act,
          items: act.items.flatMap((place) => items.read(place)?.item ?? []),
          erased,
          obliged: progress.obliged.map((node) => ({ node, name: ledger.node(node)?.name ?? node })),
        })
      }
      if (act.type !== 'erasure-attest' || signer.node === undefined) continue
      const before = this.#attestations.get(act.order) ?? []
      this.#attestations.set(act.order, [...before, attestationOf(signer.node, header.sequence, tx, act)])
    }
  }

  /** As of a height; undefined for an order that does not stand in the chain, or a height that it does not reach. */
  report(order: TxId, asOf: Sequence): ErasureReport | undefined {
    const facts = this.#orders.get(order)
    if (facts === undefined || asOf > this.#height || facts.height > asOf) return undefined
    return reportOf(facts, this.#attestations.get(order) ?? [], asOf)
  }
}
