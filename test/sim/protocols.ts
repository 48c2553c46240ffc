// The protocols that the simulator can play. Each is loaded only when it is asked for, so that one that does not even
// compile keeps no other from being tested.

import type { Mutant, Subject } from './subject.ts'

interface Entry {
  load(): Promise<Subject<unknown>>
  mutants(): Promise<readonly Mutant[]>
}

const entries: Readonly<Record<string, Entry>> = {
  toy: {
    load: async () => (await import('./toy.ts')).toySubject,
    mutants: async () => (await import('./mutants/toy.ts')).mutants,
  },
  pbft: {
    load: async () => (await import('./pbft.ts')).pbftSubject,
    mutants: async () => (await import('./mutants/pbft.ts')).mutants,
  },
  raft: {
    load: async () => (await import('./raft.ts')).raftSubject,
    mutants: async () => (await import('./mutants/raft.ts')).mutants,
  },
}

export const protocolNames: readonly string[] = Object.keys(entries)

/** @throws RangeError for a protocol that is not in the table. */
export function loadSubject(name: string): Promise<Subject<unknown>> {
  return entryOf(name).load()
}

/** @throws RangeError for a protocol that is not in the table. */
export function loadMutants(name: string): Promise<readonly Mutant[]> {
  return entryOf(name).mutants()
}

function entryOf(name: string): Entry {
  const entry = entries[name]
  if (entry === undefined) throw new RangeError(`no protocol ${name}: there are ${protocolNames.join(', ')}`)
  return entry
}
