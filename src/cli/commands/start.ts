// quadrille start: a node as a process, until a signal ends it or it cannot go on. SIGHUP reads the log section of
// node.yaml again.

import { existsSync } from 'node:fs'
import { utf8 } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { writeFileAtomic } from '../../base/files.ts'
import type { NodeId } from '../../base/ids.ts'
import { type HttpOptions, type HttpServer, startHttp } from '../../http/server.ts'
import { ledgerIdFor, type SignedGenesis, signedGenesisSchema } from '../../ledger/genesis.ts'
import { keepBootstrap, readBootstrap } from '../../node/bootstrap.ts'
import { readCard, readGenesis } from '../../node/ceremony.ts'
import { type Config, readConfig } from '../../node/config.ts'
import type { Home } from '../../node/home.ts'
import { createNode, type QuadrilleNode } from '../../node/index.ts'
import { readMembership } from '../../node/membership.ts'
import { putAside } from '../../node/recovery.ts'
import { type Context, type Handler, optional, several } from '../context.ts'
import { addressText, type Loggable, NodeLog, nodeName } from '../log.ts'
import { EventLog, type NameOf } from '../node-log.ts'
import { outliveReaders } from '../streams.ts'

const bytesPerGiB = 1_073_741_824

export const start: Handler = async (_args, options, context) => {
  outliveReaders(process.stdout, process.stderr)
  const { home } = context
  const member = await readMembership(home)
  const config = await readConfig(home)
  const { genesis, isKept } = await chosenGenesis(home, optional(options, 'genesis'))
  if (options['recover'] === true) await recover(home, genesis, context)
  if (options['join'] !== undefined)
    await keepBootstrap(home, await Promise.all(several(options, 'join').map(readCard)))
  const bootstrap = await readBootstrap(home)
  const log = new NodeLog(config.log, nodeName(member), process.stderr)
  const events = new EventLog(log, namesIn(genesis))
  const [failed, fail] = failure()
  const node = createNode({
    home,
    genesis,
    self: member.id,
    listen: config.listen,
    ...(bootstrap === undefined ? {} : { joining: member, bootstrap }),
    unlock: config.unlock,
    detailsKeptDays: config.audit.detailsKeptDays,
    backupsKeptDays: config.backups.keptDays,
    diskFreeMinBytes: config.limits.diskFreeMinGiB * bytesPerGiB,
    onEvent: (event) => events.write(event),
    onFailure: fail,
  })
  // Not before the node knows itself in it: a wrong file must not bind this home for ever.
  if (!isKept) await keepGenesis(home, genesis)
  const ended = endOfProcess()
  let http: HttpServer | undefined
  const reload = (): void => void reloadLog(home, log, node)
  process.on('SIGHUP', reload)
  const stop = async (): Promise<void> => {
    process.off('SIGHUP', reload)
    await http?.close()
    await node.stop()
    log.write('info', 'stopped', {})
  }
  try {
    await node.start()
    http =
      config.http &&
      (await startHttp({
        ...httpOptions(config, config.http),
        node,
        onError: (error) => log.failure('error', 'an answer failed', error),
      }))
    const facts = { ledger: node.ledger, listen: node.addresses(), http: http?.url ?? null }
    log.write('info', 'started', {
      ledger: node.ledger,
      listen: facts.listen.map(addressText),
      http: facts.http === null ? null : addressText(facts.http),
      height: node.height,
    })
    tell(context, member.name, genesis, facts)
    const signal = await Promise.race([ended, failed])
    log.write('info', 'stopping', { signal })
  } catch (error) {
    log.failure('fatal', 'this node cannot go on', error)
    // What failed first is told; that something would not close after it says nothing more.
    await stop().catch(() => undefined)
    throw error
  }
  await stop()
  return 0
}

/** What a node that cannot go on says, as a promise that only rejects. */
function failure(): readonly [failed: Promise<never>, fail: (error: unknown) => void] {
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  // Whoever waits hears of it; before that, nobody does.
  failed.catch(() => undefined)
  return [failed, fail]
}

function namesIn({ genesis }: SignedGenesis): NameOf {
  const names = new Map<NodeId, Loggable>(genesis.nodes.map((node) => [node.id, nodeName(node)]))
  return (id) => names.get(id) ?? id
}

/** A file with a mistake in it changes nothing. */
async function reloadLog(home: Home, log: NodeLog, node: QuadrilleNode): Promise<void> {
  try {
    const { log: chosen } = await readConfig(home)
    log.configure(chosen)
    log.write('info', 'log section of node.yaml read again', { from: chosen.level, as: chosen.format })
    node.local.note({ type: 'settings', section: 'log', ...chosen })
  } catch (error) {
    log.failure('error', 'node.yaml was not read again', error)
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

/** The genesis of this home, or at its first start the one that is given; a node never changes its ledger. */
async function chosenGenesis(
  home: Home,
  path: string | undefined,
): Promise<{ readonly genesis: SignedGenesis; readonly isKept: boolean }> {
  const kept = existsSync(home.genesis) ? await readGenesis(home.genesis) : undefined
  if (path === undefined) {
    if (kept === undefined) throw new LedgerError('NO_GENESIS', { home: home.root })
    return { genesis: kept, isKept: true }
  }
  const given = await readGenesis(path)
  if (kept === undefined) return { genesis: given, isKept: false }
  const [expected, found] = [ledgerIdFor(kept.genesis), ledgerIdFor(given.genesis)]
  if (expected !== found) throw new LedgerError('WRONG_LEDGER', { home: expected, file: found })
  return { genesis: kept, isKept: true }
}

async function keepGenesis(home: Home, genesis: SignedGenesis): Promise<void> {
  const text = `${JSON.stringify(signedGenesisSchema.toJson(genesis), undefined, 2)}\n`
  await writeFileAtomic(home.genesis, utf8(text), 0o644)
}

async function recover(home: Home, { genesis }: SignedGenesis, context: Context): Promise<void> {
  const aside = await putAside(home, genesis.protocol, Date.now())
  if (aside === undefined) return
  context.note(`What was in ${home.data} lies in ${aside} now. This node fetches everything from the others.`)
}

/** The first signal asks the node to stop; a second one ends the process as signals do. */
function endOfProcess(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
  })
}
