// Changes of who votes and by which numbers, as transactions: the simulated counterpart of the ledger's governance. An act
// that is executed at s comes into force after e, the first checkpoint at or above s + window; acts before e join it.

import { utf8 } from '../../src/base/bytes.ts'
import type { Epoch, Sequence } from '../../src/base/ids.ts'
import type { Mandate, Parameters } from '../../src/consensus/contract.ts'
import type { Roster, Validator } from '../../src/consensus/roster.ts'
import { simValidator } from './roster.ts'

export interface Act {
  /** Places and keys (see simValidator) of validators that join, or that go on with another key. */
  readonly join: readonly (readonly [place: number, key: number])[]
  /** Places of those that leave. */
  readonly leave: readonly number[]
  readonly parameters: Partial<Parameters>
}

/** What acts have planned for the next epoch. */
export type Plan = Pick<Mandate, 'parameters'> & { readonly validators: readonly Validator[] }

const mark = utf8('act ')

export function actBytes(act: Partial<Act>): Uint8Array {
  const whole: Act = { join: [], leave: [], parameters: {}, ...act }
  return new Uint8Array([1, ...mark, ...utf8(JSON.stringify(whole))])
}

function actOf(bytes: Uint8Array): Act | undefined {
  if (!mark.every((byte, i) => bytes[i + 1] === byte)) return undefined
  return JSON.parse(new TextDecoder().decode(bytes.subarray(1 + mark.length))) as Act
}

/** What an act makes of `before`; undefined when these bytes are no act, or one that may not be. */
export function planned(bytes: Uint8Array, before: Plan, mandate: Mandate, validatorsMin: number): Plan | undefined {
  const act = actOf(bytes)
  if (act === undefined) return undefined
  const joining = act.join.map(([place, key]) => simValidator(place, key))
  const gone = new Set([...act.leave.map((place) => simValidator(place).node), ...joining.map(({ node }) => node)])
  const validators = [...before.validators.filter(({ node }) => !gone.has(node)), ...joining]
  const parameters = { ...before.parameters, ...act.parameters }
  const { until } = mandate
  if (validators.length < validatorsMin || (until !== undefined && until % parameters.checkpointInterval !== 0))
    return undefined
  return { parameters, validators: validators.sort((a, b) => (a.node < b.node ? -1 : 1)) }
}

/** The checkpoint that ends the epoch, for the first act of it. */
export function endOf({ parameters }: Mandate, plan: Plan, sequence: Sequence): Sequence {
  const step = Math.max(parameters.checkpointInterval, plan.parameters.checkpointInterval)
  return (Math.ceil((sequence + parameters.window) / step) * step) as Sequence
}

export function nextRoster({ epoch }: Roster, { validators }: Plan): Roster {
  return { epoch: (epoch + 1) as Epoch, validators }
}

export function nextMandate({ roster }: Mandate, plan: Plan, since: Sequence): Mandate {
  return { roster: nextRoster(roster, plan), parameters: plan.parameters, since, until: undefined }
}
