// A small reader of CDDL (RFC 8610) and a checker of decoded CBOR against it: the part of the language that
// docs/wire.cddl uses, written from the RFC and not from the code that prints the file.
//
//   rule  = name "=" type            type  = type1 *("/" type1)
//   type1 = uint [".." uint] / "bool" / ("bstr" / "tstr") [".size" size] / name / array / "&(" *(name ":" uint) ")"
//   array = "[" *entry "]"           entry = [uint "*" uint] [name ":"] type ["," ]

import type { CborValue } from '../../src/base/cbor.ts'

export type Type =
  | { readonly type: 'range'; readonly min: number; readonly max: number }
  | { readonly type: 'bool' }
  | { readonly type: 'string'; readonly of: 'bstr' | 'tstr'; readonly min: number; readonly max: number }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'array'; readonly entries: readonly Entry[] }
  | { readonly type: 'choice'; readonly of: readonly Type[] }

export interface Entry {
  readonly min: number
  readonly max: number
  readonly of: Type
}

export type Grammar = ReadonlyMap<string, Type>

class Reader {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    const bare = text.replace(/;[^\n]*/g, '')
    this.#tokens = bare.match(/\.\.|\.size|&\(|[A-Za-z][A-Za-z0-9_-]*|\d+|[=/[\](),:*]|\S/g) ?? []
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length
  }

  peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead] ?? 'end'
  }

  take(): string {
    this.#at += 1
    return this.peek(-1)
  }

  skip(token: string): boolean {
    if (this.peek() !== token) return false
    this.#at += 1
    return true
  }

  expect(token: string): void {
    if (!this.skip(token)) throw new SyntaxError(`expected ${token}, found ${this.peek()}`)
  }

  name(): string {
    const token = this.take()
    if (!/^[A-Za-z]/.test(token)) throw new SyntaxError(`expected a name, found ${token}`)
    return token
  }

  number(): number {
    const token = this.take()
    if (!/^\d+$/.test(token)) throw new SyntaxError(`expected a number, found ${token}`)
    return Number(token)
  }
}

/** @throws SyntaxError for anything outside the part of CDDL above, a name defined twice or not at all. */
export function readCddl(text: string): Grammar {
  const reader = new Reader(text)
  const rules = new Map<string, Type>()
  while (!reader.done) {
    const name = reader.name()
    reader.expect('=')
    if (rules.has(name)) throw new SyntaxError(`${name} is defined twice`)
    rules.set(name, readType(reader))
  }
  for (const type of rules.values()) requireNames(type, rules)
  return rules
}

function readType(reader: Reader): Type {
  const of = [readType1(reader)]
  while (reader.skip('/')) of.push(readType1(reader))
  const [only] = of
  return of.length === 1 && only !== undefined ? only : { type: 'choice', of }
}

function readType1(reader: Reader): Type {
  if (/^\d/.test(reader.peek())) return readRange(reader)
  if (reader.skip('[')) return readArray(reader)
  if (reader.skip('&(')) return readEnumeration(reader)
  const name = reader.name()
  if (name === 'bool') return { type: 'bool' }
  if (name !== 'bstr' && name !== 'tstr') return { type: 'name', name }
  if (!reader.skip('.size')) return { type: 'string', of: name, min: 0, max: Number.POSITIVE_INFINITY }
  const wrapped = reader.skip('(')
  const { min, max } = readRange(reader)
  if (wrapped) reader.expect(')')
  return { type: 'string', of: name, min, max }
}

function readRange(reader: Reader): { readonly type: 'range'; readonly min: number; readonly max: number } {
  const min = reader.number()
  return { type: 'range', min, max: reader.skip('..') ? reader.number() : min }
}

function readArray(reader: Reader): Type {
  const entries: Entry[] = []
  while (!reader.skip(']')) {
    const repeated = reader.peek(1) === '*'
    const min = repeated ? reader.number() : 1
    if (repeated) reader.expect('*')
    const max = repeated ? reader.number() : 1
    if (reader.peek(1) === ':') {
      reader.name()
      reader.expect(':')
    }
    entries.push({ min, max, of: readType(reader) })
    if (reader.peek() !== ']') reader.expect(',')
  }
  return { type: 'array', entries }
}

function readEnumeration(reader: Reader): Type {
  const of: Type[] = []
  while (!reader.skip(')')) {
    reader.name()
    reader.expect(':')
    const value = reader.number()
    of.push({ type: 'range', min: value, max: value })
    if (reader.peek() !== ')') reader.expect(',')
  }
  return { type: 'choice', of }
}

function requireNames(type: Type, rules: Grammar): void {
  if (type.type === 'name' && !rules.has(type.name)) throw new SyntaxError(`${type.name} is not defined`)
  if (type.type === 'choice') for (const each of type.of) requireNames(each, rules)
  if (type.type === 'array') for (const { of } of type.entries) requireNames(of, rules)
}

/** Whether `value` is of the type that `rule` names. */
export function conforms(grammar: Grammar, rule: string, value: CborValue): boolean {
  return matches(grammar, { type: 'name', name: rule }, value)
}

function matches(grammar: Grammar, type: Type, value: CborValue): boolean {
  switch (type.type) {
    case 'range':
      return typeof value === 'number' && Number.isInteger(value) && value >= type.min && value <= type.max
    case 'bool':
      return typeof value === 'boolean'
    case 'string': {
      const bytes = type.of === 'bstr' ? value : typeof value === 'string' ? new TextEncoder().encode(value) : undefined
      return bytes instanceof Uint8Array && bytes.length >= type.min && bytes.length <= type.max
    }
    case 'name': {
      const rule = grammar.get(type.name)
      if (rule === undefined) throw new RangeError(`no rule ${type.name}`)
      return matches(grammar, rule, value)
    }
    case 'choice':
      return type.of.some((each) => matches(grammar, each, value))
    case 'array':
      return Array.isArray(value) && sequenceMatches(grammar, type.entries, value)
  }
}

/** Entries take as much as they can, in order: enough here, where a repeated entry is always the last. */
function sequenceMatches(grammar: Grammar, entries: readonly Entry[], values: readonly CborValue[]): boolean {
  let at = 0
  for (const { min, max, of } of entries) {
    let taken = 0
    while (taken < max && at < values.length && matches(grammar, of, values[at] as CborValue)) {
      taken += 1
      at += 1
    }
    if (taken < min) return false
  }
  return at === values.length
}
