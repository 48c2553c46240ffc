// How a command finds the node that it talks to and the ledger that it means: from its options, else from the home.

import { existsSync } from 'node:fs'
import { LedgerError } from '../base/errors.ts'
import { type Client, createClient } from '../http/client.ts'
import { ledgerIdFor, type SignedGenesis } from '../ledger/genesis.ts'
import { readGenesis } from '../node/ceremony.ts'
import { readConfig } from '../node/config.ts'
import { type Context, type Options, optional } from './context.ts'

/** HTTP address of the node: --endpoint, else what this home's node.yaml says. @throws LedgerError USAGE, NO_HOME */
export async function endpointOf(options: Options, { home }: Context): Promise<string> {
  const given = optional(options, 'endpoint')
  if (given !== undefined) {
    if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given
    throw new LedgerError('USAGE', { option: '--endpoint', expected: 'an address such as http://127.0.0.1:4780' })
  }
  if (!existsSync(home.config)) throw new LedgerError('NO_HOME', { home: home.root })
  const { http } = await readConfig(home)
  if (http === undefined) throw new LedgerError('USAGE', { missing: '--endpoint', reason: 'this node serves no HTTP' })
  return `http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${http.port}`
}

/** The genesis that the person trusts: --genesis, else the one in the home. @throws LedgerError NO_GENESIS */
export async function trustedGenesis(options: Options, { home }: Context): Promise<SignedGenesis> {
  const path = optional(options, 'genesis') ?? home.genesis
  if (path === home.genesis && !existsSync(path)) throw new LedgerError('NO_GENESIS', { home: home.root })
  return await readGenesis(path)
}

/** A client for the ledger of the trusted genesis. `key`: a private key's seed, for commands that submit. */
export async function openClient(options: Options, context: Context, key?: Uint8Array): Promise<Client> {
  const { genesis } = await trustedGenesis(options, context)
  const endpoint = await endpointOf(options, context)
  return createClient({ endpoint, ledger: ledgerIdFor(genesis), ...(key === undefined ? {} : { key }) })
}
