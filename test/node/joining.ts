// Acts of the members of a ledger whose nodes run in this process: homes of new nodes, cards, proposals with everybody's ballot.

import { join } from 'node:path'
import { freePorts } from '../../demo/processes.ts'
import { equal } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { organisationIdOf, type TxId, timeOf } from '../../src/base/ids.ts'
import { generateSigningKey, type SigningKey, signingKeyOf } from '../../src/base/signature.ts'
import { buildAct, signerOf } from '../../src/ledger/build.ts'
import type { NodeCard } from '../../src/ledger/card.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import type { Node, Organisation } from '../../src/ledger/records.ts'
import { signRequest } from '../../src/node/ceremony.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import type { OrganisationKey } from '../../src/node/key-files.ts'
import { type MembersView, membersViewSchema } from '../../src/node/members-view.ts'
import { initNode, requestFor, requestWithSuccessor } from '../../src/node/membership.ts'
import type { QuadrilleNode, Submission } from '../../src/node/node.ts'
import { draftProposal, governAct, signProposal, type Wanted } from '../../src/node/proposals.ts'
import { loadIdentity, loadSuccessor } from '../../src/store/identity.ts'
import { unlock } from '../../src/store/unlock.ts'
import { type Founded, statement } from './consortium.ts'

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

export class Joining {
  readonly founded: Founded
  readonly #later: Map<number, SigningKey> = new Map()

  constructor(founded: Founded) {
    this.founded = founded
  }

  /** A home for node `number` of an organisation of that number, which need not be a member yet. */
  async prepare(number: number): Promise<void> {
    const [port] = await freePorts(1)
    const { directory, home } = this.founded
    if (number >= this.founded.organisationKeys.length) this.#later.set(number, generateSigningKey())
    await initNode(homeAt(home(number)), {
      organisation: organisationIdOf(`org-${number}`),
      name: `node-${number}`,
      role: 'learner',
      addresses: [`/ip4/127.0.0.1/tcp/${port}`],
      http: undefined,
      unlock: { provider: 'key-file', path: join(directory, `unlock-${number}.key`) },
    })
  }

  key(number: number): OrganisationKey {
    const signing = this.founded.organisationKeys[number] ?? (this.#later.get(number) as SigningKey)
    const organisation: Organisation = {
      id: organisationIdOf(`org-${number}`),
      name: `Organisation ${number}`,
      key: signing.publicKey,
    }
    return { organisation, signing }
  }

  async card(number: number, role: Node['role']): Promise<NodeCard> {
    return signRequest(await requestFor(homeAt(this.founded.home(number)), { role }), this.key(number))
  }

  /** With the consensus key that is to follow. */
  async successorCard(number: number): Promise<NodeCard> {
    return signRequest(
      await requestWithSuccessor(homeAt(this.founded.home(number)), { role: 'validator' }),
      this.key(number),
    )
  }

  view(node: QuadrilleNode): MembersView {
    return membersViewSchema.fromJson(node.members() as never, '')
  }

  /** Signed by `voters` and sent to a node; gives the height that ends the epoch. */
  async propose(
    node: QuadrilleNode,
    wanted: Partial<Wanted>,
    voters: readonly number[] = [0, 1, 2, 3],
  ): Promise<number> {
    const done = await this.#insist(node, wanted, voters)
    if (done.code !== 'OK') throw new Error(`the proposal: ${done.code}`)
    return this.view(node).ends[0] ?? 0
  }

  /** Nodes tell their heights once a second: a draft may come too early. */
  async #insist(node: QuadrilleNode, wanted: Partial<Wanted>, voters: readonly number[]): Promise<Submission> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.submit(node, wanted, voters)
      } catch (error) {
        if (!(error instanceof LedgerError && error.code === 'NODE_BEHIND') || tries > 100) throw error
        await new Promise((done) => setTimeout(done, 100))
      }
    }
  }

  /** Says in the name of node `number` up to which version its software knows the rules. */
  async announce(node: QuadrilleNode, number: number, version: number): Promise<void> {
    const home = homeAt(this.founded.home(number))
    const { unlock: provider } = await readConfig(home)
    const root = await unlock(provider, home.keys)
    const kept = [(await loadIdentity(home.identity, root)).consensus, await loadSuccessor(home.successor, root)]
    const keys = kept.flatMap((seed) => (seed === undefined ? [] : [signingKeyOf(seed)]))
    const registered = this.view(node).nodes.find(({ name }) => name === `node-${number}`)?.keys.consensus
    const key = keys.find(({ publicKey }) => registered !== undefined && equal(publicKey, registered)) as SigningKey
    const { bytes } = await buildAct({
      ledger: ledgerIdFor(this.founded.genesis.genesis),
      key: signerOf(key),
      sequence: node.nextSequence(key.publicKey),
      expires: timeOf(Date.now() + 600_000),
      act: { type: 'announce', version },
    })
    const { code } = await node.submit(bytes, new Uint8Array(), AbortSignal.timeout(60_000))
    if (code !== 'OK') throw new Error(`the announcement of node ${number}: ${code}`)
  }

  async submit(node: QuadrilleNode, wanted: Partial<Wanted>, voters: readonly number[]): Promise<Submission> {
    const ledger = ledgerIdFor(this.founded.genesis.genesis)
    const drafted = draftProposal(ledger, this.view(node), { ...nothing, ...wanted }, timeOf(Date.now() + 600_000))
    const ballots = voters.map((number) => signProposal(drafted, this.key(number)))
    const key = this.key(voters[0] as number).signing
    const { bytes } = await buildAct({
      ledger,
      key: signerOf(key),
      sequence: node.nextSequence(key.publicKey),
      expires: timeOf(Date.now() + 600_000),
      act: governAct(drafted, ballots),
    })
    return node.submit(bytes, new Uint8Array(), AbortSignal.timeout(60_000))
  }
}

/** Keeps writing, so that heights move, until `done`; gives the sequence numbers that were acknowledged. */
export async function writeUntil(
  founded: Founded,
  node: QuadrilleNode,
  from: number,
  done: () => Promise<boolean> | boolean,
  onWritten: (tx: TxId) => void = () => undefined,
): Promise<number> {
  const end = Date.now() + 120_000
  let sequence = from
  while (!(await done())) {
    if (Date.now() > end) throw new Error('what was waited for did not come')
    sequence++
    const { bytes, payload } = await statement(founded, sequence)
    const { code, tx } = await node.submit(bytes, payload, AbortSignal.timeout(60_000))
    if (code !== 'OK') throw new Error(`statement ${sequence}: ${code}`)
    onWritten(tx)
  }
  return sequence
}

export async function eventually(
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 60_000,
): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
