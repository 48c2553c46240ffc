// What the simulator needs to know about Raft.

import { type RaftMessage, raft } from '../../src/raft/raft.ts'
import type { Subject } from './subject.ts'

export const raftSubject: Subject<RaftMessage> = {
  protocol: raft,
  faults: 'crash-fault',
  fixedLeader: false,
  reads: true,
  epochs: true,
  liars: [],
  progressMsMax: 20_000,
}
