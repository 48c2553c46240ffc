// The genesis of a home: given at the first start, kept from then on. A node never changes its ledger.

import { existsSync } from 'node:fs'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import { ledgerIdFor, type SignedGenesis, signedGenesisSchema } from '../ledger/genesis.ts'
import { readGenesis } from './ceremony.ts'
import type { Home } from './home.ts'

export interface OwnGenesis {
  readonly genesis: SignedGenesis
  /** False before the first start. */
  readonly isKept: boolean
}

/** @throws LedgerError NO_GENESIS, WRONG_LEDGER, FILE_UNREADABLE, MALFORMED */
export async function ownGenesis(home: Home, path: string | undefined): Promise<OwnGenesis> {
  const kept = existsSync(home.genesis) ? await readGenesis(home.genesis) : undefined
  if (path === undefined) {
    if (kept === undefined) throw new LedgerError('NO_GENESIS', { home: home.root })
    return { genesis: kept, isKept: true }
  }
  const given = await readGenesis(path)
  if (kept === undefined) return { genesis: given, isKept: false }
  const [expected, found] = [ledgerIdFor(kept.genesis), ledgerIdFor(given.genesis)]
  if (expected !== found) throw new LedgerError('WRONG_LEDGER', { home: expected, file: found })
  return { genesis: kept, isKept: true }
}

/** @throws LedgerError STORAGE_FAILED */
export async function keepGenesis(home: Home, genesis: SignedGenesis): Promise<void> {
  const text = `${JSON.stringify(signedGenesisSchema.toJson(genesis), undefined, 2)}\n`
  await writeFileAtomic(home.genesis, utf8(text), 0o644)
}
