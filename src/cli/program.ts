// From the table of commands to commander: words, options that every command has, help with an example.

import { Command } from 'commander'
import { homeAt } from '../node/home.ts'
import { version } from '../node/version.ts'
import { createContext, type Options, type Streams } from './context.ts'
import { type CommandSpec, commandSpecs, groupSummaries } from './specs.ts'

/** `onDone` gets the exit code of a command that ended without throwing. */
export function createProgram(streams: Streams, onDone: (exitCode: number) => void): Command {
  const program = new Command('quadrille')
    .description('A ledger for RDF that several organisations run together without having to trust one another')
    .version(version)
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      '\nExample:\n  $ quadrille org init "Acme Foods" --out acme.org.key\n\nExit codes: 0 ok, 1 verification failed, 2 usage, 3 configuration, 4 refused by the ledger, 5 unavailable, 6 locked, 7 not permitted.',
    )
  const groups = new Map<string, Command>()
  for (const spec of commandSpecs) {
    const [first = '', second] = spec.words.split(' ')
    if (second === undefined) {
      groups.set(first, addCommand(program, first, spec, streams, onDone))
      continue
    }
    let group = groups.get(first)
    if (group === undefined) {
      group = program.command(first).description(groupSummaries[first] ?? first)
      groups.set(first, group)
    }
    addCommand(group, second, spec, streams, onDone)
  }
  for (const command of [
    program,
    ...groups.values(),
    ...[program, ...groups.values()].flatMap((each) => each.commands),
  ]) {
    command.exitOverride()
    // main.ts writes errors in one form; the help still goes to standard output.
    command.configureOutput({ writeErr: () => undefined, writeOut: (text) => streams.out.write(text) })
  }
  return program
}

function addCommand(
  parent: Command,
  word: string,
  { args, summary, options = [], example, load }: CommandSpec,
  streams: Streams,
  onDone: (exitCode: number) => void,
): Command {
  const command = parent.command(args === undefined ? word : `${word} ${args}`).description(summary)
  for (const { flags, help } of options) command.option(flags, help)
  command
    // What follows a second word belongs to that command.
    .enablePositionalOptions()
    .option('--home <folder>', "the node's folder (default: QUADRILLE_HOME, or .quadrille in the user's)")
    .option('--json', 'answers and errors as JSON')
    .addHelpText('after', `\nExample:\n  $ ${example}`)
    .action(async (...given: unknown[]) => {
      const chosen = command.opts<Options>()
      const home = typeof chosen['home'] === 'string' ? chosen['home'] : undefined
      const words = given.slice(0, -2).flatMap((each) => (Array.isArray(each) ? each : [each]))
      const handler = await load()
      const context = createContext(homeAt(home), chosen['json'] === true, streams)
      onDone(await handler(words.filter((each) => each !== undefined).map(String), chosen, context))
    })
  return command
}
