// What the simulator needs to know about PBFT.

import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import { pbftLiars } from './pbft-liars.ts'
import type { Subject } from './subject.ts'

export const pbftSubject: Subject<PbftMessage> = {
  protocol: pbft,
  faults: 'byzantine',
  fixedLeader: false,
  reads: true,
  epochs: true,
  liars: pbftLiars,
  progressMsMax: 40_000,
  parameters: { suspectMsMax: 4_000 },
}
