// How a command speaks: answers to standard output, everything else to standard error, both for people or as JSON.

import { LedgerError } from '../base/errors.ts'
import type { JsonValue } from '../base/schema.ts'
import type { Home } from '../node/home.ts'

export interface Context {
  readonly home: Home
  readonly json: boolean
  /** The answer: `value` with --json, else `lines`. */
  answer(value: JsonValue, lines: readonly string[]): void
  /** A JSON file that goes on to others: the same with and without --json. */
  document(value: JsonValue): void
  /** Bytes of an answer whose form the person asked for. Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>
  /** A remark for people beside the answer. */
  note(text: string): void
  /** How far long work is, in place; only where a person watches. */
  progress(text: string): void
}

export interface Streams {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export function createContext(home: Home, json: boolean, { out, err }: Streams): Context {
  let progressShown = false
  const clear = (): void => {
    if (progressShown) err.write('\r\x1b[2K')
    progressShown = false
  }
  return {
    home,
    json,
    answer(value, lines) {
      clear()
      out.write(json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''))
    },
    document(value) {
      clear()
      out.write(`${JSON.stringify(value, undefined, 2)}\n`)
    },
    async write(bytes) {
      clear()
      if (!out.write(bytes)) await new Promise<void>((resolve) => out.once('drain', resolve))
    },
    note(text) {
      clear()
      if (!json) err.write(`${text}\n`)
    },
    progress(text) {
      if (json || err.isTTY !== true) return
      clear()
      err.write(text)
      progressShown = true
    },
  }
}

/** What the command line gave, as commander names it: --some-thing is someThing. */
export type Options = Readonly<Record<string, unknown>>

export type Handler = (args: readonly string[], options: Options, context: Context) => Promise<number>

/** The value of an option that must be there. @throws LedgerError USAGE */
export function required(options: Options, name: string): string {
  const value = optional(options, name)
  if (value === undefined) throw new LedgerError('USAGE', { missing: flag(name) })
  return value
}

export function optional(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** All values of an option that may be given more than once. */
export function several(options: Options, name: string): readonly string[] {
  const value = options[name]
  return Array.isArray(value) ? value.map(String) : []
}

/** @throws LedgerError USAGE unless it is a whole number from `min` to `max`. */
export function whole(options: Options, name: string, min: number, max: number): number | undefined {
  const value = optional(options, name)
  if (value === undefined) return undefined
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < min || number > max) {
    throw new LedgerError('USAGE', { option: flag(name), expected: `a whole number from ${min} to ${max}` })
  }
  return number
}

/** The value of an argument that commander has made sure of. */
export function argument(args: readonly string[], place: number): string {
  const value = args[place]
  if (value === undefined) throw new LedgerError('USAGE', { missing: `argument ${place + 1}` })
  return value
}

function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** An argument that names something. @throws LedgerError USAGE */
export function identifier<Id>(
  args: readonly string[],
  place: number,
  parse: (text: string) => Id,
  expected: string,
): Id {
  try {
    return parse(argument(args, place))
  } catch (error) {
    if (error instanceof LedgerError) throw error
    throw new LedgerError('USAGE', { argument: place + 1, expected }, error)
  }
}
