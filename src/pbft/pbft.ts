// PBFT behind the contract of consensus/: what a host needs to know of this folder.

import type { Protocol } from '../consensus/contract.ts'
import { claimsOf } from './claims.ts'
import { Replica } from './core.ts'
import { messageSchema, type PbftMessage } from './messages.ts'

export type { PbftMessage } from './messages.ts'

export const pbft: Protocol<PbftMessage> = {
  name: 'pbft/1',
  messages: messageSchema,
  claims: claimsOf,
  forwarded: (message) => (message.type === 'request' ? message.transactions : []),
  withForwarded: (message, transactions) => (message.type === 'request' ? { ...message, transactions } : message),
  start: (setup) => new Replica(setup),
}
