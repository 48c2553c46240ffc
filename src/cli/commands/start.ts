// quadrille start: a node as a process, until a signal ends it or it cannot go on. SIGHUP reads the log section of
// node.yaml again.

import type { SignedGenesis } from '../../ledger/genesis.ts'
import { HomeNode } from '../../library/home-node.ts'
import { keepBootstrap } from '../../node/bootstrap.ts'
import { readCard } from '../../node/ceremony.ts'
import { readConfig } from '../../node/config.ts'
import type { Home } from '../../node/home.ts'
import { nodeName, StreamLog } from '../../node/log.ts'
import { readMembership } from '../../node/membership.ts'
import { ownGenesis } from '../../node/own-genesis.ts'
import { putAside } from '../../node/recovery.ts'
import { type Context, type Handler, optional, several } from '../context.ts'
import { endOfProcess, outliveReaders } from '../streams.ts'

export const start: Handler = async (_args, options, context) => {
  outliveReaders(process.stdout, process.stderr)
  const { home } = context
  const member = await readMembership(home)
  const config = await readConfig(home)
  const given = optional(options, 'genesis')
  const { genesis } = await ownGenesis(home, given)
  if (options['recover'] === true) await recover(home, genesis, context)
  if (options['join'] !== undefined)
    await keepBootstrap(home, await Promise.all(several(options, 'join').map(readCard)))
  const log = new StreamLog(config.log, nodeName(member), process.stderr)
  const [failed, fail] = failure()
  const running = await HomeNode.of({ home, config, genesis: given, log, onFailure: fail })
  const ended = endOfProcess()
  const reload = (): void => void reloadLog(home, log, running)
  process.on('SIGHUP', reload)
  try {
    await running.start()
    tell(context, genesis, running)
    const signal = await Promise.race([ended, failed])
    log.write('info', 'stopping', { signal })
  } catch (error) {
    log.failure('fatal', 'this node cannot go on', error)
    // What failed first is told; that something would not close after it says nothing more.
    await running.stop().catch(() => undefined)
    throw error
  } finally {
    process.off('SIGHUP', reload)
  }
  await running.stop()
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

/** A file with a mistake in it changes nothing. */
async function reloadLog(home: Home, log: StreamLog, { node }: HomeNode): Promise<void> {
  try {
    const { log: chosen } = await readConfig(home)
    log.configure(chosen)
    log.write('info', 'log section of node.yaml read again', { from: chosen.level, as: chosen.format })
    node.local.note({ type: 'settings', section: 'log', ...chosen })
  } catch (error) {
    log.failure('error', 'node.yaml was not read again', error)
  }
}

function tell(context: Context, { genesis }: SignedGenesis, { node, url, member: { name } }: HomeNode): void {
  const listen = node.addresses()
  context.answer({ event: 'started', node: name, ledger: node.ledger, listen, http: url ?? null }, [
    `${name} runs "${genesis.name}" (${node.ledger}).`,
    ...listen.map((address) => `Other nodes reach it at ${address}`),
    url === undefined ? 'It serves no HTTP.' : `Programs and commands reach it at ${url}`,
    'Ctrl-C or SIGTERM stops it.',
  ])
}

async function recover(home: Home, { genesis }: SignedGenesis, context: Context): Promise<void> {
  const aside = await putAside(home, genesis.protocol, Date.now())
  if (aside === undefined) return
  context.note(`What was in ${home.data} lies in ${aside} now. This node fetches everything from the others.`)
}
