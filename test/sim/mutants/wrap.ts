// Bugs that can be planted in any protocol from outside: between the world and the core, inputs and effects are changed,
// lost or reordered as a careless core would.

import type { Sequence } from '../../../src/base/ids.ts'
import type { Core, Effect, Input, Protocol, Setup } from '../../../src/consensus/contract.ts'
import type { Mutant, Subject } from '../subject.ts'

interface Planted<Message> {
  readonly setup?: (setup: Setup) => Setup
  readonly input?: (input: Input<Message>) => Input<Message>
  /** A fresh filter for each start of a core. */
  readonly effects?: () => (effects: readonly Effect<Message>[], input: Input<Message>) => readonly Effect<Message>[]
  readonly protocol?: Partial<Protocol<Message>>
}

function withBug<Message>(protocol: Protocol<Message>, bug: Planted<Message>): Protocol<Message> {
  return {
    ...protocol,
    claims: (message, ledger) => protocol.claims(message, ledger),
    forwarded: (message) => protocol.forwarded(message),
    start: (setup) => {
      const core = protocol.start(bug.setup?.(setup) ?? setup)
      return coreWith(core, bug, bug.effects?.())
    },
    ...bug.protocol,
  }
}

type Filter<Message> = (effects: readonly Effect<Message>[], input: Input<Message>) => readonly Effect<Message>[]

function coreWith<Message>(
  core: Core<Message>,
  bug: Planted<Message>,
  filter: Filter<Message> = (effects) => effects,
): Core<Message> {
  return {
    status: () => core.status(),
    rosters: (epoch) => core.rosters(epoch),
    step: (input) => filter(core.step(bug.input?.(input) ?? input), input),
  }
}

function isA<Type extends Effect<unknown>['type']>(type: Type): (effect: Effect<unknown>) => boolean {
  return (effect) => effect.type === type
}

/** Delivers one batch late, after its successor. */
function swapping<Message>(): Filter<Message> {
  let held: Effect<Message> | undefined
  return (effects) =>
    effects.flatMap((effect) => {
      if (effect.type !== 'deliver') return [effect]
      if (held === undefined && effect.sequence % 5 === 3) {
        held = effect
        return []
      }
      const late = held === undefined ? [] : [held]
      held = undefined
      return [effect, ...late]
    })
}

/** Puts the signatures of the certificate before into each certificate. */
function mixing<Message>(): Filter<Message> {
  let before: Extract<Effect<Message>, { type: 'deliver' }>['certificate'] | undefined
  return (effects) =>
    effects.map((effect) => {
      if (effect.type !== 'deliver') return effect
      const { certificate } = effect
      const signatures = certificate.signatures.map((own, i) => before?.signatures[i] ?? own)
      before = certificate
      return { ...effect, certificate: { ...certificate, signatures } }
    })
}

function genericBugs<Message>(): Readonly<Record<string, Planted<Message>>> {
  const noRoot = '0'.repeat(64)
  return {
    'sends before it saves': {
      effects: () => (effects) => [...effects.filter((e) => !isA('save')(e)), ...effects.filter(isA('save'))],
    },
    'never saves': { effects: () => (effects) => effects.filter((effect) => !isA('save')(effect)) },
    'forgets its journal when it starts': { setup: (setup) => ({ ...setup, journal: [] }) },
    'forgets the newest record when it starts': {
      setup: (setup) => ({ ...setup, journal: setup.journal.slice(0, -1) }),
    },
    'sends nothing again': {
      effects: () => (effects, input) =>
        input.type === 'tick' ? effects.filter((effect) => !isA('send')(effect)) : effects,
    },
    'delivers twice': {
      effects: () => (effects) => effects.flatMap((e) => (isA('deliver')(e) ? [e, e] : [e])),
    },
    'delivers out of order': { effects: swapping },
    'skips a delivery': {
      effects: () => (effects) => effects.filter((e) => e.type !== 'deliver' || e.sequence % 7 !== 5),
    },
    'mixes certificates': { effects: mixing },
    'shows certificates of one too few': {
      effects: () => (effects) =>
        effects.map((effect) => {
          if (effect.type !== 'deliver') return effect
          const { certificate } = effect
          return { ...effect, certificate: { ...certificate, signatures: certificate.signatures.slice(1) } }
        }),
    },
    'signs a result that it did not compute': {
      input: (input) =>
        input.type === 'applied' && input.outcome.sequence % 4 === 0
          ? { ...input, outcome: { ...input.outcome, logRoot: noRoot as typeof input.outcome.logRoot } }
          : input,
    },
    'cuts its journal too early': {
      effects: () => (effects) =>
        effects.flatMap((effect): readonly Effect<Message>[] =>
          effect.type === 'deliver'
            ? [effect, { type: 'cut', before: (effect.sequence + 1000) as Sequence }]
            : [effect],
        ),
    },
    'blames the sender of a repeated message': {
      effects: () => {
        const seen = new WeakSet<object>()
        return (effects, input) => {
          if (input.type !== 'receive') return effects
          const known = seen.has(input.message as object)
          seen.add(input.message as object)
          return known ? [...effects, { type: 'refuse', from: input.from, code: 'MALFORMED' }] : effects
        }
      },
    },
    'claims nothing, so that forgeries pass': { protocol: { claims: () => [] } },
  }
}

/** Bugs that only a liar can make use of. */
const needLiars: ReadonlySet<string> = new Set(['claims nothing, so that forgeries pass'])

/** The generic bugs planted in `subject`. */
export function genericMutants<Message>(subject: Subject<Message>): readonly Mutant[] {
  return Object.entries(genericBugs<Message>()).map(([name, bug]) => ({
    name,
    liars: needLiars.has(name) ? 1 : 0,
    subject: { ...subject, protocol: withBug(subject.protocol, bug) } as Subject<unknown>,
  }))
}
