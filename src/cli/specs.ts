// Every command with its words, its help and an example, and where its code is: one table, so that --help loads nothing else.

import { auditing } from './specs/auditing.ts'
import { daily } from './specs/daily.ts'
import { dataSubjects } from './specs/data-subjects.ts'
import { founding } from './specs/founding.ts'
import { governing } from './specs/governing.ts'
import { evidence, keys, running } from './specs/running.ts'
import type { CommandSpec } from './specs/spec.ts'

export type { CommandSpec } from './specs/spec.ts'

export const commandSpecs: readonly CommandSpec[] = [
  ...founding,
  ...running,
  ...governing,
  ...daily,
  ...auditing,
  ...evidence,
  ...dataSubjects,
  ...keys,
]

/** What stands before the second word. */
export const groupSummaries: Readonly<Record<string, string>> = {
  org: 'the key of an organisation, kept offline',
  node: 'a node before it runs, and its keys',
  genesis: 'the founding of a ledger',
  proposal: 'changes of members, nodes, parameters and rules',
  client: 'keys of applications',
  audit: 'what an auditor takes away',
  store: 'what a node keeps at rest',
  keys: "what seals a node's data at rest",
  person: 'what is held about a person',
  hold: 'what must not be erased for now',
  evidence: 'what proves that somebody broke the rules',
}
