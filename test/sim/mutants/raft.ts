// Raft with planted bugs: those that fit any protocol, and its own rules broken one at a time.

import type { Protocol } from '../../../src/consensus/contract.ts'
import type { RaftMessage } from '../../../src/raft/raft.ts'
import { raftSubject } from '../raft.ts'
import type { Mutant, Subject } from '../subject.ts'
import { loadWithBug, type SourceBug } from './sources.ts'
import { genericMutants } from './wrap.ts'

type RaftBug = Omit<SourceBug, 'liars'>

export const bugs: readonly RaftBug[] = [
  {
    name: 'votes twice in one term',
    file: 'election.ts',
    find: 'const free = state.vote === undefined || state.vote === from',
    replace: 'const free = true',
  },
  {
    name: 'votes for whoever lacks entries',
    file: 'election.ts',
    find: 'return term > own || (term === own && last >= lastIndex(log))',
    replace: 'return term >= own || last >= lastIndex(log)',
  },
  {
    name: 'takes one too few for a majority',
    file: 'state.ts',
    find: '>= majority(validators.length)',
    replace: '>= majority(validators.length) - 1',
  },
  {
    name: 'appends without comparing the entry before',
    file: 'following.ts',
    find: 'if (termAt(state.log, previous) !== previousTerm) {',
    replace: 'if (termAt(state.log, previous) === undefined) {',
  },
  {
    name: 'lets an old append truncate',
    file: 'following.ts',
    find: 'if (first >= 0) writeLog(state, (previous + first) as Sequence, entries.slice(first))',
    replace: 'if (first >= 0 || entries.length > 0) writeLog(state, previous, entries)',
  },
  {
    name: 'follows leaders of older terms',
    file: 'following.ts',
    find: 'if (term < state.term) {',
    replace: 'if (term < 0) {',
  },
  {
    name: 'believes a commitment of another log',
    file: 'commit.ts',
    find: 'if (lastIndex(state.log) < proof.index || hashAt(state.log, proof.index) !== proof.hash) {',
    replace: 'if (lastIndex(state.log) < proof.index) {',
  },
  {
    name: 'answers reads before an entry of its term is committed',
    file: 'clients.ts',
    find: "if (state.role !== 'leader' || state.commit < state.termStart) return\n  for",
    replace: "if (state.role !== 'leader') return\n  for",
  },
  {
    name: 'sends nothing that was lost again',
    file: 'replication.ts',
    find: 'if (!elapsed(state, progress.sentAt, resendMs)) continue',
    replace: 'if (resendMs > 0) continue',
  },
  {
    name: 'keeps what it truncated when it starts again',
    file: 'restart.ts',
    find: 'replaceAfter(log, from, entries.slice(from - after))',
    replace:
      'replaceAfter(log, Math.max(from, lastIndex(log)) as Sequence, entries.slice(Math.max(from, lastIndex(log)) - after))',
  },
  {
    name: 'fetches nothing that the log no longer has',
    file: 'compaction.ts',
    find: 'if (settleInstall(state, from) || state.fetching !== undefined) return',
    replace: 'if (settleInstall(state, from) || state !== undefined) return',
  },
  {
    name: 'forgets the running hash at the base when it starts',
    file: 'restart.ts',
    find: 'rebase(state.log, { index, term, hash, configuration }, false)',
    replace: 'rebase(state.log, { index, term, hash: state.log.base.hash, configuration }, false)',
  },
  {
    name: 'counts one majority of both configurations together',
    file: 'state.ts',
    find: 'return rosters.every(\n    ({ validators }) => validators.filter(({ node }) => has(node)).length >= majority(validators.length),\n  )',
    replace:
      'const all = [...new Set(rosters.flatMap(({ validators }) => validators.map(({ node }) => node)))]\n  return all.filter(has).length >= majority(all.length)',
  },
  {
    name: 'signs although it does not vote',
    file: 'appending.ts',
    find: 'const own = configurationAt(state.log, index).find((roster) => isVoter([roster], self))',
    replace: 'const [own] = isVoter([], self) ? [] : configurationAt(state.log, index)',
  },
  {
    name: 'takes no notice of epochs that end in fetched blocks',
    file: 'core.ts',
    find: 'onInstalled(state, input)\n      onMandate(state, input.mandate)',
    replace: 'onInstalled(state, input)',
  },
  {
    name: 'waits for a fetch that ended with an epoch',
    file: 'compaction.ts',
    find: 'if (ended || outcome.sequence',
    replace: 'if ((ended && state.fetching === undefined) || outcome.sequence',
  },
  {
    name: 'proves blocks by validators who are known only after them',
    file: 'commit.ts',
    find: 'const by = earliestOf(entries.slice(i + 1), sequence) ?? proof',
    replace: 'const by = earliestOf([], sequence) ?? proof',
  },
  {
    name: 'forgets the configuration that its log begins with',
    file: 'compaction.ts',
    find: 'takeBase(state, { index, term, hash, configuration: configurationAt(state.log, index) }, true)',
    replace: 'takeBase(state, { index, term, hash, configuration: configurationAt(state.log, 0 as Sequence) }, true)',
  },
  {
    name: 'waits for traffic to end an epoch',
    file: 'clients.ts',
    find: 'const ends = state.until !== undefined && lastIndex(state.log) < state.until',
    replace: 'const ends = state.until !== undefined && lastIndex(state.log) < 0',
  },
]

async function planted(bug: RaftBug): Promise<Mutant> {
  const { raft } = (await loadWithBug('raft', 'raft.ts', { ...bug, liars: 0 })) as { raft: Protocol<RaftMessage> }
  const subject: Subject<RaftMessage> = { ...raftSubject, protocol: raft }
  return { name: bug.name, liars: 0, subject: subject as unknown as Subject<unknown> }
}

/** Those that need nobody to lie. */
const generic: readonly Mutant[] = genericMutants(raftSubject).filter(({ liars }) => liars === 0)

export const mutants: readonly Mutant[] = [...generic, ...(await Promise.all(bugs.map(planted)))]
