// Runs the command line as a person does: a process of its own, in a folder of its own, with nothing in its environment.
// The built files are used when they are those of the sources (`npm test` builds first), else the sources themselves.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

function newest(folder: string): number {
  if (!existsSync(folder)) return 0
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(0, ...files.map((file) => statSync(join(folder, file)).mtimeMs))
}

const command =
  existsSync(join(root, 'dist/cli/main.js')) && newest(join(root, 'dist')) > newest(join(root, 'src'))
    ? [join(root, 'bin/quadrille.js')]
    : ['--conditions=source', '--import', import.meta.resolve('tsx'), join(root, 'test/cli/run.ts')]

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Workplace {
  readonly folder: string
  path(name: string): string
  /** Runs a command to its end. */
  run(...args: readonly string[]): Promise<Ended>
  /** Runs a command that finds `input` on file descriptor 0: a file, as a secret is given to a node. */
  runWith(input: string, ...args: readonly string[]): Promise<Ended>
  /** Begins a command that goes on. */
  begin(...args: readonly string[]): ChildProcess
  remove(): Promise<void>
}

export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'quadrille-cli-'))
  const beginWith = (input: 'pipe' | number, args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [...command, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder },
      stdio: [input, 'pipe', 'pipe'],
    })
  const begin = (...args: readonly string[]): ChildProcess => beginWith('pipe', args)
  return {
    folder,
    path: (name) => join(folder, name),
    begin,
    run: (...args) => ended(begin(...args)),
    runWith: async (input, ...args) => {
      const path = join(folder, `given-${randomUUID()}`)
      await writeFile(path, input, { mode: 0o600 })
      const file = await open(path, 'r')
      try {
        return await ended(beginWith(file.fd, args))
      } finally {
        await file.close()
        await rm(path)
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** What a process said, once it has ended. */
export function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin?.end()
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => done({ code, out, err }))
  })
}
