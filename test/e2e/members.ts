// Acts of the members of a running ledger, as their people would make them: homes of new nodes, cards, proposals with ballots.

import { join } from 'node:path'
import { eventually, freePorts } from '../../demo/processes.ts'
import { organisationIdOf, timeOf } from '../../src/base/ids.ts'
import type { JsonValue } from '../../src/base/schema.ts'
import type { NodeCard } from '../../src/ledger/card.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import type { Node } from '../../src/ledger/records.ts'
import { signRequest } from '../../src/node/ceremony.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { createOrganisationKey, type OrganisationKey, readOrganisationKey } from '../../src/node/key-files.ts'
import { type MembersView, membersViewSchema } from '../../src/node/members-view.ts'
import { initNode, requestFor, requestWithSuccessor } from '../../src/node/membership.ts'
import { draftProposal, governAct, signProposal, type Wanted } from '../../src/node/proposals.ts'
import { type Four, NodeProcess } from './four.ts'

/** Processes take their time on a busy machine. */
const patienceMs = 120_000

const nothing: Wanted = {
  cards: [],
  leavingNodes: [],
  leaving: [],
  thresholds: {},
  parameters: {},
  rulesVersion: undefined,
  activateAfter: undefined,
  unseen: false,
}

export class Members {
  readonly #four: Four
  readonly #keys: Map<string, OrganisationKey> = new Map()

  constructor(four: Four) {
    this.#four = four
  }

  async key(organisation: string): Promise<OrganisationKey> {
    const known = this.#keys.get(organisation) ?? (await readOrganisationKey(this.#path(`${organisation}.org.key`)))
    this.#keys.set(organisation, known)
    return known
  }

  /** A home for a node of an organisation that is not a member yet. */
  async prepare(id: string, role: Node['role'] = 'learner'): Promise<NodeProcess> {
    const [listen, http] = await freePorts(2)
    const organisation = organisationIdOf(id)
    this.#keys.set(
      id,
      await createOrganisationKey(this.#path(`${id}.org.key`), { id: organisation, name: `${id} Foods` }),
    )
    await initNode(homeAt(this.#path(id)), {
      organisation,
      name: `${id}-1`,
      role,
      addresses: [`/ip4/127.0.0.1/tcp/${listen}`],
      http: { host: '127.0.0.1', port: http as number },
      unlock: { provider: 'key-file', path: this.#path(`${id}.unlock`) },
    })
    const config = await readConfig(homeAt(this.#path(id)))
    return new NodeProcess(this.#four.folder, id, `http://127.0.0.1:${config.http?.port}`)
  }

  async card(id: string, role: Node['role']): Promise<NodeCard> {
    return signRequest(await requestFor(homeAt(this.#path(id)), { role }), await this.key(id))
  }

  /** With the consensus key that is to follow. */
  async successorCard(id: string, role: Node['role']): Promise<NodeCard> {
    return signRequest(await requestWithSuccessor(homeAt(this.#path(id)), { role }), await this.key(id))
  }

  async view(): Promise<MembersView> {
    const answer = await fetch(`${this.#four.nodes[0]?.url}/members`)
    return membersViewSchema.fromJson((await answer.json()) as JsonValue, '')
  }

  /** Signed by all members as they are planned, and carried out; gives the height that ends the epoch. */
  async propose(wanted: Partial<Wanted>): Promise<number> {
    const ledger = ledgerIdFor(this.#four.genesis.genesis)
    // Heights are told once a second: under load a node that has caught up may seem to be behind for a moment.
    const statement = await eventually('a draft', async () =>
      draftProposal(ledger, await this.view(), { ...nothing, ...wanted }, timeOf(Date.now() + 600_000)),
    )
    const voters = await this.#voters()
    const act = governAct(
      statement,
      voters.map((key) => signProposal(statement, key)),
    )
    const [sender] = voters
    const client = this.#four.client(this.#four.nodes[0]?.url ?? '', sender?.signing.seed)
    await client.submitAct(act, AbortSignal.timeout(30_000))
    return (await this.view()).ends[0] ?? 0
  }

  /** Those of now: planned ones have no vote yet. */
  async #voters(): Promise<readonly OrganisationKey[]> {
    const running = new Set(this.#four.nodes.map(({ name }) => name))
    const { organisations, epoch } = await this.view()
    const now =
      epoch === 0 ? this.#four.genesis.genesis.organisations : organisations.filter(({ id }) => running.has(id))
    return Promise.all(now.map(({ id }) => this.key(id)))
  }

  /** Waits until every node that takes part is in this epoch. Something must be written meanwhile, or nothing moves. */
  async inEpoch(epoch: number): Promise<void> {
    const everybody = async (): Promise<true | undefined> => {
      const states = await Promise.all(this.#four.nodes.map((node) => node.state()))
      return states.every((state) => state.epoch >= epoch) || undefined
    }
    await eventually(`everybody is in epoch ${epoch}`, everybody, patienceMs)
  }

  /** Waits until a node has what another has. */
  async caughtUp(node: NodeProcess): Promise<void> {
    const has = async (): Promise<true | undefined> => {
      if (!node.alive) throw new Error(node.output.slice(-2_000))
      const [own, first] = await Promise.all([node.state(), (this.#four.nodes[0] as NodeProcess).state()])
      return (first.height > 0 && own.height >= first.height) || undefined
    }
    await eventually(`${node.name} has caught up`, has, patienceMs)
  }

  #path(name: string): string {
    return join(this.#four.folder, name)
  }
}
