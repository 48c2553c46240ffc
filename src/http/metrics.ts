// Figures in the text format of Prometheus (version 0.0.4): the node's, the mesh's, and those of HTTP itself. Labels are
// few and bounded: routes and codes, never graphs, keys or peers.

import type { HttpNode } from './node-port.ts'

export const metricsMediaType = 'text/plain; version=0.0.4; charset=utf-8'

/** What the server counts about itself. */
export class Figures {
  readonly #requests = new Map<string, number>()
  #queries = 0
  #querySeconds = 0

  /** `route` is a pattern of ours, `code` an HTTP status. */
  answered(route: string, code: number): void {
    const labels = `route="${route}",code="${code}"`
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1)
  }

  queried(seconds: number): void {
    this.#queries += 1
    this.#querySeconds += seconds
  }

  lines(): readonly string[] {
    return [
      ...family('http_requests_total', 'counter', 'HTTP requests by route and status', this.#requests),
      '# HELP quadrille_query_seconds Time of SPARQL queries, to their last byte',
      '# TYPE quadrille_query_seconds summary',
      `quadrille_query_seconds_sum ${this.#querySeconds}`,
      `quadrille_query_seconds_count ${this.#queries}`,
    ]
  }
}

export async function metricsText(node: HttpNode, figures: Figures): Promise<string> {
  const status = await node.status()
  const mesh = node.counters()
  const { heapUsed, rss } = process.memoryUsage()
  const refused = new Map([...mesh.refused].map(([code, count]) => [`code="${code}"`, count]))
  const queued = new Map(Object.entries(mesh.queuedBytes).map(([priority, bytes]) => [`priority="${priority}"`, bytes]))
  return [
    ...gauge('height', 'Height of the last executed block', status.height),
    ...gauge('final_height', 'Height up to which a quorum is known to agree', status.final),
    ...gauge('quads', 'Quads that hold now', status.quads),
    ...gauge('log_leaves', 'Leaves of the audit log', status.logSize),
    ...gauge('epoch', 'Period with one validator set', status.epoch),
    ...gauge('round', "The protocol's view or term", status.round),
    ...gauge(
      'quorum_margin',
      'Connected validators, this one included, above the quorum',
      status.connected.length + 1 - status.quorum,
    ),
    ...gauge('waiting', 'Requests that wait for execution', status.waiting),
    ...gauge('peers_connected', 'Peers that messages can be sent to', mesh.peersConnected),
    ...counter('frames_sent_total', 'Frames sent to peers', mesh.framesSent),
    ...counter('frames_received_total', 'Frames received from peers', mesh.framesReceived),
    ...counter('mesh_sent_bytes_total', 'Bytes sent to peers', mesh.bytesSent),
    ...counter('mesh_received_bytes_total', 'Bytes received from peers', mesh.bytesReceived),
    ...counter(
      'messages_dropped_total',
      'Messages for a peer that was away or whose queue was full',
      mesh.messagesDropped,
    ),
    ...family('refused_total', 'counter', 'Refusals of peers by code', refused),
    ...family('queue_bytes', 'gauge', 'Bytes that wait for peers', queued),
    ...figures.lines(),
    ...gauge('process_heap_bytes', 'Used heap', heapUsed),
    ...gauge('process_resident_bytes', 'Resident memory', rss),
    ...counter(
      'process_cpu_seconds_total',
      'CPU time',
      process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    ),
    '',
  ].join('\n')
}

function gauge(name: string, help: string, value: number): readonly string[] {
  return family(name, 'gauge', help, new Map([['', value]]))
}

function counter(name: string, help: string, value: number): readonly string[] {
  return family(name, 'counter', help, new Map([['', value]]))
}

/** One metric; `values` by their labels as they are written. */
function family(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  values: ReadonlyMap<string, number>,
): readonly string[] {
  return [
    `# HELP quadrille_${name} ${help}`,
    `# TYPE quadrille_${name} ${type}`,
    ...[...values].map(([labels, value]) => `quadrille_${name}${labels === '' ? '' : `{${labels}}`} ${value}`),
  ]
}
