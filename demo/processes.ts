// Real processes for the demo, the end-to-end tests and the benchmarks: the built command line, run as a user runs it.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'

const program = resolve(import.meta.dirname, '../bin/quadrille.js')

export class CommandFailed extends Error {
  readonly exitCode: number
  readonly output: string
  constructor(command: string, exitCode: number, output: string, errors: string) {
    super(`quadrille ${command} ended with ${exitCode}: ${errors.trim() || output.trim()}`)
    this.exitCode = exitCode
    this.output = output
  }
}

/** What `quadrille ARGS` prints. @throws CommandFailed when it exits with anything but 0. */
export function quadrille(...args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    execFile(process.execPath, [program, ...args], { maxBuffer: 1 << 28 }, (error, output, errors) => {
      if (error === null) done(output)
      else
        fail(
          new CommandFailed(
            args.slice(0, 2).join(' '),
            typeof error.code === 'number' ? error.code : -1,
            output,
            errors,
          ),
        )
    })
  })
}

/** The JSON object that `quadrille ARGS --json` ends with. */
export async function quadrilleJson<T>(...args: readonly string[]): Promise<T> {
  const output = await quadrille(...args, '--json')
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as T
}

export interface RunningOptions {
  /** File for what it prints. */
  readonly log: string
  /** Besides this process's own. */
  readonly environment?: NodeJS.ProcessEnv
}

/** A long-running `quadrille ARGS`; what it prints goes to a file, so that it can outlive this process. */
export class Running {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  readonly #log: string

  constructor({ log, environment = {} }: RunningOptions, ...args: readonly string[]) {
    this.#log = log
    const file = openSync(log, 'a', 0o600)
    const env = { ...process.env, ...environment }
    this.#child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', file, file], env })
    closeSync(file)
    this.#ended = new Promise((done) => this.#child.once('exit', (code) => done(code)))
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** The last that it printed. */
  get output(): string {
    return readFileSync(this.#log, 'utf8').slice(-20_000)
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal and waits for the end; null when the signal itself ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.alive) this.#child.kill(signal)
    return this.#ended
  }

  /** Lets this process end while the child goes on. */
  release(): void {
    this.#child.unref()
  }
}

let lastPort = 10_000 + ((process.pid * 337) % 20_000)

/**
 * So many free ports of 127.0.0.1, all different. Below those that systems give to whoever dials, so that a node that restarts
 * finds its own free again; by process, so that two that ask at once are given different ones.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    lastPort = lastPort < 31_999 ? lastPort + 1 : 10_000
    if (await isFree(lastPort)) ports.push(lastPort)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}

/** Asks again every 50 ms until `ask` gives something. @throws Error naming what never came. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
  const end = Date.now() + withinMs
  let last: unknown
  while (Date.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = error
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`${what}: not within ${withinMs / 1000} s${last instanceof Error ? ` (${last.message})` : ''}`)
}
