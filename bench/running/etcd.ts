// etcd beside our own figures, in the same run: three members on this machine, every write fsynced, as many clients over all
// members with one write of 200 bytes open each. They speak gRPC over HTTP/2, as etcd's own clients do: the messages are
// small enough to be written by hand (etcd's api/etcdserverpb/rpc.proto, gRPC's PROTOCOL-HTTP2.md).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientHttp2Session, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, freePorts } from '../../demo/processes.ts'
import { concat, utf8 } from '../../src/base/bytes.ts'
import { percentile } from './load.ts'
import { usageOf } from './network.ts'

export interface EtcdOptions {
  readonly seconds: number
  readonly clients: number
  readonly members: number
}

export type EtcdRow = {
  readonly version: string
  readonly members: number
  readonly writesPerSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly halfLoadP50Ms: number
  readonly halfLoadP99Ms: number
  readonly cpuSecondsPerMember: number
  readonly rssMiB: number
  readonly valueBytes: number
  readonly generatorCpuSeconds: number
}

const valueBytes = 200
const warmUpSeconds = 2

/** Undefined where etcd is not installed. */
export async function measureEtcd({ seconds, clients, members }: EtcdOptions): Promise<EtcdRow | undefined> {
  const version = /etcd Version: (\S+)/.exec(spawnSync('etcd', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
  if (version === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'quadrille-etcd-'))
  const cluster = await start(folder, members)
  try {
    await eventually('etcd takes writes', async () => {
      await drive(cluster.urls, { seconds: 0.05, clients: 1 })
      return true
    })
    await drive(cluster.urls, { seconds: warmUpSeconds, clients })
    const own = process.cpuUsage()
    const before = await Promise.all(cluster.processes.map(({ pid }) => usageOf(pid ?? 0)))
    const full = await drive(cluster.urls, { seconds, clients })
    const generator = process.cpuUsage(own)
    const after = await Promise.all(cluster.processes.map(({ pid }) => usageOf(pid ?? 0)))
    const writesPerSecond = full.latencies.length / full.seconds
    const half = await drive(cluster.urls, { seconds: seconds / 2, clients, perSecond: writesPerSecond / 2 })
    const cpu = after.map(({ cpuSeconds }, place) => cpuSeconds - (before[place]?.cpuSeconds ?? 0))
    const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length
    return {
      version,
      members,
      writesPerSecond: Math.round(writesPerSecond),
      p50Ms: percentile(full.latencies, 0.5),
      p95Ms: percentile(full.latencies, 0.95),
      p99Ms: percentile(full.latencies, 0.99),
      halfLoadP50Ms: percentile(half.latencies, 0.5),
      halfLoadP99Ms: percentile(half.latencies, 0.99),
      cpuSecondsPerMember: Math.round(100 * mean(cpu)) / 100,
      rssMiB: Math.round(mean(after.map(({ rssMiB }) => rssMiB))),
      valueBytes,
      generatorCpuSeconds: Math.round((generator.user + generator.system) / 1e4) / 100,
    }
  } finally {
    for (const each of cluster.processes) each.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

interface Cluster {
  readonly urls: readonly string[]
  readonly processes: readonly ChildProcess[]
}

async function start(folder: string, members: number): Promise<Cluster> {
  const ports = await freePorts(2 * members)
  const places = Array.from({ length: members }, (_, place) => ({
    name: `member-${place}`,
    client: `http://127.0.0.1:${ports[2 * place]}`,
    peer: `http://127.0.0.1:${ports[2 * place + 1]}`,
  }))
  const initial = places.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const processes = places.map(({ name, client, peer }) =>
    spawn(
      'etcd',
      [
        ...['--name', name, '--data-dir', join(folder, name), '--log-level', 'error'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', initial],
      ],
      { stdio: 'ignore' },
    ),
  )
  return { urls: places.map(({ client }) => client), processes }
}

interface Load {
  readonly seconds: number
  readonly clients: number
  /** As many as can be when left out. */
  readonly perSecond?: number
}

async function drive(
  urls: readonly string[],
  { seconds, clients, perSecond }: Load,
): Promise<{ readonly latencies: readonly number[]; readonly seconds: number }> {
  const sessions = await Promise.all(urls.map(open))
  const latencies: number[] = []
  let begun = 0
  const start = performance.now()
  const until = start + 1_000 * seconds
  const work = async (session: ClientHttp2Session): Promise<void> => {
    for (;;) {
      const number = begun
      const due = perSecond === undefined ? performance.now() : start + (1_000 * number) / perSecond
      if (due >= until || performance.now() >= until) return
      begun += 1
      if (due > performance.now()) await new Promise((done) => setTimeout(done, due - performance.now()))
      await put(session, number)
      latencies.push(performance.now() - due)
    }
  }
  try {
    const lanes = Array.from({ length: clients }, (_, client) => sessions[client % sessions.length])
    await Promise.all(lanes.map((session) => session && work(session)))
  } finally {
    for (const session of sessions) session.destroy()
  }
  return { latencies, seconds: (performance.now() - start) / 1_000 }
}

function open(url: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url)
    session.once('connect', () => {
      session.off('error', reject)
      // A session that breaks fails the streams on it, and those are heard.
      session.on('error', () => undefined)
      resolve(session)
    })
    session.once('error', reject)
  })
}

/** One PutRequest {key = 1, value = 2}, awaited until its status. @throws Error when it is not OK. */
function put(session: ClientHttp2Session, number: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/etcdserverpb.KV/Put',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: unknown = 'no answer'
    const heard = (headers: { readonly [name: string]: unknown }): void => {
      status = headers['grpc-status'] ?? status
    }
    stream.on('response', heard)
    stream.on('trailers', heard)
    stream.on('data', () => undefined)
    stream.on('error', reject)
    stream.on('close', () => (status === '0' ? resolve() : reject(new Error(`etcd: gRPC status ${status}`))))
    stream.end(grpcFrame(concat(field(1, utf8(`key-${number}`)), field(2, new Uint8Array(valueBytes).fill(number)))))
  })
}

/** A field of bytes in protobuf; lengths below 2^14. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  return concat(Uint8Array.of((number << 3) | 2, ...length), bytes)
}

/** Not compressed, then the length in four bytes. */
function grpcFrame(message: Uint8Array): Uint8Array {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(1, message.length)
  return concat(head, message)
}
