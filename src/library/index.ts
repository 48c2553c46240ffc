// The package's own entry: a node of a ledger within an application, from the home that `quadrille node init` made.

import { resolve } from 'node:path'
import type { LedgerId } from '../base/ids.ts'
import { readConfig } from '../node/config.ts'
import { homeAt } from '../node/home.ts'
import { type Logger, NodeLog } from '../node/log.ts'
import type { NodeStatus, QuadrilleNode, Submission } from '../node/node.ts'
import { HomeNode } from './home-node.ts'

export { LedgerError } from '../base/errors.ts'
export type { Logger } from '../node/log.ts'
export type { NodeStatus, Submission } from '../node/node.ts'

export interface NodeOptions {
  /** The node's home folder. */
  readonly home: string
  /** Path of genesis.json; needed for the first start only. */
  readonly genesis?: string
  /** Instead of what node.yaml says. */
  readonly unlock?: { readonly keyFile: string }
  /** false: no HTTP, whatever node.yaml says. */
  readonly http?: false
  /** pino, or what has its methods. Silent without one. */
  readonly logger?: Logger
  /** The node cannot go on, because its disk failed for instance, and has stopped. */
  readonly onFailure?: (error: unknown) => void
}

export interface Node {
  readonly ledger: LedgerId
  /** Of the last executed block. */
  readonly height: number
  /** Where it serves HTTP; undefined where it does not. */
  readonly url: string | undefined
  /** Resolves when it listens and takes part. @throws LedgerError what opening its folders, its keys or its address meets. */
  start(): Promise<void>
  /** Ends what is under way and closes every file and connection. */
  stop(): Promise<void>
  status(): Promise<NodeStatus>
  /** A height at which everything is here that was acknowledged before this call. @throws LedgerError READ_UNCONFIRMED when `signal` ends the wait. */
  confirmed(signal: AbortSignal): Promise<number>
  /** Quads as of a height, now by default: an RDF/JS Source. @throws LedgerError CATCHING_UP */
  source(height?: number): ReturnType<QuadrilleNode['source']>
  /** Signed bytes and their payload. Resolves when final. */
  submit(transaction: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<Submission>
}

const ignore = (): void => undefined
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore }

/** Nothing is opened before `start`. @throws LedgerError NO_HOME, NO_GENESIS, WRONG_LEDGER, CONFIG_INVALID, GENESIS_INVALID, NODE_UNKNOWN */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { genesis, unlock, http, logger = silent, onFailure = ignore } = options
  const home = homeAt(options.home)
  const configured = await readConfig(home)
  const keyFile = unlock && ({ provider: 'key-file', path: resolve(unlock.keyFile) } as const)
  const config = {
    ...configured,
    unlock: keyFile ?? configured.unlock,
    http: http === false ? undefined : configured.http,
  }
  return new ApplicationNode(await HomeNode.of({ home, config, genesis, log: new NodeLog(logger), onFailure }))
}

class ApplicationNode implements Node {
  readonly #own: HomeNode

  constructor(own: HomeNode) {
    this.#own = own
  }

  get ledger(): LedgerId {
    return this.#own.node.ledger
  }

  get height(): number {
    return this.#own.node.height
  }

  get url(): string | undefined {
    return this.#own.url
  }

  async start(): Promise<void> {
    try {
      await this.#own.start()
    } catch (error) {
      // What failed first is told; that something would not close after it says nothing more.
      await this.stop().catch(ignore)
      throw error
    }
  }

  stop(): Promise<void> {
    return this.#own.stop()
  }

  status(): Promise<NodeStatus> {
    return this.#own.node.status()
  }

  confirmed(signal: AbortSignal): Promise<number> {
    return this.#own.node.confirmed(signal)
  }

  source(height?: number): ReturnType<QuadrilleNode['source']> {
    return this.#own.node.source(height)
  }

  submit(transaction: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<Submission> {
    return this.#own.node.submit(transaction, payload, signal)
  }
}
