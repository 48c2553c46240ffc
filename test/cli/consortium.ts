// Four organisations (three, with Raft) with a node each, founded without their processes: what the commands of a running ledger are tried on.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../demo/processes.ts'
import { organisationIdOf } from '../../src/base/ids.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { assemble, makeDraft, signDraft, signRequest } from '../../src/node/ceremony.ts'
import { homeAt } from '../../src/node/home.ts'
import { createOrganisationKey } from '../../src/node/key-files.ts'
import { initNode, requestFor } from '../../src/node/membership.ts'
import { parseRules } from '../../src/node/rules-file.ts'

export const memberIds = ['acme', 'beta', 'gamma', 'delta'] as const

/** Three are enough where nobody lies. */
function memberIdsOf(consensus: 'pbft' | 'raft', count: number = consensus === 'pbft' ? 4 : 3): readonly string[] {
  return Array.from({ length: count }, (_, place) => memberIds[place] ?? `member-${place + 1}`)
}

const rules = `
graphs:
  - { iri: 'urn:g:events', owner: acme, policy: open }
  - { iri: 'urn:g:people', owner: acme, policy: personal }
`

/** Leaves in `folder`: <id>.org.key, <id>/ (a home), <id>.unlock, genesis.json. `more`: further lines of rules.yaml. */
export async function foundConsortium(
  folder: string,
  more = '',
  consensus: 'pbft' | 'raft' = 'pbft',
  count?: number,
): Promise<readonly string[]> {
  const ids = memberIdsOf(consensus, count)
  const ports = await freePorts(2 * ids.length)
  const members = await Promise.all(
    ids.map(async (id, place) => {
      const organisation = organisationIdOf(id)
      const key = await createOrganisationKey(join(folder, `${id}.org.key`), { id: organisation, name: `${id} Foods` })
      const home = homeAt(join(folder, id))
      await initNode(home, {
        organisation,
        name: `${id}-1`,
        role: 'validator',
        addresses: [`/ip4/127.0.0.1/tcp/${ports[2 * place]}`],
        http: { host: '127.0.0.1', port: ports[2 * place + 1] as number },
        unlock: { provider: 'key-file', path: join(folder, `${id}.unlock`) },
      })
      return { key, card: signRequest(await requestFor(home), key) }
    }),
  )
  const draft = makeDraft(
    members.map(({ card }) => card),
    { name: 'Food Trace', consensus, created: Date.now() },
    parseRules(`${rules}${more}`, 'rules.yaml', ids.map(organisationIdOf), consensus),
  )
  const genesis = assemble(
    draft,
    members.map(({ key }) => signDraft(draft.genesis, key)),
  )
  await writeFile(join(folder, 'genesis.json'), JSON.stringify(signedGenesisSchema.toJson(genesis)))
  return ids
}
