// A node as its home says: configuration, identity and genesis from files, its log, and HTTP before it. `quadrille start` runs it
// as a process, an application within its own.

import { endAll } from '../base/ending.ts'
import type { NodeId } from '../base/ids.ts'
import { type HttpServer, startHttp } from '../http/server.ts'
import type { SignedGenesis } from '../ledger/genesis.ts'
import { readBootstrap } from '../node/bootstrap.ts'
import type { Config } from '../node/config.ts'
import { EventLog, type NameOf } from '../node/event-log.ts'
import type { Home } from '../node/home.ts'
import { addressText, type Loggable, type NodeLog, nodeName } from '../node/log.ts'
import { type Membership, readMembership } from '../node/membership.ts'
import { memoryShares } from '../node/memory.ts'
import { createNode, type QuadrilleNode } from '../node/node.ts'
import { keepGenesis, ownGenesis } from '../node/own-genesis.ts'

const bytesPerGiB = 1_073_741_824

export interface HomeNodeOptions {
  readonly home: Home
  readonly config: Config
  /** Path of a genesis.json; without it the one that the home keeps. */
  readonly genesis: string | undefined
  readonly log: NodeLog
  /** The node cannot go on and has stopped. */
  readonly onFailure: (error: unknown) => void
}

export class HomeNode {
  readonly node: QuadrilleNode
  readonly member: Membership
  readonly #options: HomeNodeOptions
  #http: HttpServer | undefined

  private constructor(options: HomeNodeOptions, node: QuadrilleNode, member: Membership) {
    this.#options = options
    this.node = node
    this.member = member
  }

  /** Nothing is opened yet. @throws LedgerError NO_HOME, NO_GENESIS, WRONG_LEDGER, NODE_UNKNOWN, GENESIS_INVALID... */
  static async of(options: HomeNodeOptions): Promise<HomeNode> {
    const { home, config, log, onFailure } = options
    const member = await readMembership(home)
    const { genesis, isKept } = await ownGenesis(home, options.genesis)
    const bootstrap = await readBootstrap(home)
    const events = new EventLog(log, namesIn(genesis))
    const node = createNode({
      home,
      genesis,
      self: member.id,
      listen: config.listen,
      ...(bootstrap === undefined ? {} : { joining: member, bootstrap }),
      unlock: config.unlock,
      anchorMs: 60_000 * config.audit.anchorMinutes,
      detailsKeptDays: config.audit.detailsKeptDays,
      backupsKeptDays: config.backups.keptDays,
      diskFreeMinBytes: config.limits.diskFreeMinGiB * bytesPerGiB,
      memory: memoryShares(config.limits.memoryMiB),
      onEvent: (event) => events.write(event),
      onFailure,
    })
    // Not before the node knows itself in it: a wrong file must not bind this home for ever.
    if (!isKept) await keepGenesis(home, genesis)
    return new HomeNode(options, node, member)
  }

  /** http://127.0.0.1:4780; undefined while it serves no HTTP. */
  get url(): string | undefined {
    return this.#http?.url
  }

  /** Resolves when it listens; stop it also when this fails. @throws LedgerError as its parts do. */
  async start(): Promise<void> {
    const { config, log } = this.#options
    await this.node.start()
    this.#http =
      config.http &&
      (await startHttp({
        bind: config.http,
        node: this.node,
        queryTimeoutMs: 1000 * config.limits.queryTimeoutS,
        queries: memoryShares(config.limits.memoryMiB).queries,
        resultRowsMax: config.limits.resultRowsMax,
        onError: (error) => log.failure('error', 'an answer failed', error),
      }))
    log.write('info', 'started', {
      ledger: this.node.ledger,
      listen: this.node.addresses().map(addressText),
      http: this.url === undefined ? null : addressText(this.url),
      height: this.node.height,
    })
  }

  async stop(): Promise<void> {
    await endAll(
      () => this.#http?.close(),
      () => this.node.stop(),
    )
    this.#options.log.write('info', 'stopped', {})
  }
}

function namesIn({ genesis }: SignedGenesis): NameOf {
  const names = new Map<NodeId, Loggable>(genesis.nodes.map((node) => [node.id, nodeName(node)]))
  return (id) => names.get(id) ?? id
}
