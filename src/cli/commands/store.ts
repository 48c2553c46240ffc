// quadrille store: what a node keeps, looked at while it does not run.

import type { JsonValue } from '../../base/schema.ts'
import { repairNodeStore } from '../../node/repair.ts'
import { verifyNodeStore } from '../../node/store-check.ts'
import type { Handler } from '../context.ts'

export const verify: Handler = async (_args, _options, context) => {
  const { holds, findings, ...counts } = await verifyNodeStore(context.home)
  const { height, records, items, rows, terms } = counts
  const told = findings.map(({ code, details }) => ({ code, details: { ...details } }))
  context.answer({ holds, ...counts, findings: told as unknown as JsonValue }, [
    `${records} records, ${items} items, ${rows} rows and ${terms} terms at height ${height}:`,
    ...told.map(({ code, details }) => `${code} ${JSON.stringify(details)}`),
    holds ? 'all of it opens and agrees.' : 'the store is damaged: `quadrille store repair` rebuilds it.',
  ])
  return holds ? 0 : 1
}

export const repair: Handler = async (_args, _options, context) => {
  const { height, own, fetched } = await repairNodeStore(context.home, ({ height: at, blocks, peers }) =>
    context.progress(`block ${at} of ${blocks}, ${peers} members connected`),
  )
  context.answer({ height, own, fetched }, [
    `Rebuilt to height ${height}: ${own} payloads from this node's own store, ${fetched} from the other members.`,
  ])
  return 0
}
