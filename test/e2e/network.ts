// The network between nodes of a test: every connection goes through this process, which holds back what one node says to another, or
// delays it. A held byte is not lost: like TCP's own it arrives once the link is back, if the connection lives that long.

import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** What one node says to another. */
interface Link {
  open: boolean
  delayMs: number
  readonly flows: Set<Flow>
}

/** One direction of one connection. */
class Flow {
  readonly #link: Link
  readonly #source: Socket

  constructor(link: Link, source: Socket, sink: Socket) {
    this.#link = link
    this.#source = source
    source.on('data', (bytes) => {
      const write = (): void => {
        if (!sink.destroyed && !sink.write(bytes)) {
          source.pause()
          sink.once('drain', () => this.settle())
        }
      }
      if (link.delayMs === 0) write()
      else setTimeout(write, link.delayMs)
    })
    source.once('close', () => {
      link.flows.delete(this)
      sink.destroy()
    })
    source.on('error', () => source.destroy())
    link.flows.add(this)
    this.settle()
  }

  /** As the link is now. */
  settle(): void {
    if (this.#link.open) this.#source.resume()
    else this.#source.pause()
  }
}

export class Network {
  readonly #links: Map<string, Link> = new Map()
  readonly #servers: Server[] = []
  readonly #sockets: Set<Socket> = new Set()
  /** For each node the ports that its own dialling goes to, by the port that it means. */
  readonly #routes: Record<string, number>[]
  readonly #count: number

  private constructor(count: number) {
    this.#count = count
    this.#routes = Array.from({ length: count }, () => ({}))
  }

  /** `ports`: where node 0, 1, ... listens on 127.0.0.1. */
  static async between(ports: readonly number[]): Promise<Network> {
    const network = new Network(ports.length)
    for (const from of ports.keys()) {
      for (const [to, port] of ports.entries()) if (from !== to) await network.#bridge(from, to, port)
    }
    return network
  }

  /** For route-hook.ts. */
  environmentOf(place: number): NodeJS.ProcessEnv {
    return { QUADRILLE_ROUTES: JSON.stringify(this.#routes[place]) }
  }

  /** What `from` says no longer reaches `to`, until `heal`. */
  cut(from: number, to: number): void {
    this.#set(from, to, { open: false })
  }

  /** Nobody of `some` hears anybody else, nor is heard. */
  split(some: readonly number[]): void {
    for (const from of this.#places) {
      for (const to of this.#places) if (from !== to && some.includes(from) !== some.includes(to)) this.cut(from, to)
    }
  }

  delay(ms: number): void {
    for (const from of this.#places) for (const to of this.#places) this.#set(from, to, { delayMs: ms })
  }

  /** Everybody hears everybody, at once. */
  heal(): void {
    for (const from of this.#places) for (const to of this.#places) this.#set(from, to, { open: true, delayMs: 0 })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((done) => server.close(done))))
  }

  get #places(): readonly number[] {
    return Array.from({ length: this.#count }, (_, place) => place)
  }

  #set(from: number, to: number, change: Partial<Pick<Link, 'open' | 'delayMs'>>): void {
    const link = this.#link(from, to)
    Object.assign(link, change)
    for (const flow of link.flows) flow.settle()
  }

  #link(from: number, to: number): Link {
    const name = `${from} to ${to}`
    const link = this.#links.get(name) ?? { open: true, delayMs: 0, flows: new Set() }
    this.#links.set(name, link)
    return link
  }

  async #bridge(from: number, to: number, port: number): Promise<void> {
    const server = createServer((inbound) => {
      const outbound = dial({ host: '127.0.0.1', port })
      for (const socket of [inbound, outbound]) {
        socket.setNoDelay(true)
        this.#sockets.add(socket)
        socket.once('close', () => this.#sockets.delete(socket))
      }
      new Flow(this.#link(from, to), inbound, outbound)
      new Flow(this.#link(to, from), outbound, inbound)
    })
    this.#servers.push(server)
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen(0, '127.0.0.1', done)
    })
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('a bridge has no port')
    const routes = this.#routes[from] as Record<string, number>
    routes[String(port)] = address.port
  }
}
