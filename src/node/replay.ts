// The ledger's rules as the audit verifier needs them: executes the blocks of a bundle and says what each must have led
// to. Runs in a browser. The same `entriesOf` writes the log of a running node.

import type { ItemClaim, Replay, Replayed, StartReplay } from '../audit/replay.ts'
import { fromUtf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { decode, type JsonValue } from '../base/schema.ts'
import { rosterHash } from '../consensus/roster.ts'
import { checkGenesis } from '../ledger/founding.ts'
import { type SignedGenesis, signedGenesisSchema } from '../ledger/genesis.ts'
import { partOpens } from '../ledger/items.ts'
import { Ledger, type TransactionOutcome } from '../ledger/ledger.ts'
import { itemPayloadSchema } from '../ledger/payload.ts'
import { itemIdFor } from '../ledger/transaction.ts'
import { entriesOf } from './entries.ts'

export const startReplay: StartReplay = (genesis) => {
  const ledger = Ledger.fromGenesis(parseGenesis(genesis).genesis)
  return { ledger: ledger.id, replay: replayOf(ledger) }
}

/** The bytes of genesis.json, checked. @throws LedgerError for what founds no ledger. */
export function parseGenesis(bytes: Uint8Array): SignedGenesis {
  let value: JsonValue
  try {
    value = JSON.parse(fromUtf8(bytes)) as JsonValue
  } catch (cause) {
    throw new LedgerError('MALFORMED', { file: 'genesis.json', reason: 'it is not JSON' }, cause)
  }
  const signed = signedGenesisSchema.fromJson(value, '')
  const [fault] = checkGenesis(signed)
  if (fault !== undefined) throw new LedgerError(fault.code, fault.details)
  return signed
}

function replayOf(ledger: Ledger): Replay {
  return {
    roster: () => ledger.roster(),
    checkpoint: () => ({ state: ledger.stateHash(), roster: rosterHash(ledger.roster()) }),
    checkpointKeys: () =>
      ledger
        .nodes()
        .filter(({ role }) => role === 'validator')
        .map(({ id, keys }) => ({ node: id, publicKey: keys.checkpoint })),
    apply({ header, tokens, batchTime, transactions }): Replayed {
      const delivered = ledger.apply(header.sequence, { time: batchTime, tokens, transactions })
      const done = delivered.outcomes.filter(({ code }) => code === 'OK')
      return {
        header: delivered.header,
        hash: delivered.hash,
        entries: entriesOf(delivered),
        items: done.flatMap((outcome) => claimsOf(ledger, outcome)),
        erased: [],
      }
    },
  }
}

function claimsOf(ledger: Ledger, { transaction, tx }: TransactionOutcome): readonly ItemClaim[] {
  if (transaction.act.type !== 'data') return []
  return transaction.act.items.map((header, index): ItemClaim => {
    const item = itemIdFor(tx, index)
    return {
      item,
      audience: ledger.policy(header.policy)?.audience ?? [],
      opens(record) {
        // No item of this rules version can be erased, so none is kept in part.
        if (record.type === 'kept') return false
        const { assertions, retractions } = decode(itemPayloadSchema, record.payload)
        return (
          partOpens(ledger.id, item, header, 'assertions', assertions) &&
          partOpens(ledger.id, item, header, 'retractions', retractions)
        )
      },
    }
  })
}
