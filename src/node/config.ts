// node.yaml: what the operator of one node decides, and nothing that all nodes must agree on (that is in the genesis and
// in the ledger's state). Unknown keys are errors; all errors are told at once, each with its path.

import { dirname, isAbsolute, resolve } from 'node:path'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { LedgerError } from '../base/errors.ts'
import type { UnlockProvider } from '../store/unlock.ts'
import { type Home, readText } from './home.ts'

const multiaddr = z
  .string()
  .regex(
    /^(\/(ip4|ip6|dns|dns4|dns6)\/[^/\s]+\/tcp\/\d{1,5})$/,
    'expected a multiaddress such as /ip4/0.0.0.0/tcp/4701',
  )
  .refine((address) => Number(address.slice(address.lastIndexOf('/') + 1)) <= 65_535, 'a port is at most 65535')

/** Whether nodes can listen on it or be reached at it: TCP over IP or a DNS name. */
export function isMultiaddr(address: string): boolean {
  return multiaddr.safeParse(address).success
}

const bind = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'expected ADDRESS:PORT such as 127.0.0.1:4780')
  .refine((address) => Number(address.slice(address.lastIndexOf(':') + 1)) <= 65_535, 'a port is at most 65535')

const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error'])

const configSchema = z.strictObject({
  /** The home that this file is written for; a copy in another home is refused, so that two nodes never share one. */
  home: z.string().refine(isAbsolute, 'expected an absolute path').optional(),
  /** Where this node listens for the others. */
  listen: z.array(multiaddr).min(1, 'a node listens somewhere').max(8),
  /** Where the others reach it, when that is not where it listens. */
  announce: z.array(multiaddr).max(8).optional(),
  /** Without it there is no HTTP. */
  http: z.strictObject({ bind }).optional(),
  unlock: z.discriminatedUnion('provider', [
    z.strictObject({ provider: z.literal('key-file'), path: z.string().min(1) }),
    z.strictObject({ provider: z.literal('fd'), fd: z.int().min(0) }),
    z.strictObject({ provider: z.literal('passphrase'), fd: z.int().min(0) }),
  ]),
  log: z
    .strictObject({
      level: logLevel.default('info'),
      format: z.enum(['json', 'text']).default('json'),
    })
    .prefault({}),
  /** The local log: how often it is anchored in the consortium log (0: never), and for how long details beside it are kept. */
  audit: z
    .strictObject({
      anchorMinutes: z.number().min(0).max(1_440).default(10),
      detailsKeptDays: z.int().min(1).max(3_660).default(365),
    })
    .prefault({}),
  /** What this node's attestations of erasures say of its backups. */
  backups: z.strictObject({ keptDays: z.int().min(0).max(36_500).default(0) }).prefault({}),
  limits: z
    .strictObject({
      memoryMiB: z.int().min(256).default(1024),
      diskFreeMinGiB: z.number().min(0).default(1),
      queryTimeoutS: z.number().positive().default(30),
      resultRowsMax: z.int().positive().default(1_000_000),
    })
    .prefault({}),
})

export interface Config {
  readonly listen: readonly string[]
  /** Never empty: what this node listens on, unless the file says otherwise. */
  readonly announce: readonly string[]
  readonly http: { readonly host: string; readonly port: number } | undefined
  readonly unlock: UnlockProvider
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'; readonly format: 'json' | 'text' }
  readonly audit: { readonly anchorMinutes: number; readonly detailsKeptDays: number }
  readonly backups: { readonly keptDays: number }
  readonly limits: {
    readonly memoryMiB: number
    readonly diskFreeMinGiB: number
    readonly queryTimeoutS: number
    readonly resultRowsMax: number
  }
}

/** QUADRILLE_LOG overrules the level of the log. @throws LedgerError NO_HOME, FILE_UNREADABLE, CONFIG_INVALID (every problem, each with its path). */
export async function readConfig(home: Home): Promise<Config> {
  return withEnvironment(parseConfig(await readText(home.config), home), process.env)
}

/** @throws LedgerError CONFIG_INVALID */
export function withEnvironment(config: Config, { QUADRILLE_LOG: wanted = '' }: NodeJS.ProcessEnv): Config {
  if (wanted === '') return config
  const level = logLevel.safeParse(wanted)
  if (!level.success) throw invalid('QUADRILLE_LOG', [`expected one of ${logLevel.options.join(', ')}`])
  return { ...config, log: { ...config.log, level: level.data } }
}

/** @throws LedgerError CONFIG_INVALID */
export function parseConfig(text: string, home: Home): Config {
  const given = parseYaml(text, home.config)
  const read = configSchema.safeParse(given)
  if (!read.success) throw invalid(home.config, read.error.issues.flatMap(problemsOf))
  const { home: writtenFor, listen, announce, http, unlock, log, audit, backups, limits } = read.data
  if (writtenFor !== undefined && resolve(writtenFor) !== home.root) {
    throw invalid(home.config, [
      `home: this file is written for ${writtenFor}; a copied home would be a second node with the same keys`,
    ])
  }
  return {
    listen,
    announce: announce ?? listen,
    http: http === undefined ? undefined : hostAndPort(http.bind),
    unlock: 'path' in unlock ? { ...unlock, path: resolve(dirname(home.config), unlock.path) } : unlock,
    log,
    audit,
    backups,
    limits,
  }
}

/** The text of a first node.yaml. */
export function writtenConfig(home: Home, choices: Pick<Config, 'listen' | 'announce' | 'http' | 'unlock'>): string {
  const { listen, announce, http, unlock } = choices
  return stringify({
    home: home.root,
    listen,
    ...(announce.length === 0 ? {} : { announce }),
    ...(http === undefined
      ? {}
      : { http: { bind: `${http.host.includes(':') ? `[${http.host}]` : http.host}:${http.port}` } }),
    unlock,
    log: { level: 'info', format: 'json' },
  })
}

/** YAML 1.2 without aliases and duplicate keys, as plain data. @throws LedgerError CONFIG_INVALID with line and column. */
export function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true })
  const problems = [...document.errors, ...document.warnings].map(({ message }) => message.split('\n')[0] ?? message)
  if (problems.length > 0) throw invalid(file, problems)
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch (cause) {
    throw invalid(file, [cause instanceof ReferenceError ? 'aliases are not used here' : String(cause)])
  }
}

export function invalid(file: string, problems: readonly string[]): LedgerError {
  return new LedgerError('CONFIG_INVALID', { file, problems: problems.join('; ') })
}

/** What zod found, one line for each wrong place. */
export function problemsOf(issue: z.core.$ZodIssue): readonly string[] {
  const at = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  const place = at === '' ? '' : at.slice(at.startsWith('.') ? 1 : 0)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${place === '' ? key : `${place}.${key}`}: there is no such key`)
  }
  return [`${place === '' ? 'top' : place}: ${issue.message}`]
}

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
