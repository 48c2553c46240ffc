// The load generator: connections that stay open and carry one request at a time each, HTTP/1.1 written by hand over plain
// sockets, so that it costs a fraction of what one node does. Either as many requests as the connections can carry, or a
// fixed number a second, whose latencies count from when each was due and not from when a connection was free.

import { connect, type Socket } from 'node:net'

/** A wait of this long for one answer is a failure, ms. */
const answerMsMax = 60_000

/** One keep-alive connection, one request at a time. */
class Connection {
  readonly #socket: Socket
  #answer = ''
  #settle: ((answer: string | Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setTimeout(answerMsMax, () => socket.destroy(new Error(`no answer within ${answerMsMax / 1_000} s`)))
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('the node closed the connection')))
  }

  static open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => resolve(new Connection(socket)))
      socket.once('error', reject)
    })
  }

  /** The body of the answer. @throws Error for any status but 200. */
  ask(request: Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settle = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer))
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#answer += text
    const end = this.#answer.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#answer.slice(0, end))?.[1] ?? 0)
    const body = this.#answer.slice(end + 4)
    if (body.length < length) return
    const fine = this.#answer.startsWith('HTTP/1.1 200')
    this.#answer = ''
    this.#end(fine ? body : new Error(body))
  }

  #end(answer: string | Error): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.(answer)
  }
}

/** What one node is asked, over how many connections. */
export interface Target {
  readonly url: string
  readonly requests: readonly Uint8Array[]
  readonly connections: number
}

export interface Measured {
  /** Answered with success. */
  readonly count: number
  readonly seconds: number
  /** Of each, ms. */
  readonly latencies: readonly number[]
  /** Of the highest block that one of them stands in. */
  readonly height: number
  /** Of each target, how many of its requests were used. */
  readonly used: readonly number[]
}

export interface Pace {
  readonly seconds: number
  /** All targets together; as many as can be when left out. */
  readonly perSecond?: number
}

/** Sends until the time is over or a target has nothing left, and waits for every answer. */
export async function drive(targets: readonly Target[], { seconds, perSecond }: Pace): Promise<Measured> {
  const latencies: number[] = []
  const used = targets.map(() => 0)
  let height = 0
  const lanes = await Promise.all(
    targets.map(async ({ url, connections }) =>
      Promise.all(Array.from({ length: connections }, () => Connection.open(url))),
    ),
  )
  const began = performance.now()
  const until = began + 1_000 * seconds
  const stepMs = perSecond === undefined ? 0 : (1_000 * targets.length) / perSecond
  const work = async (place: number, connection: Connection): Promise<void> => {
    const { requests } = targets[place] as Target
    for (;;) {
      const number = used[place] as number
      const due = perSecond === undefined ? performance.now() : began + stepMs * (number + place / targets.length)
      const request = requests[number]
      if (due >= until || performance.now() >= until || request === undefined) return
      used[place] = number + 1
      await pauseUntil(due)
      const answer = await connection.ask(request)
      latencies.push(performance.now() - due)
      height = Math.max(height, Number(/"height":(\d+)/.exec(answer)?.[1] ?? 0))
    }
  }
  try {
    await Promise.all(lanes.flatMap((lane, place) => lane.map((connection) => work(place, connection))))
  } finally {
    for (const connection of lanes.flat()) connection.close()
  }
  return { count: latencies.length, seconds: (performance.now() - began) / 1_000, latencies, height, used }
}

function pauseUntil(due: number): Promise<void> | undefined {
  const wait = due - performance.now()
  return wait <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, wait))
}

/** Of values in ms, at a share from 0 to 1; rounded to a tenth. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return Math.round(10 * value) / 10
}
