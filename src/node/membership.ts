// A node before it belongs to a ledger: its home with keys that never leave it, and the request by which its organisation
// learns the public halves.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { randomBytes } from '#crypto'
import { fromHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import { type NodeId, nodeIdOf, type OrganisationId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { id, record, type Schema, text, word } from '../base/schema.ts'
import { signingKeyOf } from '../base/signature.ts'
import { type CardRequest, requestCard } from '../ledger/card.ts'
import { type Node, type NodeKeys, organisationIdSchema } from '../ledger/records.ts'
import { createIdentity, createSuccessor, type Identity, loadIdentity, loadSuccessor } from '../store/identity.ts'
import { createKeyRing } from '../store/key-ring.ts'
import { createUnlock, type RootKey, unlock } from '../store/unlock.ts'
import { type Config, readConfig, writtenConfig } from './config.ts'
import { createFolders, type Home, readJson } from './home.ts'

/** Who a node is, before anybody else knows: node.json. */
export type Membership = Pick<Node, 'id' | 'organisation' | 'name' | 'role'>

const membershipSchema: Schema<Membership> = record<Membership>({
  id: id<NodeId>(16, nodeIdOf),
  organisation: organisationIdSchema,
  name: text(limits.nameBytesMax),
  role: word('validator', 'learner'),
})

export interface NodeChoices extends Pick<Config, 'http' | 'unlock'> {
  readonly organisation: OrganisationId
  readonly name: string
  readonly role: Node['role']
  /** Multiaddresses; those with DNS names are announced, and listened for on every address of the machine. */
  readonly addresses: readonly string[]
}

/**
 * Makes a home with fresh keys, and the unlock key if there is none yet. node.json is written last: without it there is no node.
 * @throws LedgerError FILE_EXISTS when there is a node already, UNLOCK_FAILED, STORAGE_FAILED
 */
export async function initNode(home: Home, choices: NodeChoices): Promise<Membership> {
  if (existsSync(home.node)) throw new LedgerError('FILE_EXISTS', { file: home.node })
  await createFolders(home)
  const root = await createUnlock(choices.unlock, home.keys)
  await createIdentity(home.identity, root, {
    consensus: randomBytes(32),
    transport: randomBytes(32),
    payload: randomBytes(32),
    checkpoint: randomBytes(32),
  })
  const keyRing = await createKeyRing(home.keys, root)
  await keyRing.close()
  const { organisation, name, role, addresses, http } = choices
  const written = writtenConfig(home, { ...listening(addresses), http, unlock: choices.unlock })
  await writeFileAtomic(home.config, utf8(written), 0o644)
  const membership: Membership = { id: nodeIdOf(randomBytes(16)), organisation, name, role }
  await writeFileAtomic(
    home.node,
    utf8(`${JSON.stringify(membershipSchema.toJson(membership), undefined, 2)}\n`),
    0o644,
  )
  return membership
}

/** @throws LedgerError NO_HOME, MALFORMED */
export async function readMembership(home: Home): Promise<Membership> {
  if (!existsSync(home.node)) throw new LedgerError('NO_HOME', { home: home.root })
  return await readJson(home.node, membershipSchema)
}

export interface RequestChoices {
  /** Another one than it was made with. */
  readonly role?: Node['role'] | undefined
}

/** Public keys with proofs that this node holds the private ones. @throws LedgerError as its parts do. */
export async function requestFor(home: Home, choices: RequestChoices = {}): Promise<CardRequest> {
  const { identity } = await opened(home)
  return requestOf(home, identity, choices)
}

/**
 * The same with the consensus key that is to follow, which is made unless there is one already. @throws LedgerError as its parts do.
 */
export async function requestWithSuccessor(home: Home, choices: RequestChoices = {}): Promise<CardRequest> {
  const { identity, root } = await opened(home)
  const known = await loadSuccessor(home.successor, root)
  const consensus = known ?? randomBytes(32)
  if (known === undefined) await createSuccessor(home.successor, root, consensus)
  return requestOf(home, { ...identity, consensus }, choices)
}

async function opened(home: Home): Promise<{ readonly identity: Identity; readonly root: RootKey }> {
  const config = await readConfig(home)
  const root = await unlock(config.unlock, home.keys)
  return { identity: await loadIdentity(home.identity, root), root }
}

async function requestOf(home: Home, identity: Identity, { role }: RequestChoices): Promise<CardRequest> {
  const membership = await readMembership(home)
  const { announce } = await readConfig(home)
  const node: Node = {
    ...membership,
    role: role ?? membership.role,
    keys: publicKeys(identity),
    addresses: announce,
  }
  return requestCard(node, {
    consensus: signingKeyOf(identity.consensus),
    transport: signingKeyOf(identity.transport),
    checkpoint: signingKeyOf(identity.checkpoint),
  })
}

function publicKeys({ consensus, transport, payload, checkpoint }: Identity): NodeKeys {
  return {
    consensus: signingKeyOf(consensus).publicKey,
    transport: signingKeyOf(transport).publicKey,
    payload: exchangePublicKey(payload),
    checkpoint: signingKeyOf(checkpoint).publicKey,
  }
}

/** DER of an X25519 private key up to its 32 bytes (RFC 8410, section 7). */
const privateKeyPrefix = fromHex('302e020100300506032b656e04220420')

/** The X25519 public key (RFC 7748, section 6.1) of a private one. */
function exchangePublicKey(secret: Uint8Array): Uint8Array {
  const key = Buffer.concat([privateKeyPrefix, secret])
  const { x } = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' })
  return new Uint8Array(Buffer.from(x ?? '', 'base64url'))
}

/** A name cannot be listened on: whoever gives one means every address of this machine, at that port. */
function listening(addresses: readonly string[]): Pick<Config, 'listen' | 'announce'> {
  const named = addresses.filter((address) => address.startsWith('/dns'))
  const listen = addresses.map((address) =>
    address.startsWith('/dns') ? `/ip4/0.0.0.0/tcp/${address.slice(address.lastIndexOf('/') + 1)}` : address,
  )
  return { listen: [...new Set(listen)], announce: named }
}
