// The command line: finds the command, runs it, and turns what happened into an exit code (base/error-table.ts says which).
// What each command does stands in commands/, loaded only when it is called.

import { CommanderError } from 'commander'
import { LedgerError } from '../base/errors.ts'
import type { Streams } from './context.ts'
import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'
import { commandSpecs } from './specs.ts'
import { endWithReader } from './streams.ts'

/** Runs one command of this process. `args` are those after the program's name. */
export async function main(args: readonly string[]): Promise<number> {
  endWithReader(process.stdout, process.stderr)
  return run(args, { out: process.stdout, err: process.stderr })
}

/** Runs one command; gives its exit code. */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  let exitCode = 0
  const program = createProgram(streams, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportFailure(asUsage(error), args.includes('--json'), streams.err)
  }
}

function asUsage(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error
  // Without a command commander shows the help and calls that an error.
  if (error.code === 'commander.help') return new LedgerError('USAGE', { missing: 'a command' })
  return new LedgerError('USAGE', { reason: withoutGiven(error.message) })
}

/** A command line may hold personal data: only what is a word of this program is quoted from it. */
function withoutGiven(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/^(unknown (?:command|option)) '(.*)'(?=\s*(?:\(Did you mean|$))/s, (_, what: string, given: string) =>
      isOurs(given) ? `${what} ${given}` : what,
    )
    .replace(/\s+/g, ' ')
    .replace(/\.$/, '')
}

function isOurs(given: string): boolean {
  return commandSpecs.some(
    ({ words, options = [] }) =>
      words.split(' ').includes(given) || options.some(({ flags }) => flags.split(/[ ,]/).includes(given)),
  )
}
