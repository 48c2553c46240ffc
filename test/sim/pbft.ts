// What the simulator needs to know about PBFT.

import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import type { Subject } from './subject.ts'

export const pbftSubject: Subject<PbftMessage> = {
  protocol: pbft,
  fixedLeader: false,
  reads: true,
  liars: [],
  progressMsMax: 20_000,
}
