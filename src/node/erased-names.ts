// By what the details beside the local log may name what was erased: the ids of items, the persons that they concern, the values
// that they gave. Read from payloads that are erased and not yet purged; afterwards nobody can know.

import { LedgerError } from '../base/errors.ts'
import type { ItemId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { unpadPart } from '../ledger/items.ts'
import { assertionsSchema, itemPayloadSchema } from '../ledger/payload.ts'
import type { Store } from '../store/store.ts'

export interface Names {
  /** Item ids and IRIs of persons. */
  readonly ids: ReadonlySet<string>
  /** Values of literals, which count where they stand in quotes. */
  readonly values: ReadonlySet<string>
}

/** Shorter ones name nobody. */
const valueCharactersMin = 3

export async function namesOf(store: Pick<Store, 'itemPayload'>, items: readonly ItemId[]): Promise<Names> {
  const ids = new Set<string>(items)
  const values = new Set<string>()
  for (const item of items) {
    const payload = await payloadBeforePurge(store, item)
    if (payload === undefined) continue
    const { subjects, terms } = readable(payload) ?? { subjects: [], terms: [] }
    // Of an item that concerns nobody, only its id.
    if (subjects.length === 0) continue
    for (const subject of subjects) ids.add(subject)
    for (const term of terms) {
      if ((term.type === 'literal' || term.type === 'language') && term.value.length >= valueCharactersMin) {
        values.add(term.value)
      }
    }
  }
  return { ids, values }
}

/** Undefined too when its key is gone: then a purge was interrupted after it had erased the details. */
async function payloadBeforePurge(store: Pick<Store, 'itemPayload'>, item: ItemId): Promise<Uint8Array | undefined> {
  try {
    return await store.itemPayload(item, 'purged')
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'KEY_MISSING') return undefined
    throw error
  }
}

/** Undefined for a part that its author malformed. */
function readable(payload: Uint8Array): ReturnType<typeof assertionsOf> | undefined {
  try {
    return assertionsOf(payload)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}

function assertionsOf(payload: Uint8Array): Pick<Parameters<typeof assertionsSchema.toJson>[0], 'subjects' | 'terms'> {
  return decode(assertionsSchema, unpadPart(decode(itemPayloadSchema, payload).assertions.padded))
}

/** Whether a query, an address or a form says one of the names: whole, so that the details of others do not go with them. */
export function isNamed(said: string, { ids, values }: Names): boolean {
  for (const [, , double, single] of said.matchAll(/("((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/g)) {
    const quoted = double ?? single ?? ''
    if (values.has(quoted) || ids.has(quoted)) return true
  }
  for (const [id] of said.matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)) if (ids.has(id)) return true
  const prefixes = new Map(
    [...said.matchAll(/prefix\s+([^\s:]*):\s*<([^<>\s]*)>/gi)].map(([, prefix = '', iri = '']) => [prefix, iri]),
  )
  for (const word of said.split(/[\s<>"'{}()[\],;|^`\\]+/)) if (isId(word, ids, prefixes)) return true
  return false
}

function isId(word: string, ids: Names['ids'], prefixes: ReadonlyMap<string, string>): boolean {
  const bare = word.replace(/[.?!]+$/, '')
  if (ids.has(word) || ids.has(bare)) return true
  const colon = bare.indexOf(':')
  const namespace = colon < 0 ? undefined : prefixes.get(bare.slice(0, colon))
  if (namespace !== undefined && ids.has(`${namespace}${bare.slice(colon + 1)}`)) return true
  // Parameters of an address: what follows each "=", to the end or to the next parameter.
  for (let at = word.indexOf('='); at >= 0; at = word.indexOf('=', at + 1)) {
    const value = word.slice(at + 1)
    if (ids.has(value) || ids.has(value.split('&', 1)[0] ?? '')) return true
  }
  return false
}
