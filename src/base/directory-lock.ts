// One process per folder. A lock is a listening Unix socket in the folder: the kernel closes it with the process, also
// on kill -9, so a socket that refuses a connection belongs to nobody. Unlike a file with a process number this holds
// between containers that share the folder, and needs no guess whether a number was given away again.
//
// Taking it: announce yourself (listen under a random name), then look at every other announcement. Of two contenders
// the later to announce sees the other, so both never hold it; when they start at the same instant both may be refused.

import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { randomBytes } from '#crypto'
import { toHex } from './bytes.ts'
import { LedgerError } from './errors.ts'

const lockPattern = /^lock-[0-9a-f]{16}$/
/** The shortest limit on a socket's path among the systems that we run on (macOS: 104 with the final zero). */
const socketPathBytesMax = 100

export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Keeps other processes, and other callers in this one, out of `directory` until `release` or the end of the process.
 * @throws LedgerError STORE_LOCKED when another one holds it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const { path, forget } = await shortName(resolve(directory))
  try {
    const name = `lock-${toHex(randomBytes(8))}`
    const server = await listen(join(path, name))
    const release = async (): Promise<void> => {
      await new Promise((closed) => server.close(closed))
      await rm(join(directory, name), { force: true })
    }
    for (const other of await readdir(directory)) {
      if (!lockPattern.test(other) || other === name) continue
      if (await isHeld(join(path, other))) {
        await release()
        throw new LedgerError('STORE_LOCKED', { directory })
      }
      await rm(join(directory, other), { force: true })
    }
    return { release }
  } finally {
    await forget()
  }
}

/** A path to the folder that leaves room for a socket's name: itself, or a short symbolic link that `forget` removes. */
async function shortName(directory: string): Promise<{ path: string; forget(): Promise<void> }> {
  if (Buffer.byteLength(join(directory, 'lock-0123456789abcdef')) <= socketPathBytesMax) {
    return { path: directory, forget: async () => {} }
  }
  const parent = await mkdtemp(join(tmpdir(), 'q-'))
  const path = join(parent, 'd')
  await symlink(directory, path)
  return { path, forget: () => rm(parent, { recursive: true }) }
}

function listen(path: string): Promise<Server> {
  return new Promise((listening, failed) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', failed)
    server.listen({ path }, () => {
      server.unref()
      listening(server)
    })
  })
}

/** Whether a process listens there. One that is stopped, or too busy to answer, still holds its lock. */
function isHeld(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = createConnection({ path })
    socket.once('connect', () => {
      socket.destroy()
      answer(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      answer(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}
