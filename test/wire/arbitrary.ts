// Random values of a CDDL rule, and random changes of a value, for fast-check.

import fc from 'fast-check'
import type { CborValue } from '../../src/base/cbor.ts'
import type { Entry, Grammar, Type } from './cddl.ts'

/** Lists and strings stay this short where the rule lets them. */
const repeatsMax = 3
const lengthMax = 24

/** Values of the rule. Text is made of words that also names of organisations may be. */
export function anyOf(grammar: Grammar, rule: string): fc.Arbitrary<CborValue> {
  return ofType(grammar, { type: 'name', name: rule })
}

function ofType(grammar: Grammar, type: Type): fc.Arbitrary<CborValue> {
  switch (type.type) {
    case 'range':
      return fc.oneof(fc.integer({ min: type.min, max: type.max }), fc.constantFrom(type.min, type.max))
    case 'bool':
      return fc.boolean()
    case 'string': {
      const max = Math.max(type.min, Math.min(type.max, lengthMax))
      return type.of === 'bstr'
        ? fc.uint8Array({ minLength: type.min, maxLength: max })
        : fc.stringMatching(/^[a-z][a-z0-9-]*$/, { maxLength: max })
    }
    case 'name':
      return ofType(grammar, grammar.get(type.name) as Type)
    case 'choice':
      return fc.oneof(...type.of.map((each) => ofType(grammar, each)))
    case 'array':
      return fc.tuple(...type.entries.map((entry) => ofEntry(grammar, entry))).map((lists) => lists.flat(1))
  }
}

function ofEntry(grammar: Grammar, { min, max, of }: Entry): fc.Arbitrary<readonly CborValue[]> {
  return fc.array(ofType(grammar, of), { minLength: min, maxLength: Math.max(min, Math.min(max, repeatsMax)) })
}

/** What takes the place of a part: something of another kind, size or range. */
const strange: fc.Arbitrary<CborValue> = fc.oneof(
  fc.constantFrom<CborValue>(0, 1, 2, 3, 9, 13, 300, Number.MAX_SAFE_INTEGER, true, '', 'word', []),
  fc.constantFrom(0, 15, 16, 17, 31, 32, 33, 63, 64, 65).map((length) => new Uint8Array(length)),
  fc.constantFrom(33, 129, 2049).map((length) => 'x'.repeat(length)),
)

/** A path into a value (each step modulo the length there), and what happens to the part at its end. */
export const change: fc.Arbitrary<Change> = fc.record({
  path: fc.array(fc.nat(50), { maxLength: 6 }),
  kind: fc.constantFrom('replace' as const, 'remove' as const, 'insert' as const, 'double' as const),
  part: strange,
})

export interface Change {
  readonly path: readonly number[]
  readonly kind: 'replace' | 'remove' | 'insert' | 'double'
  readonly part: CborValue
}

export function changed(value: CborValue, { path, kind, part }: Change): CborValue {
  const [step, ...rest] = path
  if (!isList(value) || step === undefined || value.length === 0) return part
  const at = step % value.length
  const old = value[at] as CborValue
  if (rest.length > 0 && isList(old) && old.length > 0) {
    return value.with(at, changed(old, { path: rest, kind, part }))
  }
  const middle = { replace: [part], remove: [], insert: [part, old], double: [old, old] }[kind]
  return [...value.slice(0, at), ...middle, ...value.slice(at + 1)]
}

function isList(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value)
}
