// The network between the simulated nodes: it loses, delays, duplicates and reorders, and its links can be cut one way.

import type { NodeId } from '../../src/base/ids.ts'
import type { Priority, Transport } from '../../src/consensus/ports.ts'
import type { Random } from './random.ts'
import type { VirtualTime } from './time.ts'
import type { Weather } from './weather.ts'

export class Network {
  weather: Weather
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #cuts: Map<string, number> = new Map()

  constructor(time: VirtualTime, random: Random, weather: Weather) {
    this.#time = time
    this.#random = random
    this.weather = weather
  }

  /** Nothing passes from one to the other until it is healed or as many milliseconds are over. One way. */
  cut(from: NodeId, to: NodeId, ms: number): void {
    this.#cuts.set(`${from}>${to}`, this.#time.elapsed + ms)
  }

  heal(): void {
    this.#cuts.clear()
  }

  connected(from: NodeId, to: NodeId): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) <= this.#time.elapsed
  }

  /** `arrive` happens once, twice or never. A message under way when a link is cut still arrives. */
  carry(from: NodeId, to: NodeId, arrive: () => void): void {
    const { loss, duplicate } = this.weather
    if (!this.connected(from, to) || this.#random.chance(loss)) return
    this.#time.after(this.#delay(), arrive)
    if (this.#random.chance(duplicate)) this.#time.after(this.#delay() * 3, arrive)
  }

  #delay(): number {
    const { delayMsMin, delayMsMax, straggle } = this.weather
    const delay = this.#random.between(delayMsMin, delayMsMax)
    return this.#random.chance(straggle) ? delay * this.#random.between(2, 20) : delay
  }
}

/** Simulated transports of all `nodes` over ordered links that nothing disturbs: the port as its contract has it. */
export function simTransports(time: VirtualTime, nodes: readonly NodeId[]): ReadonlyMap<NodeId, Transport> {
  type Handler = (from: NodeId, priority: Priority, bytes: Uint8Array) => void
  const handlers = new Map<NodeId, Handler>()
  const open = new Set(nodes)
  const transportOf = (self: NodeId): Transport => ({
    send: (to, priority, bytes) => {
      if (to === self || !open.has(self) || !open.has(to)) return false
      const sent = bytes.slice()
      time.after(1, () => {
        if (open.has(to)) handlers.get(to)?.(self, priority, sent)
      })
      return true
    },
    onMessage: (handler) => {
      handlers.set(self, handler)
    },
    peers: () => (open.has(self) ? nodes.filter((node) => node !== self && open.has(node)) : []),
    close: async () => {
      open.delete(self)
    },
  })
  return new Map(nodes.map((node) => [node, transportOf(node)]))
}
