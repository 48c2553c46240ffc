// PBFT with planted bugs: those that fit any protocol, and its own rules broken one at a time.

import type { Protocol } from '../../../src/consensus/contract.ts'
import type { PbftMessage } from '../../../src/pbft/pbft.ts'
import { pbftSubject } from '../pbft.ts'
import { pbftLiars } from '../pbft-liars.ts'
import type { Mutant, Subject } from '../subject.ts'
import { loadWithBug, type SourceBug } from './sources.ts'
import { genericMutants } from './wrap.ts'

interface PbftBug extends SourceBug {
  /** The liar that it takes, where most others do not bring it out. */
  readonly liar?: string
}

export const bugs: readonly PbftBug[] = [
  {
    name: 'takes f+1 for a quorum',
    file: 'new-state.ts',
    find: 'q: byzantineQuorum(nodes.length)',
    replace: 'q: faultsMax(nodes.length) + 1',
    liars: 0,
  },
  {
    name: 'mixes views in certificates',
    file: 'normal.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    find: 'return `${vote.view}/${vote.digest}`',
    replace: 'return vote.digest',
    liars: 0,
  },
  {
    name: 'is prepared with one PREPARE too few',
    file: 'normal.ts',
    find: 'voteKey(proposal.vote)).size >= state.q - 1',
    replace: 'voteKey(proposal.vote)).size >= state.q - 2',
    liars: 0,
  },
  {
    name: 'is committed with one COMMIT too few',
    file: 'normal.ts',
    find: 'if (group.size < state.q) return',
    replace: 'if (group.size < state.q - 1) return',
    liars: 0,
  },
  {
    name: 'prepares without asking whether a batch is valid',
    file: 'normal.ts',
    find: "proposal.verdict !== 'valid' || ",
    replace: '',
    liars: 1,
    liar: 'proposes nonsense',
  },
  {
    name: 'believes the digest that comes with a batch',
    file: 'normal.ts',
    find: 'batchDigest(batch) !== vote.digest || ',
    replace: '',
    liars: 1,
    liar: 'proposes nonsense',
  },
  {
    name: 'hides what prepared when it changes the view',
    file: 'views.ts',
    find: 'prepared: preparedHere(state)',
    replace: 'prepared: []',
    liars: 0,
  },
  {
    name: 'leaves gaps where a null batch belongs',
    file: 'new-view.ts',
    find: '  return { from, stable, proposals }',
    replace: '  return { from, stable, proposals: proposals.filter(({ digest }) => digest !== nullDigest) }',
    liars: 0,
  },
  {
    name: 'carries over the batch of the greatest sequence only',
    file: 'new-view.ts',
    find: 'digest: latest.get(sequence)?.digest ?? nullDigest',
    replace: 'digest: (sequence === to ? latest.get(sequence)?.digest : undefined) ?? nullDigest',
    liars: 0,
  },
  {
    name: 'believes every new view',
    file: 'entering.ts',
    find: 'if (follows(state, newView, changes)) {',
    replace: 'if (newView.view > 0) {',
    liars: 1,
    liar: 'forgets in view changes',
  },
  {
    name: 'believes a new view that one peer entered',
    file: 'entering.ts',
    find: 'countSenders(state, pending) > state.f',
    replace: 'countSenders(state, pending) > 0',
    liars: 1,
    liar: 'forgets in view changes',
  },
  {
    name: 'gives new proposals sequences that were carried over',
    file: 'entering.ts',
    find: 'state.proposed = Math.max(state.delivered, last, lowWatermark(state)) as Sequence',
    replace: 'state.proposed = Math.max(state.delivered, lowWatermark(state)) as Sequence',
    liars: 0,
  },
  {
    name: 'never joins a view change',
    file: 'views.ts',
    find: "joined > state.view && state.voting === 'votes'",
    replace: 'joined > state.view + 1_000_000',
    liars: 0,
  },
  {
    name: 'forgets its own proposals in a restart',
    file: 'restart.ts',
    find: 'if (proposal.view !== state.view) return',
    replace: 'if (proposal.view >= 0) return',
    liars: 0,
  },
  {
    name: 'does not verify what a view change shows',
    file: 'claims.ts',
    find: 'return [changeClaim(change, ledger), ...change.stable.flatMap(resultClaims), ...prepared]',
    replace: 'return [changeClaim(change, ledger), ...change.stable.flatMap(resultClaims), ...prepared.slice(0, 0)]',
    liars: 1,
    liar: 'invents certificates',
  },
  {
    name: 'takes f+1 equal results for final',
    file: 'checkpoint.ts',
    find: 'counted.group.size >= state.q',
    replace: 'counted.group.size > state.f',
    liars: 0,
  },
  {
    name: 'shows no stable checkpoint in a view change',
    file: 'views.ts',
    find: 'stable: state.stable === undefined ? [] : [state.stable]',
    replace: 'stable: []',
    liars: 0,
  },
  {
    name: 'answers reads at once from what it has',
    file: 'reads.ts',
    find: '  state.reads.push(id)',
    replace: "  state.out.push({ type: 'readable', id, sequence: state.delivered })",
    liars: 0,
  },
  {
    name: 'helps nobody',
    file: 'help.ts',
    find: 'if (state.fenced || !mayHelp(state, peer) || !isBehind(state, peer)) return',
    replace: 'if (state !== undefined) return',
    liars: 0,
  },
  {
    name: 'never fetches what only blocks still hold',
    file: 'checkpoint.ts',
    find: 'if (state.fetching !== undefined || !elapsed(state, state.fetchedAt, pause)) return',
    replace: 'if (pause > 0) return',
    liars: 0,
  },
  {
    name: 'delivers over a gap',
    file: 'delivery.ts',
    find: 'const sequence = (state.delivered + 1) as Sequence',
    replace:
      'const sequence = (state.slots.get((state.delivered + 1) as Sequence)?.certificate === undefined ? state.delivered + 2 : state.delivered + 1) as Sequence',
    liars: 0,
  },
  {
    name: 'votes above the end of an epoch',
    file: 'state.ts',
    find: 'sequence <= Math.min(reach, state.until ?? endless)',
    replace: 'sequence <= reach',
    liars: 0,
  },
  {
    name: 'begins an epoch before its beginning is stable',
    file: 'epochs.ts',
    find: 'return stable?.result.sequence === successor.since || ',
    replace: 'return successor.since > 0 || ',
    liars: 0,
  },
  {
    name: 'goes on with the old roster in a new epoch',
    file: 'epochs.ts',
    find: 'newState({ ...setup, ...successor, applied, checkpoint }, ending)',
    replace:
      'newState({ ...setup, ...successor, roster: { ...setup.roster, epoch: successor.roster.epoch }, applied, checkpoint }, ending)',
    liars: 0,
  },
  {
    name: 'goes on with the old numbers in a new epoch',
    file: 'epochs.ts',
    find: 'newState({ ...setup, ...successor, applied, checkpoint }, ending)',
    replace: 'newState({ ...setup, ...successor, parameters: setup.parameters, applied, checkpoint }, ending)',
    liars: 0,
  },
  {
    name: 'never fills an epoch up to its end',
    file: 'requests.ts',
    find: 'const idle = state.until !== undefined || elapsed',
    replace: 'const idle = elapsed',
    liars: 0,
  },
  {
    name: 'keeps the proof that an epoch ended to itself',
    file: 'epochs.ts',
    find: 'if (ending !== undefined && epoch === state.epoch - 1) send',
    replace: 'if (ending !== undefined && epoch > state.epoch) send',
    liars: 0,
  },
  {
    name: 'asks nobody what it signed before it started',
    file: 'new-state.ts',
    find: "? 'asking' : 'follows'",
    replace: "? 'votes' : 'follows'",
    liars: 0,
  },
  {
    name: 'takes no notice of votes that it forgot',
    file: 'recall.ts',
    find: 'if (forgotten !== undefined && (',
    replace: 'if (forgotten !== undefined && state.f < 0 && (',
    liars: 0,
  },
  {
    name: 'tells nobody what they signed before they started',
    file: 'recall.ts',
    find: 'const slots = [...state.slots.values()]',
    replace: 'const slots = [...state.slots.values()].slice(0, 0)',
    liars: 0,
  },
]

async function planted(bug: PbftBug): Promise<Mutant> {
  const { pbft } = (await loadWithBug('pbft', 'pbft.ts', bug)) as { pbft: Protocol<PbftMessage> }
  const liars = pbftLiars.filter(({ name }) => bug.liar === undefined || name === bug.liar)
  // The generic liars take part as well: weighed down, where one kind is needed.
  const weighed = bug.liar === undefined ? liars : Array.from({ length: 40 }, () => liars).flat()
  const subject: Subject<PbftMessage> = { ...pbftSubject, protocol: pbft, liars: weighed }
  return { name: bug.name, liars: bug.liars, subject: subject as unknown as Subject<unknown> }
}

export const mutants: readonly Mutant[] = [...genericMutants(pbftSubject), ...(await Promise.all(bugs.map(planted)))]
