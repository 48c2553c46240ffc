// A replica's record at the beginning of an epoch: nothing is voted on, nobody waits.

import { type Sequence, type Time, viewOf } from '../base/ids.ts'
import { nullBatch } from '../consensus/batch.ts'
import type { ResultCertificate } from '../consensus/certificate.ts'
import type { Setup } from '../consensus/contract.ts'
import { byzantineQuorum, faultsMax } from '../consensus/quorum.ts'
import { endless, nullDigest, type State } from './state.ts'

const zero = 0 as Time

/** `ending`: what ended the epoch before, if it is at hand. */
export function newState(setup: Setup, ending?: ResultCertificate): State {
  const nodes = setup.roster.validators.map(({ node }) => node)
  return {
    setup,
    epoch: setup.roster.epoch,
    roster: setup.roster,
    validators: new Set(nodes),
    others: nodes.filter((node) => node !== setup.self),
    f: faultsMax(nodes.length),
    q: byzantineQuorum(nodes.length),
    out: [],
    until: setup.until,
    successor: undefined,
    ending,
    later: new Map(),
    recorded: false,
    voting: nodes.includes(setup.self) ? 'asking' : 'follows',
    nonce: Math.floor(setup.random() * 2 ** 48),
    answered: new Set(),
    askedAt: zero,
    own: new Map(),
    floor: zero as number as Sequence,
    now: undefined,
    nextToken: 1,
    view: viewOf(0),
    active: true,
    slots: new Map(),
    batches: new Map([
      [nullDigest, { batch: nullBatch, ids: [], sequence: endless, recordedAt: endless, message: undefined }],
    ]),
    checks: new Map(),
    contiguous: setup.applied.sequence,
    proposed: setup.applied.sequence,
    proposedAt: zero,
    delivered: setup.applied.sequence,
    applied: setup.applied,
    checkpoint: setup.checkpoint,
    progressAt: zero,
    final: ending,
    stable: undefined,
    ahead: undefined,
    results: new Map(),
    resultsAt: zero,
    fetching: undefined,
    fetchedAt: zero,
    fetchesFailed: 0,
    fenced: undefined,
    disowned: 0 as Sequence,
    split: undefined,
    ...noClients(),
    ...noViewChanges(),
    accused: new Set(),
    peers: new Map(),
    followers: new Map(),
    statusAt: zero,
    statusRound: 0,
  }
}

type Clients = Pick<
  State,
  | 'waiting'
  | 'queues'
  | 'held'
  | 'underway'
  | 'turn'
  | 'recent'
  | 'recentAt'
  | 'tokens'
  | 'relayed'
  | 'reads'
  | 'ownToken'
>

function noClients(): Clients {
  return {
    waiting: new Map(),
    queues: new Map(),
    held: new Map(),
    underway: new Set(),
    turn: 0,
    recent: new Map(),
    recentAt: new Map(),
    tokens: new Map(),
    relayed: new Map(),
    reads: [],
    ownToken: undefined,
  }
}

type ViewChanges = Pick<
  State,
  | 'changes'
  | 'newView'
  | 'justification'
  | 'pending'
  | 'found'
  | 'missing'
  | 'unjustified'
  | 'leaving'
  | 'asked'
  | 'wantedAt'
  | 'changeSentAt'
  | 'fruitless'
  | 'quorumAt'
  | 'failed'
>

function noViewChanges(): ViewChanges {
  return {
    changes: new Map(),
    newView: undefined,
    justification: new Map(),
    pending: new Map(),
    found: new Map(),
    missing: new Map(),
    unjustified: false,
    leaving: 'others moved',
    asked: new Map(),
    wantedAt: zero,
    changeSentAt: zero,
    fruitless: 0,
    quorumAt: undefined,
    failed: new Map(),
  }
}
