// How much the payloads take that wait for their blocks, by who brought them. What is never ordered is held for long, so that one
// peer could fill all room with transactions that it signed itself, and no client of anybody would be served.

import type { NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'

/** The peer whose request it was; those that do not vote have one account together. */
export type Account = NodeId | 'followers' | 'self'

export interface HeldBytesOptions {
  readonly stagedBytesMax?: number | undefined
  readonly roster: () => Roster | undefined
}

export class HeldBytes {
  readonly #options: HeldBytesOptions
  readonly #bytes: Map<Account, number> = new Map()

  constructor(options: HeldBytesOptions) {
    this.#options = options
  }

  /** `from`: undefined for a client of this node. */
  accountOf(from: NodeId | undefined): Account {
    const roster = this.#options.roster()
    if (from === undefined) return 'self'
    return roster !== undefined && validatorOf(roster, from) !== undefined ? from : 'followers'
  }

  /** Half is for this node's own clients, whatever its peers send; of the other half each has the same part, or one payload. */
  hasRoom(account: Account, bytes: number): boolean {
    const { stagedBytesMax = limits.stagedBytesMax, roster } = this.#options
    const total = [...this.#bytes.values()].reduce((sum, each) => sum + each, bytes)
    if (total > stagedBytesMax) return false
    const held = this.#of(account)
    return account === 'self' || held === 0 || held + bytes <= stagedBytesMax / (2 * (roster()?.validators.length ?? 1))
  }

  /** `bytes`: below 0 for what is held no more. */
  add(account: Account, bytes: number): void {
    this.#bytes.set(account, this.#of(account) + bytes)
  }

  #of(account: Account): number {
    return this.#bytes.get(account) ?? 0
  }
}
