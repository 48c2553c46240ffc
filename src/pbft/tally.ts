// Votes at one place, counted as they come: at most one for each signer, so that memory is bounded whatever anybody sends,
// and groups of equal ones at hand without counting again.

import type { NodeId } from '../base/ids.ts'

export interface Tally<Vote> {
  readonly votes: Map<NodeId, { readonly vote: Vote; readonly rank: number; readonly key: string }>
  readonly groups: Map<string, Map<NodeId, Vote>>
}

export function newTally<Vote>(): Tally<Vote> {
  return { votes: new Map(), groups: new Map() }
}

export type Counted<Vote> =
  | { readonly type: 'counted'; readonly group: ReadonlyMap<NodeId, Vote> }
  /** Known already, or of a lower rank than what is. */
  | { readonly type: 'old' }
  /** The same signer said something else at the same rank. */
  | { readonly type: 'contradiction'; readonly before: Vote }

/** `rank`: a higher one replaces a lower one of the same signer (PBFT: the view). `key`: what the vote is for. */
export function count<Vote>(tally: Tally<Vote>, signer: NodeId, rank: number, key: string, vote: Vote): Counted<Vote> {
  const before = tally.votes.get(signer)
  if (before !== undefined) {
    if (before.rank > rank) return { type: 'old' }
    if (before.rank === rank) {
      return before.key === key ? { type: 'old' } : { type: 'contradiction', before: before.vote }
    }
    const group = tally.groups.get(before.key)
    group?.delete(signer)
    if (group?.size === 0) tally.groups.delete(before.key)
  }
  tally.votes.set(signer, { vote, rank, key })
  let group = tally.groups.get(key)
  if (group === undefined) {
    group = new Map()
    tally.groups.set(key, group)
  }
  group.set(signer, vote)
  return { type: 'counted', group }
}

const nobody: ReadonlyMap<NodeId, never> = new Map<NodeId, never>()

export function supporters<Vote>(tally: Tally<Vote>, key: string): ReadonlyMap<NodeId, Vote> {
  return tally.groups.get(key) ?? nobody
}
