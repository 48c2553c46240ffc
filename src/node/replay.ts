// The ledger's rules as the audit verifier needs them: executes the blocks of a bundle and says what each must have led
// to. Runs in a browser. The same `entriesOf` writes the log of a running node.

import type { ActView, AnchorClaim, ItemClaim, Replay, Replayed, StartReplay } from '../audit/replay.ts'
import { fromUtf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import { decode, type JsonValue } from '../base/schema.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { rosterHash } from '../consensus/roster.ts'
import { checkGenesis } from '../ledger/founding.ts'
import { type SignedGenesis, signedGenesisSchema } from '../ledger/genesis.ts'
import { partOpens } from '../ledger/items.ts'
import { Ledger, type TransactionOutcome } from '../ledger/ledger.ts'
import { itemPayloadSchema, partSchema } from '../ledger/payload.ts'
import { actSchema, itemIdFor } from '../ledger/transaction.ts'
import { checkpointKeysOf } from './checkpoint-keys.ts'
import { entriesOf } from './entries.ts'
import type { ErasureChronicle } from './erasure-chronicle.ts'
import { ReplayedItems } from './replayed-items.ts'

export const startReplay: StartReplay = (genesis) => {
  return startReplayWith(genesis, undefined)
}

/** As `startReplay`; the chronicle takes every block. */
export function startReplayWith(genesis: Uint8Array, chronicle: ErasureChronicle | undefined): ReturnType<StartReplay> {
  const items = new ReplayedItems()
  const ledger = Ledger.fromGenesis(parseGenesis(genesis).genesis, items.read)
  return { ledger: ledger.id, replay: replayOf(ledger, items, chronicle) }
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

function replayOf(ledger: Ledger, items: ReplayedItems, chronicle: ErasureChronicle | undefined): Replay {
  const keys = new Map<NodeId, Uint8Array>()
  const noteKeys = (): void => {
    for (const { id, keys: own } of ledger.nodes()) keys.set(id, own.checkpoint)
  }
  noteKeys()
  return {
    faults: faultModelOf(ledger.genesis.protocol),
    created: ledger.genesis.created,
    rosters: () => ledger.knownRosters(),
    checkpoint: () => ({ state: ledger.stateHash(), roster: rosterHash(ledger.roster()) }),
    checkpointKeys: () => checkpointKeysOf(ledger),
    nodeKeys: () => [...keys].map(([node, publicKey]) => ({ node, publicKey })),
    register: () =>
      ledger.policies().map(({ class: kind, name, controller, purpose, legalBasis, retentionDays, audience }) => {
        return { name, controller, kind, purpose, legalBasis, retentionDays, audience }
      }),
    apply({ header, tokens, batchTime, transactions }): Replayed {
      const delivered = ledger.apply(header.sequence, { time: batchTime, tokens, transactions })
      items.take(delivered)
      chronicle?.take(delivered, ledger, items)
      if (delivered.next !== undefined) noteKeys()
      const done = delivered.outcomes.filter(({ code }) => code === 'OK')
      return {
        header: delivered.header,
        hash: delivered.hash,
        entries: entriesOf(delivered),
        acts: delivered.outcomes.filter(({ admitted }) => admitted).map((outcome) => actView(ledger, outcome)),
        items: done.flatMap((outcome) => claimsOf(ledger, outcome)),
        erased: delivered.erased.map(({ item }) => item),
        anchors: done.flatMap(anchorsOf),
      }
    },
  }
}

function anchorsOf({ signer, transaction: { act } }: TransactionOutcome): readonly AnchorClaim[] {
  if (act.type !== 'anchor' || signer.node === undefined) return []
  const { log, size, root } = act
  return [{ node: signer.node, log, size, root }]
}

function actView(ledger: Ledger, { transaction: { act } }: TransactionOutcome): ActView {
  if (act.type !== 'data') return { graphs: [], items: 0, detail: actSchema.toJson(act) }
  const graphs = new Set(act.items.flatMap(({ graph }) => ledger.graph(graph)?.iri ?? []))
  return { graphs: [...graphs], items: act.items.length, detail: undefined }
}

function claimsOf(ledger: Ledger, { transaction, tx }: TransactionOutcome): readonly ItemClaim[] {
  if (transaction.act.type !== 'data') return []
  return transaction.act.items.map((header, index): ItemClaim => {
    const item = itemIdFor(tx, index)
    return {
      item,
      audience: ledger.policy(header.policy)?.audience ?? [],
      opens(record) {
        if (record.type === 'kept') {
          return partOpens(ledger.id, item, header, 'retractions', decode(partSchema, record.retractions))
        }
        const { assertions, retractions } = decode(itemPayloadSchema, record.payload)
        return (
          partOpens(ledger.id, item, header, 'assertions', assertions) &&
          partOpens(ledger.id, item, header, 'retractions', retractions)
        )
      },
    }
  })
}
