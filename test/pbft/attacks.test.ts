// What a member that lies can send to correct nodes: three real nodes over real sockets and disks, and the fourth played by the
// test with that member's own keys. Each attack has its code, and the three go on.

import assert from 'node:assert/strict'
import { eventually } from '../../demo/processes.ts'
import { concat, utf8 } from '../../src/base/bytes.ts'
import { encodeCbor } from '../../src/base/cbor.ts'
import type { ErrorCode } from '../../src/base/errors.ts'
import {
  type Digest,
  digestOf,
  type Epoch,
  graphIdOf,
  ledgerIdOf,
  type NodeId,
  type Sequence,
  type Time,
  type View,
} from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { encode } from '../../src/base/schema.ts'
import { sign } from '../../src/base/signature.ts'
import { batchDigest, nullBatch, type RequestId } from '../../src/consensus/batch.ts'
import { type Result, resultBytes } from '../../src/consensus/statements.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { readMembership } from '../../src/node/membership.ts'
import type { NodeEvent, QuadrilleNode } from '../../src/node/node.ts'
import { type Envelope, envelopeSchema } from '../../src/node/wire.ts'
import { type Mesh, openMesh } from '../../src/p2p/mesh.ts'
import { voteBytes } from '../../src/pbft/claims.ts'
import { messageSchema, type PbftMessage, type Phase, type Vote } from '../../src/pbft/messages.ts'
import { type Identity, loadIdentity } from '../../src/store/identity.ts'
import { unlock } from '../../src/store/unlock.ts'
import { enrol, type Founded, foundFour, settled, statement } from '../node/consortium.ts'

const epoch = 0 as Epoch
const bounds = [0, 1, Number.MAX_SAFE_INTEGER] as const
const anyGraph = graphIdOf('ab'.repeat(16))

