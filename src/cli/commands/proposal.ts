// quadrille proposal: changing who takes part and by which rules. Drafted at a node, signed by organisations where their keys
// are, sent by any of them.

import { LedgerError } from '../../base/errors.ts'
import { timeOf } from '../../base/ids.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester } from '../../http/client-request.ts'
import type { LedgerParameters } from '../../ledger/genesis.ts'
import { ledgerIdFor, parametersSchema } from '../../ledger/genesis.ts'
import { proposalStatementSchema } from '../../ledger/governance-acts.ts'
import { readCard } from '../../node/ceremony.ts'
import { readJson } from '../../node/home.ts'
import { readOrganisationKey } from '../../node/key-files.ts'
import { type MembersView, membersViewSchema } from '../../node/members-view.ts'
import { ballotFileSchema, describeProposal, draftProposal, governAct } from '../../node/proposals.ts'
import { argument, type Context, type Handler, type Options, required, several, whole } from '../context.ts'
import { endpointOf, openClient, trustedGenesis } from '../node-access.ts'
import { organisationFrom } from './org.ts'

const hourMs = 3_600_000
const openHoursDefault = 168

export const draft: Handler = async (_args, options, context) => {
  const { genesis } = await trustedGenesis(options, context)
  const members = await membersOf(options, context)
  const roster = whole(options, 'rosterThreshold', 1, 1_000)
  const rules = whole(options, 'rulesThreshold', 1, 1_000)
  const hours = whole(options, 'open', 1, 8_760) ?? openHoursDefault
  const statement = draftProposal(
    ledgerIdFor(genesis),
    members,
    {
      cards: await Promise.all(several(options, 'card').map(readCard)),
      leavingNodes: several(options, 'removeNode'),
      leaving: several(options, 'removeOrg').map(organisationFrom),
      thresholds: { ...(roster === undefined ? {} : { roster }), ...(rules === undefined ? {} : { rules }) },
      parameters: parametersFrom(several(options, 'parameter'), members.parameters),
      rulesVersion: whole(options, 'rulesVersion', 1, 1_000_000),
      activateAfter: whole(options, 'activateAfter', 1, Number.MAX_SAFE_INTEGER),
      unseen: options['unseen'] === true,
    },
    timeOf(Date.now() + hours * hourMs),
  )
  for (const line of describeProposal(statement)) context.note(line)
  context.document(proposalStatementSchema.toJson(statement))
  return 0
}

export const submit: Handler = async (args, options, context) => {
  const [, ...files] = args
  const statement = await readJson(argument(args, 0), proposalStatementSchema)
  const { signing } = await readOrganisationKey(required(options, 'key'))
  const ballots = await Promise.all(files.map((file) => readJson(file, ballotFileSchema)))
  const client = await openClient(options, context, signing.seed)
  if (statement.ledger !== client.ledger) {
    throw new LedgerError('WRONG_LEDGER', { expected: client.ledger, found: statement.ledger })
  }
  const { tx, height } = await client.submitAct(governAct(statement, ballots))
  const { ends } = await membersOf(options, context)
  context.answer({ proposal: statement.proposal.number, tx, height, ends: [...ends] }, [
    `Carried out at height ${height}.`,
    ...(ends.length === 0 ? [] : [`In force after block ${ends[0]}, when the next epoch begins.`]),
  ])
  return 0
}

/** @throws LedgerError ANSWER_UNEXPECTED, NODE_UNREACHABLE */
async function membersOf(options: Options, context: Context): Promise<MembersView> {
  const endpoint = await endpointOf(options, context)
  const requester = openRequester({ endpoint, fetch, retryMs: 0 })
  const answer = await objectOf(await requester.send('/members', { headers: { accept: 'application/json' } }))
  try {
    return membersViewSchema.fromJson(answer, '')
  } catch (cause) {
    if (cause instanceof LedgerError) throw new LedgerError('ANSWER_UNEXPECTED', { field: 'members' }, cause)
    throw cause
  }
}

/** name=value of each. @throws LedgerError USAGE */
function parametersFrom(given: readonly string[], now: LedgerParameters): Partial<LedgerParameters> {
  const names = Object.keys(parametersSchema.toJson(now) as object)
  const pairs = given.map((each) => {
    const [, name = '', value = ''] = /^([a-zA-Z]+)=(\d+)$/.exec(each) ?? []
    if (!names.includes(name))
      throw new LedgerError('USAGE', { option: '--parameter', expected: `${names.join(', ')} = number` })
    return [name, Number(value)] as const
  })
  return Object.fromEntries(pairs)
}
