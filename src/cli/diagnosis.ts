// What is wrong with a running node, from what it says of itself, in plain words and with what to do next. Pure: what is
// measured here stands in node/health.ts, and who asks in commands/doctor.ts.

import { type ErrorCode, errorTable } from '../base/error-table.ts'
import { limits } from '../base/limits.ts'
import type { NodeHealth, PeerHealth } from '../node/health.ts'
import type { NodeStatus } from '../node/node.ts'

export interface Finding {
  /** Somebody must act; or somebody may want to know. */
  readonly weight: 'wrong' | 'note'
  readonly code: ErrorCode | null
  readonly says: string
  readonly next: string
}

/** Blocks that a peer may be behind: what is under way and what was told a second ago. */
const lagBlocks = 16
/** Anchors that may be missed before it is said. */
const anchorsLate = 3
const erasureSecondsMax = 86_400
const diskSecondsMin = 172_800
/** Round changes within so many seconds that are worth a word. */
const recentSeconds = 3_600

export function diagnose(status: NodeStatus, health: NodeHealth): readonly Finding[] {
  return [
    ...ofQuorum(status, health),
    ...ofState(status, health),
    ...ofPeers(status, health),
    ...ofClock(health),
    ...ofDisk(health),
    ...ofErasures(health),
    ...ofLocalLog(health),
    ...ofEvidence(status, health),
    ...ofContent(status),
    ...ofRounds(health),
    ...ofSoftware(health),
  ]
}

function wrong(code: ErrorCode, says: string, next: string = errorTable[code].next): Finding {
  return { weight: 'wrong', code, says, next }
}

function note(says: string, next: string): Finding {
  return { weight: 'note', code: null, says, next }
}

/** Which quorum is short by whom. */
function ofQuorum(status: NodeStatus, health: NodeHealth): readonly Finding[] {
  const { connected, missing, quorum, validators } = status
  if (missing.length === 0) return []
  const here = connected.length + 1
  const short = quorum - here
  const names = missing.map((name) => {
    const peer = health.peers.find((each) => each.name === name)
    return peer === undefined ? name : `${name} (${peer.organisation})`
  })
  const away = `${listed(names)} ${missing.length === 1 ? 'is' : 'are'} not connected`
  const margin = here - quorum
  const means =
    short > 0
      ? `${here} of ${validators} validators are connected, this one included, and ${quorum} must agree: ${short} more ${short === 1 ? 'is' : 'are'} needed, and until then nothing is ordered`
      : `${here} of ${validators} validators are connected and ${quorum} must agree: ${margin === 0 ? 'if one more fails, nothing is ordered' : `${margin} more may fail`}`
  const code = short > 0 ? 'QUORUM_AWAY' : 'PEER_UNREACHABLE'
  return [
    wrong(
      code,
      `${away}. ${means}.`,
      'Call those who run them: is the machine up, does the node run, is its port open?',
    ),
  ]
}

function ofState(status: NodeStatus, health: NodeHealth): readonly Finding[] {
  const found: Finding[] = []
  if (health.fenced !== null) {
    found.push(wrong(health.fenced, `This node signs nothing: ${lowered(errorTable[health.fenced].sentence)}`))
  }
  if (!status.serves && status.quorumConnected) {
    const highest = Math.max(status.height, ...Object.values(status.heights))
    found.push(
      note(
        `This node is at height ${status.height} and others are at ${highest}: it answers no query before it has caught up.`,
        'Wait: it fetches what it lacks by itself. `quadrille status` shows how far it is.',
      ),
    )
  }
  if (status.note !== '')
    found.push(note(`It waits: ${status.note}`, 'Wait a minute; if it stays so, read who is missing above.'))
  return found
}

function ofPeers(status: NodeStatus, { peers }: NodeHealth): readonly Finding[] {
  return peers.flatMap((peer) => [...refusalOf(peer), ...lagOf(status, peer)])
}

function refusalOf({ name, connected, refusal }: PeerHealth): readonly Finding[] {
  if (connected || refusal === null || refusal === 'PEER_UNREACHABLE') return []
  return [wrong(refusal, `${name} does not talk with this node: ${lowered(errorTable[refusal].sentence)}`)]
}

function lagOf(status: NodeStatus, { name, connected, height }: PeerHealth): readonly Finding[] {
  if (!connected || height === null || status.height - height <= lagBlocks) return []
  return [
    note(
      `${name} is ${status.height - height} blocks behind (height ${height}, this node ${status.height}).`,
      'If it does not come nearer within minutes, ask who runs it to run `quadrille doctor` there.',
    ),
  ]
}

function ofClock({ clock, peers }: NodeHealth): readonly Finding[] {
  if (clock.skewed && clock.aheadMs !== null) {
    const direction = clock.aheadMs > 0 ? 'ahead of' : 'behind'
    return [
      wrong(
        'CLOCK_SKEW',
        `The clock of this machine is ${span(Math.abs(clock.aheadMs) / 1000)} ${direction} those of the others.`,
      ),
    ]
  }
  return peers.flatMap(({ name, connected, clockAheadMs }) =>
    connected && clockAheadMs !== null && Math.abs(clockAheadMs) > limits.clockSkewWarnMs
      ? [
          note(
            `The clock of ${name} is ${span(Math.abs(clockAheadMs) / 1000)} ${clockAheadMs > 0 ? 'ahead' : 'behind'}.`,
            'Tell who runs it: an NTP service should set the clock there.',
          ),
        ]
      : [],
  )
}