describe('Three real nodes and a member that lies', function () {
  this.timeout(60_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let liar: { readonly node: NodeId; readonly identity: Identity; readonly mesh: Mesh }
  const events: NodeEvent[] = []
  const failures: unknown[] = []

  before(async () => {
    founded = await foundFour({ suspectMs: 500, checkpointInterval: 4, window: 16 })
    const { genesis } = founded.genesis
    // Validators lead in the order of their ids: the one that leads view 0 is silent there, so that views change.
    const first = [...genesis.nodes].sort((a, b) => (a.id < b.id ? -1 : 1))[0]?.id ?? assert.fail()
    const ids = await Promise.all(
      [0, 1, 2, 3].map(async (number) => (await readMembership(homeAt(founded.home(number)))).id),
    )
    const place = ids.indexOf(first)
    liar = await openLiar(founded, place, first)
    const others = [0, 1, 2, 3].filter((number) => number !== place)
    nodes = await Promise.all(
      others.map((number) =>
        founded.open(number, {
          onEvent: (event) => void events.push(event),
          onFailure: (error) => void failures.push(error),
        }),
      ),
    )
    await Promise.all(nodes.map((node) => node.start()))
    await eventually('the liar is connected to all', async () => liar.mesh.peers().length === 3 || undefined)
    assert.equal((await enrol(founded, nodes)).code, 'OK')
  })

  after(async () => {
    await liar?.mesh.close()
    await Promise.all((nodes ?? []).map((each) => each.stop()))
    await founded.remove()
  })

  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode

  let statements = 0
  /** The three still agree. */
  const goesOn = async (): Promise<void> => {
    const { bytes, payload } = await statement(founded, ++statements)
    assert.equal((await node(statements % 3).submit(bytes, payload, AbortSignal.timeout(20_000))).code, 'OK')
    await settled(nodes)
  }

  const send = (envelope: Uint8Array): void => {
    for (const peer of liar.mesh.peers()) liar.mesh.send(peer, 'consensus', envelope)
  }

  const say = (message: PbftMessage): void =>
    send(encode(envelopeSchema, { type: 'protocol', message: encode(messageSchema, message), payloads: [] }))

  const vote = (phase: Phase, view: number, sequence: number, digest: Digest): Vote => {
    const about = { epoch, view: view as View, sequence: sequence as Sequence, digest }
    const signature = sign(phase, voteBytes(ledgerIdFor(founded.genesis.genesis), about), liar.identity.consensus)
    return { signer: liar.node, ...about, signature }
  }

  /** Each of the three says this code of the liar. */
  const told = async (type: 'refuse' | 'drop', code: ErrorCode, act: () => void): Promise<void> => {
    const before = events.length
    const heard = (): number =>
      events.slice(before).filter((event) => event.type === type && event.from === liar.node && event.code === code)
        .length
    act()
    await eventually(`${code} three times`, async () => heard() >= 3 || undefined, 10_000)
  }

  it('N6 a flipped bit in a vote: SIGNATURE_INVALID, and the vote does not count', async () => {
    const { height, round } = await node(0).status()
    const { signature, ...honest } = vote('prepare', round, height + 1, digestOf('ab'.repeat(32)))
    const flipped = signature.slice()
    flipped[40] = (flipped[40] as number) ^ 1
    await told('refuse', 'SIGNATURE_INVALID', () => say({ type: 'prepare', vote: { ...honest, signature: flipped } }))
    await goesOn()
  })

  it('N6 a PREPARE that is signed as a COMMIT, or for another ledger: SIGNATURE_INVALID', async () => {
    const digest = digestOf('cd'.repeat(32))
    const { height, round } = await node(0).status()
    await told('refuse', 'SIGNATURE_INVALID', () =>
      say({ type: 'commit', vote: vote('prepare', round, height + 1, digest) }),
    )
    const about = { epoch, view: round as View, sequence: (height + 1) as Sequence, digest }
    const signature = sign('prepare', voteBytes(ledgerIdOf('11'.repeat(32)), about), liar.identity.consensus)
    await told('refuse', 'SIGNATURE_INVALID', () =>
      say({ type: 'prepare', vote: { signer: liar.node, ...about, signature } }),
    )
    await goesOn()
  })

  it('N6 a result of another ledger: WRONG_LEDGER', async () => {
    const { height, head, logSize, logRoot } = await node(0).status()
    const result: Result = {
      ledger: ledgerIdOf('22'.repeat(32)),
      epoch,
      sequence: height as Sequence,
      block: head,
      logSize,
      logRoot,
      checkpoint: [],
    }
    const signature = sign('result', resultBytes(result), liar.identity.consensus)
    await told('refuse', 'WRONG_LEDGER', () =>
      say({ type: 'result', signed: { signer: liar.node, result, signature } }),
    )
    await goesOn()
  })

  it('N6 an unknown type, trailing bytes, a map, another encoding, and what is no CBOR have their codes', async () => {
    const height = encode(envelopeSchema, {
      type: 'height',
      journal: new Uint8Array(16),
      forgot: false,
      height: 1 as Sequence,
      final: [],
      time: 1 as Time,
      software: '1',
    })
    await told('refuse', 'UNKNOWN_MESSAGE', () => send(encodeCbor([99, 1])))
    await told('refuse', 'NON_CANONICAL', () => send(concat(height, Uint8Array.of(0))))
    // {1: 1, 1: 2}: duplicate keys. No format of ours has a map, so none is ever looked into.
    await told('refuse', 'NON_CANONICAL', () => send(Uint8Array.of(0xa2, 1, 1, 1, 2)))
    // [6, 1, 1, '1'] with a number in two bytes.
    await told('refuse', 'NON_CANONICAL', () => send(Uint8Array.of(0x84, 6, 0x18, 1, 1, 0x61, 0x31)))
    await told('refuse', 'MALFORMED', () => send(utf8('\u00ff\u00fe')))
    await goesOn()
  })

  it('N9 votes and proposals of a view that was left are STALE_MESSAGE, one of a view far ahead is OUTSIDE_WINDOW', async () => {
    await goesOn()
    const { height, round } = await node(0).status()
    assert.ok(round > 0, 'the silent leader of view 0 was replaced')
    const digest = batchDigest(nullBatch)
    await told('drop', 'STALE_MESSAGE', () =>
      say({ type: 'pre-prepare', vote: vote('pre-prepare', 0, height + 1, digest), batch: nullBatch }),
    )
    const stale = vote('prepare', round - 1, height + 1, digest)
    if ((round - 1) % 4 !== 0) await told('drop', 'STALE_MESSAGE', () => say({ type: 'prepare', vote: stale }))
    await told('drop', 'OUTSIDE_WINDOW', () =>
      say({ type: 'pre-prepare', vote: vote('pre-prepare', 4_000_000, height + 1, digest), batch: nullBatch }),
    )
    await goesOn()
  })

  it('N9 a vote far above the window is OUTSIDE_WINDOW, one for a settled height is STALE_MESSAGE', async () => {
    while ((await node(0).status()).stable < 4) await goesOn()
    const { round } = await node(0).status()
    const digest = digestOf('ef'.repeat(32))
    await told('drop', 'OUTSIDE_WINDOW', () => say({ type: 'commit', vote: vote('commit', round, 1_000_000, digest) }))
    await told('drop', 'STALE_MESSAGE', () => say({ type: 'commit', vote: vote('commit', round, 1, digest) }))
    await goesOn()
  })

  it('P26 a client that gives its payload to one node, garbage to another and nothing to the third holds nobody up', async () => {
    const { bytes, payload } = await statement(founded, ++statements)
    const garbage = payload.slice()
    garbage[garbage.length >> 1] = (garbage[garbage.length >> 1] as number) ^ 1
    const before = await Promise.all(nodes.map((each) => each.source().countQuads()))
    const signal = AbortSignal.timeout(20_000)
    const answers = await Promise.allSettled(
      [payload, garbage, new Uint8Array()].map((given, number) => node(number).submit(bytes, given, signal)),
    )
    const codes = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.code : answer.reason.code))
    assert.equal(codes[0], 'OK')
    // Told at once, or executed meanwhile by way of the first: never left waiting.
    for (const code of codes.slice(1)) assert.ok(['OK', 'PAYLOAD_UNAVAILABLE'].includes(code as string), String(code))
    await settled(nodes)
    const after = await Promise.all(nodes.map((each) => each.source().countQuads()))
    assert.deepEqual(
      after,
      before.map((count) => count + 3),
    )
    await goesOn()
  })

  it('L25 a member that says the least and the most that every message may hold stops nobody', async () => {
    const { height, head, logSize, logRoot } = await node(0).status()
    const some = digestOf('ab'.repeat(32))
    const result: Result = {
      ledger: ledgerIdFor(founded.genesis.genesis),
      epoch,
      sequence: height as Sequence,
      block: head,
      logSize,
      logRoot,
      checkpoint: [],
    }
    const certificates = [
      { result, signatures: [] },
      { result: { ...result, logSize: 0 }, signatures: [] },
      { result: { ...result, sequence: 0 as Sequence }, signatures: [] },
      { result: { ...result, epoch: bounds[2] as Epoch, sequence: bounds[2] as Sequence }, signatures: [] },
      { result: { ...result, checkpoint: [{ state: some, roster: some }] }, signatures: [] },
    ]
    const carried = { id: some as RequestId, payload: new Uint8Array() }
    // The last time of which ECMA-262 can say a date.
    const latest = 8_640_000_000_000_000
    const told = { time: 0 as Time, software: '', journal: new Uint8Array(16) }
    const envelopes: Envelope[] = [
      ...[[], [some as RequestId]].map((ids): Envelope => ({ type: 'payloads-wanted', ids })),
      ...[[], [carried]].map((payloads): Envelope => ({ type: 'payloads', payloads })),
      ...bounds.flatMap((from) =>
        [0, 1, limits.blocksPerAnswerMax].map(
          (count): Envelope => ({ type: 'blocks-wanted', from: from as Sequence, count }),
        ),
      ),
      ...bounds.flatMap((from): Envelope[] => [
        { type: 'blocks', from: from as Sequence, blocks: [] },
        {
          type: 'blocks',
          from: from as Sequence,
          blocks: [{ block: new Uint8Array(), payloads: [carried], kept: [] }],
        },
        { type: 'note-wanted', size: from },
        { type: 'result-wanted', height: from as Sequence },
        {
          type: 'height',
          ...told,
          height: from as Sequence,
          time: Math.min(from, latest) as Time,
          final: [],
          forgot: true,
        },
        { type: 'content', sequence: from as Sequence, erased: from, graphs: [{ graph: anyGraph, sum: some }] },
      ]),
      ...certificates.flatMap((certificate): Envelope[] => [
        { type: 'result', certificate },
        { type: 'height', ...told, height: height as Sequence, final: [certificate], forgot: false },
      ]),
      { type: 'note', note: Uint8Array.of(0xff, 0xfe) },
      { type: 'note', note: new Uint8Array() },
    ]
    for (const envelope of envelopes) send(encode(envelopeSchema, envelope))
    await goesOn()
    assert.deepEqual(failures, [])
  })

  it('N6 a member that goes on with it is cut off for a while, and the others are not disturbed', async () => {
    for (let n = 0; n < 64; n++) send(encodeCbor([99, n]))
    await eventually('it is cut off', async () => liar.mesh.peers().length === 0 || undefined)
    await goesOn()
  })
})

/** A mesh with the keys and at the address of one member. */
async function openLiar(
  founded: Founded,
  place: number,
  self: NodeId,
): Promise<{ node: NodeId; identity: Identity; mesh: Mesh }> {
  const home = homeAt(founded.home(place))
  const config = await readConfig(home)
  const identity = await loadIdentity(home.identity, await unlock(config.unlock, home.keys))
  const { genesis } = founded.genesis
  const mesh = await openMesh({
    ledger: ledgerIdFor(genesis),
    self,
    transportSeed: identity.transport,
    listen: config.listen,
    members: () =>
      genesis.nodes.map(({ id, keys, addresses }) => ({
        node: id,
        transportKey: keys.transport,
        addresses,
        suspended: false,
      })),
    onEvent: () => undefined,
  })
  return { node: self, identity, mesh }
}
