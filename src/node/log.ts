// A running node's log, to standard error: JSON or text, one line for each event that an operator may care about. What may
// stand in it is decided by its types: numbers, words that stand in the source, identifiers, and what the functions below
// let through. A text that came at run time, bytes, an error or an object does not compile, so no secret, key or personal
// value gets in by way of somebody who meant well.

import { isIP } from 'node:net'
import { type Logger as Pino, pino } from 'pino'
import { kindOf, placesOf } from '../base/error-facts.ts'
import { LedgerError } from '../base/errors.ts'
import type { Config } from './config.ts'

declare const loggable: unique symbol
/** A text that was looked at: see the functions that make one. */
export type Loggable = string & { readonly [loggable]: true }

/** Branded identifiers and words of the source; neither `string` nor a template with a `string` in it. */
type Word<T extends string> = T extends object ? T : Record<never, never> extends Record<T, 1> ? never : T

export type Fact<T> = T extends number | boolean | null
  ? T
  : T extends string
    ? Word<T>
    : T extends readonly (infer Each)[]
      ? readonly Fact<Each>[]
      : never

type Facts<F> = F & { readonly [Name in keyof F]: Fact<F[Name]> }

export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Where lines go: pino's face. */
export type Logger = Readonly<Record<Level, (facts: object, message: string) => void>>

export class NodeLog {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  write<const M extends string, const F extends Readonly<Record<string, unknown>>>(
    level: Level,
    message: Word<M> & M,
    facts: Facts<F>,
  ): void {
    this.#logger[level](facts as object, message as string)
  }

  /** What went wrong, without what it was about: see `failureFacts`. */
  failure<const M extends string>(level: Level, message: Word<M> & M, error: unknown): void {
    this.#logger[level](failureFacts(error), message as string)
  }
}

/** The log of a process, to a stream. */
export class StreamLog extends NodeLog {
  readonly #pino: Pino
  readonly #settings: { format: Config['log']['format'] }

  constructor(config: Config['log'], node: Loggable, out: { write(line: string): unknown }) {
    const settings = { format: config.format }
    const logger = pino(
      {
        level: config.level,
        base: { node },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label: string) => ({ level: label }) },
      },
      { write: (line: string) => out.write(settings.format === 'json' ? line : textLine(line)) },
    )
    super(logger)
    this.#settings = settings
    this.#pino = logger
  }

  /** From now on. */
  configure({ level, format }: Config['log']): void {
    this.#pino.level = level
    this.#settings.format = format
  }
}

/** `12:00:00.000 info height 12 ...` for people who watch. */
function textLine(line: string): string {
  const { time, level, msg, node: _node, ...facts } = JSON.parse(line) as Record<string, unknown>
  const told = Object.entries(facts).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${[String(time).slice(11, 23), String(level).padEnd(5), msg, ...told].join(' ')}\n`
}

/** The name of a node, which the ledger publishes. */
export function nodeName({ name }: { readonly id: unknown; readonly name: string }): Loggable {
  return name as Loggable
}

/** A multiaddress or an HTTP address of this machine or a member's. */
export function addressText(text: string): Loggable {
  const isMultiaddr = /^(\/(ip4|ip6|dns|dns4|dns6|tcp|p2p)\/[\w.:-]{1,255}){1,8}$/.test(text)
  return (isMultiaddr || isHttpAddress(text) ? text : 'an address of another form') as Loggable
}

function isHttpAddress(text: string): boolean {
  const host = /^http:\/\/(\[?[\w.:]+\]?):\d{1,5}$/.exec(text)?.[1] ?? ''
  return isIP(host.replace(/^\[|\]$/g, '')) > 0 || host === 'localhost'
}

/** A PeerId of libp2p. */
export function peerIdText(text: string): Loggable {
  return (/^[1-9A-HJ-NP-Za-km-z]{40,64}$/.test(text) ? text : 'a peer without a name') as Loggable
}

/** Codes that speak of this node's own files; their details are paths and names of ours. */
const aboutOwnFiles: ReadonlySet<string> = new Set([
  'ADDRESS_IN_USE',
  'CONFIG_INVALID',
  'FORMAT_UNSUPPORTED',
  'JOURNAL_MISSING',
  'KEY_CHECK_FAILED',
  'KEY_MISSING',
  'RECORD_TAMPERED',
  'STORAGE_FAILED',
  'STORAGE_INCOMPLETE',
  'STORE_LOCKED',
])

/** The code and the facts of an operating error; of anything else its kind and where it came from, never what it says. */
function failureFacts(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof LedgerError) {
    const { code, details, cause } = error
    const told = Object.entries(details).filter(
      ([, value]) => typeof value !== 'string' || aboutOwnFiles.has(code) || /^[A-Z][A-Z0-9_]{1,40}$/.test(value),
    )
    return { code, ...Object.fromEntries(told), ...(cause === undefined ? {} : { cause: kindOf(cause) }) }
  }
  return { code: 'UNEXPECTED', kind: kindOf(error), at: placesOf(error) }
}
