// Which figures a node shows to Prometheus: the protocol's, the mesh's, the disk's, those of erasures and those of HTTP
// itself. Labels are few and bounded: routes, codes, reasons and the names of nodes; never graphs, keys or persons.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Histogram } from '../base/histogram.ts'
import type { NodeHealth } from '../node/health.ts'
import { counter, gauge, histogram, type Lines, labelled, type Sample } from './exposition.ts'
import type { HttpCounters, HttpKeys, HttpNode, HttpStatus } from './node-port.ts'

/** What the server counts about itself. */
export class Figures {
  readonly #requests = new Map<string, Sample>()
  readonly #queries = new Histogram()
  readonly #delay = monitorEventLoopDelay({ resolution: 20 })

  constructor() {
    this.#delay.enable()
  }

  /** `route` is a pattern of ours, `code` an HTTP status. */
  answered(route: string, code: number): void {
    const key = `${code} ${route}`
    const value = (this.#requests.get(key)?.value ?? 0) + 1
    this.#requests.set(key, { labels: { route, code: String(code) }, value })
  }

  queried(seconds: number): void {
    this.#queries.observe(seconds)
  }

  lines(): Lines {
    const late = this.#delay.percentile(99) / 1e9
    this.#delay.reset()
    return [
      ...counter('http_requests_total', 'HTTP requests by route and status', [...this.#requests.values()]),
      ...histogram('query_seconds', 'Time of SPARQL queries, to their last byte', this.#queries.figures()),
      ...gauge('event_loop_delay_seconds', 'How late timers were since the last look, 99th percentile', late),
    ]
  }

  close(): void {
    this.#delay.disable()
  }
}

export async function metricsText(node: HttpNode, figures: Figures): Promise<string> {
  const [status, health] = await Promise.all([node.status(), node.health()])
  return [
    ...agreementLines(status, health),
    ...meshLines(status, health, node.counters()),
    ...storeLines(status, health, node.keys()),
    ...erasureLines(health),
    ...localLines(health),
    ...figures.lines(),
    ...processLines(health),
    '',
  ].join('\n')
}

function agreementLines(status: HttpStatus, health: NodeHealth): Lines {
  return [
    ...gauge('height', 'Height of the last executed block', status.height),
    ...gauge('final_height', 'Height up to which a quorum is known to agree', status.final),
    ...gauge('log_leaves', 'Leaves of the audit log', status.logSize),
    ...gauge('epoch', 'Period with one validator set', status.epoch),
    ...gauge('round', "The protocol's view or term", status.round),
    ...counter(
      'round_changes_total',
      'Rounds that began, by why, as far as this node knows',
      labelled('reason', Object.entries(health.rounds.changes)),
    ),
    ...gauge(
      'quorum_margin',
      'Connected validators, this one included, above the quorum',
      status.connected.length + 1 - status.quorum,
    ),
    ...gauge('waiting', 'Requests that wait for execution', status.waiting),
    ...histogram(
      'commit_latency_seconds',
      'From the arrival of a transaction at this node until it is final',
      health.commits,
    ),
    ...gauge('evidence', 'Pieces of evidence against validators that this node keeps', status.evidence),
    ...gauge('convicted', 'Validators that the log shows to have contradicted themselves', status.convicted.length),
    ...counter('evidence_total', 'Contradictions of validators that this node met since its start', health.evidence),
    ...counter(
      'state_mismatch_total',
      'Blocks that others executed with another result, a quorum or more than may lie',
      health.mismatches,
    ),
    ...gauge(
      'content_diverged',
      'Graphs that answer nothing, because the others hold other quads',
      status.diverged.length,
    ),
    ...gauge('fenced', '1 while this node signs nothing', health.fenced === null ? 0 : 1),
  ]
}

function meshLines(status: HttpStatus, { peers, refused, dropped, clock }: NodeHealth, mesh: HttpCounters): Lines {
  const lags = peers.flatMap(({ name, height }): readonly Sample[] =>
    height === null ? [] : [{ labels: { peer: name }, value: Math.max(0, status.height - height) }],
  )
  return [
    ...gauge('peers_connected', 'Peers that messages can be sent to', mesh.peersConnected),
    ...gauge('peer_lag_blocks', 'Blocks that this node has and a peer has not', lags),
    ...counter('frames_sent_total', 'Frames sent to peers', mesh.framesSent),
    ...counter('frames_received_total', 'Frames received from peers', mesh.framesReceived),
    ...counter('messages_sent_total', 'Messages in those frames', mesh.messagesSent),
    ...counter('messages_received_total', 'Messages in those frames', mesh.messagesReceived),
    ...counter('mesh_sent_bytes_total', 'Bytes sent to peers', mesh.bytesSent),
    ...counter('mesh_received_bytes_total', 'Bytes received from peers', mesh.bytesReceived),
    ...counter(
      'messages_dropped_total',
      'Messages for a peer that was away or whose queue was full',
      mesh.messagesDropped,
    ),
    ...gauge('queue_bytes', 'Bytes that wait for peers', labelled('priority', Object.entries(mesh.queuedBytes))),
    ...counter(
      'frames_refused_total',
      'Connections, streams and frames refused, by code',
      labelled('code', mesh.refused),
    ),
    ...counter('refused_total', 'Messages of peers refused, by code', labelled('code', Object.entries(refused))),
    ...counter(
      'messages_outdated_total',
      'Messages that came too late or from too far ahead, by code',
      labelled('code', Object.entries(dropped)),
    ),
    ...gauge('clock_offset_seconds', 'This clock against the median of the others', (clock.aheadMs ?? 0) / 1000),
  ]
}

function storeLines(status: HttpStatus, { disk, store }: NodeHealth, { keys, rotation }: HttpKeys): Lines {
  // The key for look-ups never turns, and a journal begins a new one whenever it is opened.
  const turning = keys.filter(({ purpose, state }) => state === 'active' && !['lookup', 'journal'].includes(purpose))
  const ages = turning.map(({ purpose, ageSeconds }): Sample => ({ labels: { kind: purpose }, value: ageSeconds }))
  return [
    ...gauge('quads', 'Quads that hold now', status.quads),
    ...gauge('disk_bytes', 'Bytes of files, by what they hold', labelled('kind', Object.entries(disk.bytes))),
    ...gauge('disk_free_bytes', 'What is left on the disk', disk.freeBytes),
    ...gauge(
      'disk_free_seconds',
      'Until the disk is full at the pace of the last minutes',
      disk.secondsLeft ?? Number.POSITIVE_INFINITY,
    ),
    ...gauge('disk_low', '1 while the disk has too little room for new transactions', disk.low ? 1 : 0),
    ...histogram('fsync_seconds', 'Time to make a turn of the protocol durable', disk.syncs),
    ...gauge('index_segments', 'Files of the index', store.segments),
    ...gauge(
      'merge_backlog_bytes',
      'What waits to be written into the index, or into larger files',
      store.backlogBytes,
    ),
    ...counter('cache_hits', 'Index blocks that were found in memory', store.cache.hits),
    ...counter('cache_misses', 'Index blocks that were read from the disk', store.cache.misses),
    ...gauge('rekey_active', '1 while keys at rest turn', rotation ? 1 : 0),
    ...gauge('rekey_records_done', 'Records sealed anew by the rotation under way', rotation?.done ?? 0),
    ...gauge('rekey_records_left', 'Records that it has still to seal anew', rotation?.left ?? 0),
    ...gauge('key_age_seconds', 'Age of the key that seals, by what it seals', ages),
  ]
}

function localLines({ local }: NodeHealth): Lines {
  return [
    ...gauge('local_log_leaves', "Leaves of this node's local log", local.leaves),
    ...gauge(
      'local_log_unanchored',
      'Leaves of it that no anchor in the consortium log covers yet',
      local.leaves - local.anchored,
    ),
    ...gauge(
      'anchor_age_seconds',
      'Since the local log was last anchored; infinite before the first time',
      local.ageSeconds ?? Number.POSITIVE_INFINITY,
    ),
  ]
}

function erasureLines({ erasures }: NodeHealth): Lines {
  const { open, count } = erasures
  const missing = open.reduce((sum, each) => sum + each.missing.length, 0)
  return [
    ...gauge('erasure_open', 'Erasure orders that not every node has attested', count),
    ...gauge('erasure_oldest_seconds', 'Age of the oldest of them', Math.max(0, ...open.map(({ seconds }) => seconds))),
    ...gauge('attestations_missing', 'Attestations that they lack', missing),
  ]
}

function processLines({ software, runtime, upSeconds }: NodeHealth): Lines {
  const { heapUsed, rss } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return [
    ...gauge('build_info', 'Always 1: what runs here', [{ labels: { version: software, node: runtime }, value: 1 }]),
    ...gauge('process_uptime_seconds', 'Since the node started', upSeconds),
    ...gauge('process_heap_bytes', 'Used heap', heapUsed),
    ...gauge('process_resident_bytes', 'Resident memory', rss),
    ...counter('process_cpu_seconds_total', 'CPU time', (user + system) / 1e6),
  ]
}
