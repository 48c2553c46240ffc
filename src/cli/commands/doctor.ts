// quadrille doctor: what is wrong with a node and what to do next, in plain words. It asks the running node, looks at the
// home, and says what it can when the node does not run. Exit code 1 when something is wrong.

import { LedgerError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/schema.ts'
import { openRequester } from '../../http/client-request.ts'
import type { NodeHealth } from '../../node/health.ts'
import type { NodeStatus } from '../../node/node.ts'
import { checkHome, type SelfCheck } from '../../node/self-check.ts'
import { type Context, type Handler, type Options, optional } from '../context.ts'
import { diagnose, type Finding, gigabytes } from '../diagnosis.ts'
import { endpointOf } from '../node-access.ts'

const patienceMs = 5_000
/** A disk that takes longer to make 4 KiB durable holds up every vote. */
const syncMsMax = 250

interface Answered {
  readonly status: NodeStatus
  readonly health: NodeHealth
}

export const doctor: Handler = async (_args, options, context) => {
  // Another machine's node is known by its answers alone.
  const self = optional(options, 'endpoint') === undefined ? await checkHome(context.home) : undefined
  const answered = await ask(options, context, self)
  const findings = [
    ...(self === undefined ? [] : ofHome(self)),
    ...(answered instanceof LedgerError ? ofSilence(answered, self) : diagnose(answered.status, answered.health)),
  ]
  const isWrong = findings.some(({ weight }) => weight === 'wrong')
  const node = answered instanceof LedgerError ? null : answered
  context.answer(
    {
      healthy: !isWrong,
      findings: findings as unknown as JsonValue,
      status: (node?.status ?? null) as unknown as JsonValue,
      health: (node?.health ?? null) as unknown as JsonValue,
    },
    inWords(findings, node, self),
  )
  return isWrong ? 1 : 0
}

async function ask(options: Options, context: Context, self: SelfCheck | undefined): Promise<Answered | LedgerError> {
  if (self !== undefined && (self.config === undefined || !self.running)) return new LedgerError('NODE_UNREACHABLE')
  try {
    const endpoint = await endpointOf(options, context)
    const requester = openRequester({ endpoint, fetch, retryMs: 0 })
    const read = async <T>(path: string): Promise<T> =>
      (await (await requester.send(path, { signal: AbortSignal.timeout(patienceMs) })).json()) as T
    return { status: await read<NodeStatus>('/status'), health: await read<NodeHealth>('/health') }
  } catch (error) {
    if (error instanceof LedgerError) return error
    if (error instanceof Error && error.name === 'TimeoutError')
      return new LedgerError('NODE_UNREACHABLE', { seconds: patienceMs / 1000 })
    throw error
  }
}

function ofHome({ problems, disk }: SelfCheck): readonly Finding[] {
  const found = problems.map(({ code, message, next }): Finding => ({ weight: 'wrong', code, says: message, next }))
  if (disk === undefined || disk.syncMs <= syncMsMax) return found
  const says = `The disk took ${Math.round(disk.syncMs)} ms to make 4 KiB durable: every vote waits for that.`
  return [
    ...found,
    { weight: 'note', code: null, says, next: 'Look at its load and health, or give the node a disk of its own.' },
  ]
}

/** Why nobody answers. */
function ofSilence(error: LedgerError, self: SelfCheck | undefined): readonly Finding[] {
  if (self === undefined) return [{ weight: 'wrong', code: error.code, says: error.message, next: error.next }]
  if (self.running) {
    const isMute = self.config !== undefined && self.config.http === undefined
    const says = isMute
      ? 'A process runs this node, and its node.yaml gives it no HTTP, so nothing more can be asked.'
      : 'A process has this home open and does not answer over HTTP.'
    const next = isMute
      ? 'Add `http: { bind: 127.0.0.1:4780 }` to node.yaml to be told more.'
      : 'Look at its log; restart it if it stays so.'
    return [{ weight: isMute ? 'note' : 'wrong', code: isMute ? null : 'NODE_UNREACHABLE', says, next }]
  }
  const ready = self.problems.length === 0
  const next = ready
    ? 'Start it with `quadrille start`.'
    : 'Mend what is said above, then start it with `quadrille start`.'
  return [{ weight: 'wrong', code: null, says: 'This node does not run.', next }]
}

function inWords(findings: readonly Finding[], node: Answered | null, self: SelfCheck | undefined): readonly string[] {
  const wrong = findings.filter(({ weight }) => weight === 'wrong')
  const about =
    node === null ? 'this node' : `${node.status.nodeName} of ${node.status.organisation} on "${node.status.name}"`
  return [
    wrong.length === 0
      ? `Nothing is wrong with ${about}.`
      : `${wrong.length === 1 ? 'One thing is' : `${wrong.length} things are`} wrong with ${about}:`,
    ...findings.flatMap(({ weight, code, says, next }) => [
      `${weight === 'wrong' ? 'WRONG' : 'note '}  ${code === null ? '' : `${code}: `}${says}`,
      `       ${next}`,
    ]),
    ...(node === null ? [] : facts(node)),
    ...(self === undefined || self.keysUntried === '' ? [] : [`keys     not tried: ${self.keysUntried}`]),
  ]
}

function facts({ status, health }: Answered): readonly string[] {
  const { disk, clock, rounds } = health
  const changes = Object.entries(rounds.changes).map(([reason, count]) => `${reason} ${count}`)
  return [
    `height   ${status.height}, final ${status.final}; leader ${status.leader}, round ${status.round} (${changes.join(', ') || 'no change'})`,
    `quorum   ${status.quorum} of ${status.validators}; connected: ${status.connected.join(', ') || 'none'}`,
    ...health.peers.map(
      ({ name, connected, height, software, clockAheadMs }) =>
        `peer     ${name}: ${connected ? 'connected' : 'away'}, height ${height ?? 'not told'}, version ${software ?? 'not told'}, clock ${clockAheadMs === null ? 'not told' : `${clockAheadMs} ms ahead`}`,
    ),
    `disk     ${gigabytes(disk.freeBytes)} free; data ${gigabytes(Object.values(disk.bytes).reduce((sum, each) => sum + each, 0))}`,
    `clock    ${clock.aheadMs === null ? 'nobody to compare with' : `${clock.aheadMs} ms ahead of the others`}`,
    `runs     ${health.software} on Node ${health.runtime} for ${health.upSeconds} s`,
  ]
}
