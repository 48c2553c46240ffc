// How far a node is, as its store keeps it with each block: what executing led to, and who certifies what follows.

import { type Digest, digestOf } from '../base/ids.ts'
import { emptyRoot } from '../base/merkle.ts'
import { decode, encode, list, record, type Schema } from '../base/schema.ts'
import { genesisOutcome, type Outcome } from '../consensus/contract.ts'
import { type Roster, rosterHash, rosterSchema } from '../consensus/roster.ts'
import { type Result, resultSchema } from '../consensus/statements.ts'
import type { InForce } from '../consensus/succession.ts'
import type { Delivered, Ledger } from '../ledger/ledger.ts'

interface Height {
  readonly applied: Result
  readonly checkpoint: Result
  readonly inForce: readonly Roster[]
}

const heightSchema: Schema<Height> = record<Height>({
  applied: resultSchema,
  checkpoint: resultSchema,
  inForce: list(rosterSchema, 2, 1),
})

export interface Reached {
  readonly applied: Outcome
  /** Of the last checkpoint at or below it. */
  readonly checkpoint: Outcome
  /** Who certifies: see consensus/succession.ts. */
  readonly inForce: InForce
}

export function foundedHeight(ledger: Ledger): Reached {
  const roster = ledger.roster()
  const outcome = genesisOutcome(ledger.id, digestOf(emptyRoot), {
    state: ledger.stateHash(),
    roster: rosterHash(roster),
  })
  return { applied: outcome, checkpoint: outcome, inForce: [roster] }
}

/** After the block that `ledger` executed last. */
export function outcomeOf(ledger: Ledger, { header, hash }: Delivered, logSize: number, logRoot: Digest): Outcome {
  const isCheckpoint = header.sequence % ledger.parameters().checkpointInterval === 0
  const checkpoint = isCheckpoint ? [{ state: ledger.stateHash(), roster: rosterHash(ledger.roster()) }] : []
  return { sequence: header.sequence, block: hash, logSize, logRoot, checkpoint }
}

export function heightBytes({ header: { ledger, epoch } }: Delivered, reached: Reached): Uint8Array {
  const { applied, checkpoint, inForce } = reached
  return encode(heightSchema, {
    applied: { ledger, epoch, ...applied },
    checkpoint: { ledger, epoch, ...checkpoint },
    inForce,
  })
}

export function readHeight(meta: Uint8Array): Reached {
  const { applied, checkpoint, inForce } = decode(heightSchema, meta)
  return { applied: outcomeIn(applied), checkpoint: outcomeIn(checkpoint), inForce: inForce as InForce }
}

function outcomeIn({ ledger: _ledger, epoch: _epoch, ...outcome }: Result): Outcome {
  return outcome
}
