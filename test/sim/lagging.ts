// Blocks that the protocol does not bring to a node, as node/heights.ts has it: peers tell their heights and what is final, and one
// that does not vote fetches. A node that merely believes that it votes is helped too; one that does is left to its core, which must
// get on by itself. Only where members trust one another's code: PBFT's cores help those who follow.

import type { NodeId } from '../../src/base/ids.ts'
import type { Succession } from '../../src/consensus/succession.ts'
import type { Host } from './host.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

export class Lagging<Message> {
  readonly #stage: Stage<Message>
  readonly #host: Host<Message>
  readonly #random: Random

  constructor(stage: Stage<Message>, host: Host<Message>, random: Random) {
    this.#stage = stage
    this.#host = host
    this.#random = random
  }

  /** Hears a peer every now and then, as long as `lives`. */
  listen(lives: () => boolean): void {
    this.#stage.time.after(this.#random.between(200, 600), () => {
      if (!lives()) return
      this.#hear()
      this.listen(lives)
    })
  }

  #hear(): void {
    const { node, machine } = this.#host
    const near = (host: Host<Message>): boolean =>
      host !== this.#host && host.up && this.#stage.connected(node, host.node)
    const peers = this.#stage.hosts().filter(near)
    if (peers.length === 0) return
    const { node: from, machine: theirs, final } = this.#random.pick(peers)
    if (votes(theirs.succession, node)) return
    if (theirs.height > machine.height) this.#host.catchUp(theirs.height, from)
    if (final <= machine.height && final > this.#host.final) this.#host.final = final
  }
}

function votes({ inForce, known }: Succession, node: NodeId): boolean {
  return [...inForce, ...known].some(({ validators }) => validators.some((each) => each.node === node))
}
