// quadrille store: what a node keeps, looked at while it does not run.

import type { JsonValue } from '../../base/schema.ts'
import { verifyNodeStore } from '../../node/store-check.ts'
import type { Handler } from '../context.ts'

export const verify: Handler = async (_args, _options, context) => {
  const { holds, findings, ...counts } = await verifyNodeStore(context.home)
  const { height, records, items, rows, terms } = counts
  const told = findings.map(({ code, details }) => ({ code, details: { ...details } }))
  context.answer({ holds, ...counts, findings: told as unknown as JsonValue }, [
    `${records} records, ${items} items, ${rows} rows and ${terms} terms at height ${height}:`,
    ...told.map(({ code, details }) => `${code} ${JSON.stringify(details)}`),
    holds ? 'all of it opens and agrees.' : 'the store is damaged: rebuild this node from the other members.',
  ])
  return holds ? 0 : 1
}