function ofDisk({ disk }: NodeHealth): readonly Finding[] {
  const left = `${gigabytes(disk.freeBytes)} are free on its disk`
  if (disk.low)
    return [wrong('DISK_LOW', `${left}, less than limits.diskFreeMinGiB: this node takes no new transactions.`)]
  if (disk.secondsLeft !== null && disk.secondsLeft < diskSecondsMin) {
    return [
      note(
        `${left}, which last ${span(disk.secondsLeft)} at the pace of the last minutes.`,
        'Give it a larger disk before that.',
      ),
    ]
  }
  return []
}

function ofErasures({ erasures }: NodeHealth): readonly Finding[] {
  const found: Finding[] = []
  if (erasures.purgeFailure !== null) {
    found.push(
      wrong(
        erasures.purgeFailure,
        `This node could not attest an erasure: ${lowered(errorTable[erasures.purgeFailure].sentence)}`,
      ),
    )
  }
  const names = [...new Set(erasures.open.flatMap(({ missing }) => missing))]
  const oldest = Math.max(0, ...erasures.open.map(({ seconds }) => seconds))
  if (erasures.count > 0) {
    const says = `${erasures.count} erasure ${erasures.count === 1 ? 'order is' : 'orders are'} not complete, the oldest for ${span(oldest)}; missing: ${listed(names)}.`
    const next =
      'Ask those nodes to run `quadrille doctor`; `quadrille erase status ORDER` names who is missing for one.'
    found.push({ weight: oldest > erasureSecondsMax ? 'wrong' : 'note', code: null, says, next })
  }
  return found
}

function ofLocalLog({ local }: NodeHealth): readonly Finding[] {
  const { leaves, anchored, ageSeconds, everySeconds, failure } = local
  const open = leaves - anchored
  if (everySeconds === 0) {
    const says = 'The local log of this node is not anchored: nothing outside it shows whether somebody changed it.'
    return [note(says, 'Set audit.anchorMinutes in node.yaml to some minutes and start the node again.')]
  }
  const isLate = ageSeconds === null ? failure !== null : ageSeconds > anchorsLate * everySeconds
  if (open === 0 || !isLate) return []
  const last = ageSeconds === null ? 'never' : `last ${span(ageSeconds)} ago`
  const why = failure === null ? '' : `: ${lowered(errorTable[failure].sentence)}`
  const says = `The local log of this node has ${open} leaves that are not anchored (${last})${why}`
  return [note(says, 'It is tried again by itself. If it stays so, look at what else is said here.')]
}

function ofEvidence({ accused, convicted }: NodeStatus, { mismatches, fenced }: NodeHealth): readonly Finding[] {
  const found: Finding[] = []
  const next =
    'Look with `quadrille evidence list` and call the other members: such a node lies, or runs twice. They may vote it out.'
  for (const { name, epoch, height } of convicted) {
    const says = `${name} contradicted itself in epoch ${epoch}: the evidence stands in block ${height}.`
    found.push({ weight: 'wrong', code: null, says, next })
  }
  const others = accused.filter((name) => !convicted.some((each) => each.name === name))
  if (others.length > 0) {
    const says = `This node keeps evidence, which the log lacks so far, that ${listed(others)} contradicted ${others.length === 1 ? 'itself' : 'themselves'}.`
    found.push({ weight: 'wrong', code: null, says, next })
  }
  if (mismatches > 0 && fenced === null)
    found.push(wrong('RESULT_DIVERGED', 'A quorum executed a block with another result than this node.'))
  return found
}

function ofContent({ diverged, differing }: NodeStatus): readonly Finding[] {
  const own = diverged.map((graph) =>
    wrong('CONTENT_DIVERGED', `This node holds other quads of <${graph}> than the others: that graph answers nothing.`),
  )
  if (differing.length === 0) return own
  const says = `${listed(differing)} ${differing.length === 1 ? 'holds' : 'hold'} other quads than this node.`
  const next = 'Run `quadrille store verify` there and here; whoever is wrong runs `quadrille store repair`.'
  return [...own, { weight: 'wrong', code: 'CONTENT_DIVERGED', says, next }]
}

function ofRounds({ rounds }: NodeHealth): readonly Finding[] {
  const recent = rounds.last.filter(({ secondsAgo, reason }) => secondsAgo < recentSeconds && reason !== 'started')
  const last = recent.at(-1)
  if (last === undefined) return []
  const times = recent.length === 1 ? 'The leader changed once' : `The leader changed ${recent.length} times`
  const says = `${times} within the last hour, last ${span(last.secondsAgo)} ago to ${last.leader} in round ${last.round}: ${last.reason}.`
  return [
    note(says, 'Once in a while is nothing. Many mean a slow or failing leader, or a bad network: see who is named.'),
  ]
}

function ofSoftware({ software, peers, refused }: NodeHealth): readonly Finding[] {
  const found: Finding[] = []
  const others = peers.filter((peer) => peer.software !== null && peer.software !== software)
  if (others.length > 0) {
    const names = others.map(({ name, software: theirs }) => `${name} runs ${theirs}`)
    found.push(
      note(
        `This node runs ${software}; ${listed(names)}.`,
        'Bring all to one version when it suits; activations wait for it.',
      ),
    )
  }
  const total = Object.values(refused).reduce((sum, count) => sum + count, 0)
  if (total > 0) {
    const codes = Object.entries(refused).map(([code, count]) => `${count} ${code}`)
    found.push(
      note(
        `${total} messages of peers were refused since the start: ${listed(codes)}.`,
        'The log names the peer of each.',
      ),
    )
  }
  return found
}

function listed(names: readonly string[]): string {
  const last = names.at(-1)
  return last === undefined ? 'nobody' : names.length === 1 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

/** 90 s, 12 min, 3 h, 2 days. */
function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}

export function gigabytes(bytes: number): string {
  return `${(bytes / 1_073_741_824).toFixed(1)} GiB`
}
