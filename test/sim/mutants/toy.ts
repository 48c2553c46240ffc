// The toy with planted bugs: those that fit any protocol, and some of its own rules broken.

import type { Mutant, Subject } from '../subject.ts'
import { honestRules, type ToyMessage, type ToyRules, toySubject, toyWith } from '../toy.ts'
import { genericMutants } from './wrap.ts'

const broken: Readonly<Record<string, Partial<ToyRules>>> = {
  'takes f+1 for a quorum': { quorum: (n) => Math.floor((n - 1) / 3) + 1 },
  'counts commits for another batch': { matchesAgreement: false },
}

const ruleMutants: readonly Mutant[] = Object.entries(broken).map(([name, rules]) => {
  const subject: Subject<ToyMessage> = { ...toySubject, protocol: toyWith({ ...honestRules, ...rules }) }
  return { name, liars: 1, subject: subject as Subject<unknown> }
})

export const mutants: readonly Mutant[] = [...genericMutants(toySubject), ...ruleMutants]
