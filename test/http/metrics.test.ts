// What a node shows to Prometheus: the figures are right, the text is in its format, labels are few, and the documents name
// exactly what is there.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Histogram } from '../../src/base/histogram.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { FakeNode } from './fake-node.ts'

const root = resolve(import.meta.dirname, '../..')

interface Shown {
  readonly text: string
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly { readonly name: string; readonly labels: string; readonly value: number }[]
}

/** Prometheus text, read strictly: https://prometheus.io/docs/instrumenting/exposition_formats/. */
function read(text: string): Shown {
  assert.ok(text.endsWith('\n'))
  const types = new Map<string, string>()
  const samples: { name: string; labels: string; value: number }[] = []
  const helped = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP (quadrille_[a-z0-9_]+) \S.*$/.exec(line)
    const type = /^# TYPE (quadrille_[a-z0-9_]+) (gauge|counter|histogram)$/.exec(line)
    const sample =
      /^(quadrille_[a-z0-9_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?|\+Inf)$/.exec(
        line,
      )
    if (help !== null) {
      assert.ok(!helped.has(help[1] as string), `${help[1]} twice`)
      helped.add(help[1] as string)
    } else if (type !== null) {
      assert.ok(helped.has(type[1] as string), line)
      types.set(type[1] as string, type[2] as string)
    } else {
      assert.ok(sample !== null, line)
      const [, name = '', labels = '', value = ''] = sample
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
      assert.ok(types.has(family), `${name} has no type`)
      samples.push({ name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) })
    }
  }
  return { text, types, samples }
}

describe('metrics', function () {
  // The first query loads the engine.
  this.timeout(60_000)
  let server: HttpServer
  let shown: Shown

  before(async () => {
    server = await startHttp({
      bind: { host: '127.0.0.1', port: 0 },
      node: new FakeNode(),
      onError: (error) => assert.fail(String(error)),
    })
    await (await fetch(`${server.url}/sparql?query=ASK{}`)).text()
    await fetch(`${server.url}/keys/rotate`, { method: 'POST' })
    await fetch(`${server.url}/none?graph=urn:g:people`)
    const answer = await fetch(`${server.url}/metrics`)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    shown = read(await answer.text())
  })

  after(() => server.close())

  it('give the figures of the node, the mesh, the disk, erasures and HTTP', () => {
    for (const line of [
      'quadrille_height 7',
      'quadrille_quorum_margin 0',
      'quadrille_round_changes_total{reason="leader silent"} 2',
      'quadrille_commit_latency_seconds_bucket{le="0.025"} 1',
      'quadrille_commit_latency_seconds_count 1',
      'quadrille_peer_lag_blocks{peer="a \\"quoted\\" \\\\ name"} 3',
      'quadrille_refused_total{code="SIGNATURE_INVALID"} 3',
      'quadrille_messages_outdated_total{code="STALE_MESSAGE"} 4',
      'quadrille_frames_refused_total{code="FRAME_TOO_LARGE"} 1',
      'quadrille_queue_bytes{priority="sync"} 10',
      'quadrille_clock_offset_seconds -1.5',
      'quadrille_disk_bytes{kind="store"} 4',
      'quadrille_disk_free_seconds +Inf',
      'quadrille_local_log_leaves 12',
      'quadrille_local_log_unanchored 3',
      'quadrille_anchor_age_seconds 61',
      'quadrille_key_age_seconds{kind="payload"} 86400',
      'quadrille_rekey_records_left 7',
      'quadrille_erasure_open 1',
      'quadrille_attestations_missing 1',
      'quadrille_http_requests_total{route="none",code="404"} 1',
      'quadrille_query_seconds_count 1',
      'quadrille_build_info{version="0.1.0",node="v20.0.0"} 1',
    ]) {
      assert.ok(shown.text.includes(`\n${line}\n`), `${line} in\n${shown.text}`)
    }
  })

  it('give the age of keys that turn, and neither of the key for look-ups nor of the journal', () => {
    const ages = shown.samples.filter(({ name }) => name === 'quadrille_key_age_seconds')
    assert.deepEqual(
      ages.map(({ labels }) => labels),
      ['kind="payload"'],
    )
  })

  it('are all described in docs/operations.md, and no document names one that is not there', () => {
    const page = readFileSync(resolve(root, 'docs/operations.md'), 'utf8')
    const described = new Set([...page.matchAll(/^\| `(quadrille_[a-z0-9_]+)/gm)].map(([, name]) => name))
    assert.deepEqual([...described].sort(), [...shown.types.keys()].sort())
    const pages = [
      'README.md',
      ...readdirSync(resolve(root, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ]
    const named = pages.flatMap((name) =>
      [...readFileSync(resolve(root, name), 'utf8').matchAll(/\bquadrille_[a-z0-9_]+/g)].map(([metric]) => metric),
    )
    const known = (name: string): boolean =>
      shown.types.has(name.replace(/_(bucket|sum|count)$/, '')) || shown.types.has(name)
    assert.deepEqual(
      named.filter((name) => !known(name)),
      [],
    )
  })

  it('have labels whose values are bounded: routes, codes, reasons, kinds and nodes, and nothing that was asked for', () => {
    const labels = new Set(
      shown.samples.flatMap(({ labels: text }) => [...text.matchAll(/([a-z]+)="/g)].map(([, name]) => name)),
    )
    assert.deepEqual([...labels].sort(), [
      'code',
      'kind',
      'le',
      'node',
      'peer',
      'priority',
      'reason',
      'route',
      'version',
    ])
    assert.doesNotMatch(shown.text, /urn:g|ASK|people/)
  })

  it('have histograms whose classes add up', () => {
    const buckets = shown.samples
      .filter(({ name }) => name === 'quadrille_query_seconds_bucket')
      .map(({ value }) => value)
    assert.deepEqual(
      buckets,
      buckets.toSorted((a, b) => a - b),
    )
    const times = new Histogram()
    for (const seconds of [0.0004, 0.03, 0.03, 1_000]) times.observe(seconds)
    const { atMost, count, sum } = times.figures()
    assert.deepEqual(
      [atMost[0]?.count, atMost.find(({ seconds }) => seconds === 0.05)?.count, atMost.at(-1)?.count],
      [1, 3, 3],
    )
    assert.deepEqual([count, sum], [4, 1_000.0604])
  })
})
