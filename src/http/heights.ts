// Which height an answer is of, and how sure that is: `at`, or what the node has now (local), or what it has once everything
// that was acknowledged before is there (linearizable). Answers say it in Quadrille-Height, and local ones their age.

import type { FastifyReply } from 'fastify'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { leavingSignal } from './answers.ts'
import { type Parameters, single, wholeNumber } from './inputs.ts'
import type { HttpNode } from './node-port.ts'

/** Sets the headers. @throws LedgerError HEIGHT_UNKNOWN, READ_UNCONFIRMED, USAGE */
export async function heightFor(parameters: Parameters, node: HttpNode, reply: FastifyReply): Promise<number> {
  const consistency = single(parameters, 'consistency') ?? 'local'
  if (consistency !== 'local' && consistency !== 'linearizable') {
    throw new LedgerError('USAGE', { parameter: 'consistency', reason: 'expected local or linearizable' })
  }
  const at = single(parameters, 'at')
  if (consistency === 'linearizable') {
    if (at !== undefined) throw new LedgerError('USAGE', { parameter: 'at', reason: 'a past height is never current' })
    const height = await node.confirmed(leavingSignal(reply, limits.readMsMax))
    reply.header('quadrille-height', height)
    return height
  }
  const { height, time } = node
  if (at === undefined) {
    reply
      .header('quadrille-height', height)
      .header('quadrille-age', Math.max(0, Math.round((Date.now() - time) / 1000)))
    return height
  }
  const wanted = wholeNumber(at, 'at', 0, Number.MAX_SAFE_INTEGER)
  if (wanted > height) throw new LedgerError('HEIGHT_UNKNOWN', { height })
  reply.header('quadrille-height', wanted)
  return wanted
}
