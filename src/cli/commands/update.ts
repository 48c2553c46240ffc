// quadrille update: a SPARQL Update, computed by a node and signed here.

import { readText } from '../../node/home.ts'
import { readApplicationKey } from '../../node/key-files.ts'
import { argument, type Handler, required, several } from '../context.ts'
import { openClient } from '../node-access.ts'

export const update: Handler = async (args, options, context) => {
  const given = argument(args, 0)
  const sparql = given.startsWith('@') ? await readText(given.slice(1)) : given
  const dataSubjects = several(options, 'subject')
  const subjects = dataSubjects.length === 0 ? {} : { dataSubjects }
  if (options['dryRun'] === true) {
    const { height, read, assert, retract } = await (await openClient(options, context)).delta(sparql)
    const rows = retract.reduce((sum, { rows: each }) => sum + each.length, 0)
    const lines = assert.split('\n').filter((line) => line !== '')
    context.answer({ height, read: [...read], assert: lines, retractedRows: rows, dryRun: true }, [
      ...lines.map((line) => `+ ${line}`),
      `Would assert ${lines.length} quads and retract ${rows} rows, as of height ${height}.`,
    ])
    return 0
  }
  const { signing } = await readApplicationKey(required(options, 'as'))
  const client = await openClient(options, context, signing.seed)
  const done = await client.update(sparql, subjects)
  if (done === undefined) context.answer({ changed: false }, ['It changes nothing, so nothing was sent.'])
  else context.answer({ changed: true, ...done }, [`Final at height ${done.height}: transaction ${done.tx}.`])
  return 0
}
