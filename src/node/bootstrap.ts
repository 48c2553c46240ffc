// The nodes that a joining node begins with: cards that somebody gave it, kept in its home. They need no trust, because blocks
// prove themselves; they only have to be there.

import { existsSync } from 'node:fs'
import { utf8 } from '../base/bytes.ts'
import { writeFileAtomic } from '../base/files.ts'
import { limits } from '../base/limits.ts'
import { list, type Schema } from '../base/schema.ts'
import { type NodeCard, nodeCardSchema } from '../ledger/card.ts'
import type { Node } from '../ledger/records.ts'
import { type Home, readJson } from './home.ts'

const cardsSchema: Schema<readonly NodeCard[]> = list(nodeCardSchema, limits.validatorsMax)

/** @throws LedgerError STORAGE_FAILED */
export async function keepBootstrap(home: Home, cards: readonly NodeCard[]): Promise<void> {
  const text = `${JSON.stringify(cardsSchema.toJson(cards), undefined, 2)}\n`
  await writeFileAtomic(home.bootstrap, utf8(text), 0o644)
}

/** Undefined for a node that does not join. @throws LedgerError FILE_UNREADABLE, MALFORMED */
export async function readBootstrap(home: Home): Promise<readonly Node[] | undefined> {
  if (!existsSync(home.bootstrap)) return undefined
  return (await readJson(home.bootstrap, cardsSchema)).map(({ node }) => node)
}
