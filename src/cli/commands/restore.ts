// quadrille restore: a home from a backup of its node.

import { timeOf } from '../../base/ids.ts'
import { readBytes } from '../../node/home.ts'
import { restore as restoreHome } from '../../node/restore.ts'
import { argument, type Handler, optional } from '../context.ts'
import { unlockFrom } from '../unlock-option.ts'

export const restore: Handler = async (args, options, context) => {
  const bag = optional(options, 'bag')
  const unlock = optional(options, 'unlock')
  const { manifest, itemKeys, lacksKeys } = await restoreHome({
    home: context.home,
    from: argument(args, 0),
    bag: bag === undefined ? undefined : await readBytes(bag),
    unlock: unlock === undefined ? undefined : unlockFrom('--unlock', unlock),
    now: timeOf(Date.now()),
    onProgress: (done, parts) => context.progress(`${done} of ${parts} parts`),
  })
  const { ledger, node, height, created } = manifest
  const when = new Date(created).toISOString()
  context.answer({ ledger, node, height, created: when, itemKeys, repairNeeded: lacksKeys }, [
    `Node ${node} as it was at height ${height}, ${when}. All of it opens and agrees.`,
    'Once started it answers nothing before it has caught up with the others, and does not vote where it voted before.',
    'The node that the backup is of must never run again beside it.',
    ...(lacksKeys ? ['Some items lack their keys: run `quadrille store repair` before you start it.'] : []),
  ])
  return 0
}
