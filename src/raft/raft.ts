// Raft behind the contract of consensus/: what a host needs to know of this folder.

import type { Protocol } from '../consensus/contract.ts'
import { claimsOf } from './claims.ts'
import { Server } from './core.ts'
import { messageSchema, type RaftMessage } from './messages.ts'

export type { RaftMessage } from './messages.ts'

export const raft: Protocol<RaftMessage> = {
  name: 'raft/1',
  messages: messageSchema,
  claims: claimsOf,
  forwarded: (message) => (message.type === 'request' ? message.transactions : []),
  withForwarded: (message, transactions) => (message.type === 'request' ? { ...message, transactions } : message),
  start: (setup) => new Server(setup),
}
