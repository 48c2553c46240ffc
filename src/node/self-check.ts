// What can be said of a node from its home alone, whether it runs or not: is there one, is its configuration right, do its
// keys open, does its disk take what is written, and, while it does not run, could it start? Nothing is changed.

import { existsSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import { lockDirectory } from '../base/files.ts'
import { loadIdentity } from '../store/identity.ts'
import { unlock } from '../store/unlock.ts'
import { readGenesis } from './ceremony.ts'
import { type Config, readConfig } from './config.ts'
import { freeBytesOf } from './disk-watch.ts'
import type { Home } from './home.ts'
import { readMembership } from './membership.ts'

export interface SelfCheck {
  /** In the order in which they were looked at. */
  readonly problems: readonly LedgerError[]
  /** Undefined when it cannot be read. */
  readonly config: Config | undefined
  /** Whether a process has the home open. */
  readonly running: boolean
  readonly disk: { readonly freeBytes: number; readonly syncMs: number } | undefined
  /** Why the keys were not tried; empty when they were. */
  readonly keysUntried: string
}

export async function checkHome(home: Home): Promise<SelfCheck> {
  const problems: LedgerError[] = []
  const noted = async <T>(look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look()
    } catch (error) {
      problems.push(error instanceof LedgerError ? error : new LedgerError('STORAGE_FAILED', {}, error))
      return undefined
    }
  }
  const member = await noted(() => readMembership(home))
  if (member === undefined) return { problems, config: undefined, running: false, disk: undefined, keysUntried: '' }
  const config = await noted(() => readConfig(home))
  const genesis = await noted(() => keptGenesis(home))
  if (genesis !== undefined && !genesis.genesis.nodes.some(({ id }) => id === member.id)) {
    problems.push(new LedgerError('NODE_UNKNOWN', { node: member.name }))
  }
  const running = (await noted(() => isRunning(home))) ?? false
  const disk = await noted(() => tryDisk(home))
  if (config !== undefined && disk !== undefined) {
    const freeGiB = disk.freeBytes / 1_073_741_824
    if (freeGiB < config.limits.diskFreeMinGiB) {
      problems.push(new LedgerError('DISK_LOW', { freeMiB: Math.floor(freeGiB * 1024) }))
    }
  }
  const reads = config === undefined || config.unlock.provider === 'key-file'
  if (config?.unlock.provider === 'key-file') {
    const provider = config.unlock
    await noted(async () => loadIdentity(home.identity, await unlock(provider, home.keys)))
  }
  if (config !== undefined && !running) await noted(() => tryAddresses(config))
  return { problems, config, running, disk, keysUntried: reads ? '' : 'only a starting node is given what opens them' }
}

async function keptGenesis(home: Home): ReturnType<typeof readGenesis> {
  if (!existsSync(home.genesis)) throw new LedgerError('NO_GENESIS', { home: home.root })
  return readGenesis(home.genesis)
}

async function isRunning(home: Home): Promise<boolean> {
  try {
    const lock = await lockDirectory(home.data)
    await lock.release()
    return false
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'STORE_LOCKED') return true
    throw error
  }
}

/** Writes a few bytes durably beside the node's data, and takes them away. */
async function tryDisk(home: Home): Promise<{ freeBytes: number; syncMs: number }> {
  const path = join(home.data, `probe-${process.pid}`)
  const began = performance.now()
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(new Uint8Array(4_096))
      await file.sync()
    } finally {
      await file.close()
    }
  } finally {
    await rm(path, { force: true })
  }
  return { freeBytes: await freeBytesOf(home.root), syncMs: performance.now() - began }
}

/** @throws LedgerError ADDRESS_IN_USE */
async function tryAddresses({ listen, http }: Config): Promise<void> {
  const tcp = listen.flatMap((address) => {
    const [, kind, host, , port] = address.split('/')
    return kind === 'ip4' || kind === 'ip6' ? [{ host: host as string, port: Number(port) }] : []
  })
  for (const address of [...tcp, ...(http === undefined ? [] : [http])]) await tryAddress(address)
}

function tryAddress({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = new LedgerError('ADDRESS_IN_USE', { address: `${host}:${port}` }, error)
      reject(error.code === 'EADDRINUSE' ? inUse : error)
    })
    server.listen({ host, port }, () => server.close(() => resolve()))
  })
}
