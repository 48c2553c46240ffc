// The command line: finds the command, runs it, and turns what happened into an exit code (base/error-table.ts says which).
// What each command does stands in commands/, loaded only when it is called.

import { CommanderError } from 'commander'
import { LedgerError } from '../base/errors.ts'
import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'
import { endWithReader } from './streams.ts'

/** Runs one command of this process. `args` are those after the program's name. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0
  endWithReader(process.stdout, process.stderr)
  const program = createProgram({ out: process.stdout, err: process.stderr }, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    return reportFailure(asUsage(error), args.includes('--json'), process.stderr)
  }
}

function asUsage(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error
  // Without a command commander shows the help and calls that an error.
  if (error.code === 'commander.help') return new LedgerError('USAGE', { missing: 'a command' })
  return new LedgerError('USAGE', {
    reason: error.message
      .replace(/^error: /, '')
      .replace(/\s+/g, ' ')
      .replace(/\.$/, ''),
  })
}
