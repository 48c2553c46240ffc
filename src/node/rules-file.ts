// rules.yaml: what a draft of a genesis says beside its members: policies, graphs, parameters and thresholds, with the
// defaults of ledger/founding.ts for what it leaves out.

import { z } from 'zod'
import type { OrganisationId } from '../base/ids.ts'
import { organisationIdOf } from '../base/ids.ts'
import { defaultParametersOf, defaultPolicies, defaultThresholds } from '../ledger/founding.ts'
import type { LedgerParameters, Thresholds } from '../ledger/genesis.ts'
import type { Graph, Policy } from '../ledger/records.ts'
import { isAbsoluteIri, isName } from '../ledger/terms.ts'
import { invalid, parseYaml, problemsOf } from './config.ts'
import { readText } from './home.ts'

export interface Rules {
  readonly policies: readonly Policy[]
  readonly graphs: readonly Graph[]
  readonly parameters: LedgerParameters
  readonly thresholds: Thresholds
}

const organisation = z.string().transform((value, context): OrganisationId => {
  try {
    return organisationIdOf(value)
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'expected the id of an organisation: a-z, 0-9 and "-", a letter first',
    })
    return z.NEVER
  }
})

const organisations = z
  .array(organisation)
  .default([])
  .transform((ids) => [...new Set(ids)].sort())

const name = z.string().refine(isName, 'expected a name')
const count = z.int().min(1)

const rulesSchema = z.strictObject({
  policies: z
    .array(
      z.strictObject({
        name,
        controller: organisation,
        purpose: name,
        legalBasis: name,
        retentionDays: z.int().min(0).max(36_500).default(0),
        class: z.enum(['open', 'personal', 'confidential']),
        audience: organisations,
      }),
    )
    .optional(),
  graphs: z
    .array(
      z.strictObject({
        iri: z.string().refine(isAbsoluteIri, 'expected an absolute IRI'),
        owner: organisation,
        policy: name,
        writers: organisations,
      }),
    )
    .default([]),
  parameters: z
    .strictObject({
      checkpointInterval: count,
      window: count,
      batchTransactionsMax: count,
      batchBytesMax: count,
      idleBatchMs: count,
      suspectMs: count,
    })
    .partial()
    .default({}),
  thresholds: z.strictObject({ roster: count, rules: count }).partial().default({}),
})

/** What the file says; all defaults without one. @throws LedgerError FILE_UNREADABLE, CONFIG_INVALID (every problem at once) */
export async function readRules(
  path: string | undefined,
  founders: readonly OrganisationId[],
  consensus: string = 'pbft',
): Promise<Rules> {
  return parseRules(path === undefined ? '{}' : await readText(path), path ?? 'rules.yaml', founders, consensus)
}

/** `founders`: at least one; the first in order controls the default policies. */
export function parseRules(
  text: string,
  file: string,
  founders: readonly OrganisationId[],
  consensus: string = 'pbft',
): Rules {
  const read = rulesSchema.safeParse(parseYaml(text, file) ?? {})
  if (!read.success) throw invalid(file, read.error.issues.flatMap(problemsOf))
  const { policies, graphs, parameters, thresholds } = read.data
  const [first] = [...founders].sort()
  if (first === undefined) throw new RangeError('a ledger has founders')
  return {
    policies: policies?.map(wholePolicy) ?? defaultPolicies(first),
    graphs,
    parameters: { ...defaultParametersOf(consensus), ...given(parameters) },
    thresholds: { ...defaultThresholds(new Set(founders).size), ...given(thresholds) },
  }
}

function wholePolicy(policy: Omit<Policy, 'algorithm' | 'carriage'>): Policy {
  return { ...policy, algorithm: policy.class === 'personal' ? 'pedersen' : 'sha256', carriage: 'proposal' }
}

function given<T extends object>(values: T): { [Name in keyof T]: NonNullable<T[Name]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]: NonNullable<T[Name]>
  }
}
