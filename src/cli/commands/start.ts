// quadrille start: a node as a process, until a signal ends it or it cannot go on.

import { existsSync } from 'node:fs'
import { utf8 } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { writeFileAtomic } from '../../base/files.ts'
import type { NodeId } from '../../base/ids.ts'
import { type HttpOptions, type HttpServer, startHttp } from '../../http/server.ts'
import { ledgerIdFor, type SignedGenesis, signedGenesisSchema } from '../../ledger/genesis.ts'
import { readGenesis } from '../../node/ceremony.ts'
import { type Config, readConfig } from '../../node/config.ts'
import type { Home } from '../../node/home.ts'
import { createNode } from '../../node/index.ts'
import { readMembership } from '../../node/membership.ts'
import { type Context, type Handler, optional } from '../context.ts'
import { logEvent, openLogger } from '../log.ts'

export const start: Handler = async (_args, options, context) => {
  const { home } = context
  const { id: self, name } = await readMembership(home)
  const config = await readConfig(home)
  const genesis = await keptGenesis(home, optional(options, 'genesis'))
  const logger = openLogger(config.log, name)
  const names = new Map<NodeId, string>(genesis.genesis.nodes.map((node) => [node.id, node.name]))
  const nameOf = (id: NodeId): string => names.get(id) ?? id

  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  // Whoever waits below hears of it; before that, nobody does.
  failed.catch(() => undefined)
  const node = createNode({
    home,
    genesis,
    self,
    listen: config.listen,
    unlock: config.unlock,
    backupsKeptDays: config.backups.keptDays,
    onEvent: (event) => logEvent(logger, event, nameOf),
    onFailure: fail,
  })
  const ended = endOfProcess()
  let http: HttpServer | undefined
  try {
    await listening(node.start())
    http =
      config.http &&
      (await startHttp({
        ...httpOptions(config, config.http),
        node,
        onError: (err) => logger.error({ err }, 'unexpected'),
      }))
    const facts = { ledger: node.ledger, listen: node.addresses(), http: http?.url ?? null }
    logger.info({ ...facts, height: node.height }, 'started')
    tell(context, name, genesis, facts)
    const signal = await Promise.race([ended, failed])
    logger.info({ signal }, 'stopping')
    return 0
  } finally {
    await http?.close()
    await node.stop()
    logger.info('stopped')
  }
}

function httpOptions(
  { limits }: Config,
  bind: NonNullable<Config['http']>,
): Pick<HttpOptions, 'bind' | 'queryTimeoutMs' | 'resultRowsMax'> {
  return { bind, queryTimeoutMs: 1000 * limits.queryTimeoutS, resultRowsMax: limits.resultRowsMax }
}

function tell(
  context: Context,
  name: string,
  { genesis }: SignedGenesis,
  facts: { readonly ledger: string; readonly listen: readonly string[]; readonly http: string | null },
): void {
  context.answer({ event: 'started', node: name, ...facts }, [
    `${name} runs "${genesis.name}" (${facts.ledger}).`,
    ...facts.listen.map((address) => `Other nodes reach it at ${address}`),
    facts.http === null ? 'It serves no HTTP.' : `Programs and commands reach it at ${facts.http}`,
    'Ctrl-C or SIGTERM stops it.',
  ])
}

/** The genesis of this home, kept at the first start; a node never changes its ledger. */
async function keptGenesis(home: Home, path: string | undefined): Promise<SignedGenesis> {
  const kept = existsSync(home.genesis) ? await readGenesis(home.genesis) : undefined
  if (path === undefined) {
    if (kept === undefined) throw new LedgerError('NO_GENESIS', { home: home.root })
    return kept
  }
  const given = await readGenesis(path)
  if (kept === undefined) {
    const text = `${JSON.stringify(signedGenesisSchema.toJson(given), undefined, 2)}\n`
    await writeFileAtomic(home.genesis, utf8(text), 0o644)
    return given
  }
  const [expected, found] = [ledgerIdFor(kept.genesis), ledgerIdFor(given.genesis)]
  if (expected !== found) throw new LedgerError('WRONG_LEDGER', { home: expected, file: found })
  return kept
}

/** The first signal asks the node to stop; a second one ends the process as signals do. */
function endOfProcess(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
  })
}

/** Says what the operating system means by EADDRINUSE. */
async function listening(starting: Promise<void>): Promise<void> {
  try {
    await starting
  } catch (error) {
    const said = error instanceof Error ? `${error.message} ${String((error as { code?: unknown }).code)}` : ''
    const address = /EADDRINUSE[^0-9a-f[]*(\S+:\d+)?/.exec(said)
    if (address === null) throw error
    throw new LedgerError('ADDRESS_IN_USE', address[1] === undefined ? {} : { address: address[1] }, error)
  }
}
