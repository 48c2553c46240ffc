// The clients of a run: each request goes to some node, and again to some other one until it is known to be final.

import { concat, utf8 } from '../../src/base/bytes.ts'
import { type RequestId, requestId } from '../../src/consensus/batch.ts'
import type { Oracle } from './oracle.ts'
import type { Random } from './random.ts'
import type { VirtualTime } from './time.ts'

export interface ClientRequest {
  readonly id: RequestId
  readonly bytes: Uint8Array
}

/** Takes a request to some node that is up; false when there is none. */
export type Submit = (request: ClientRequest) => boolean

const valid = 1

/** What the simulated static check looks at: a liar's batch may hold what is not valid. */
export function isValidTransaction(bytes: Uint8Array): boolean {
  return bytes[0] === valid
}

export class Clients {
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #oracle: Oracle
  readonly #submit: Submit
  readonly #requests: ClientRequest[] = []

  constructor(time: VirtualTime, random: Random, oracle: Oracle, submit: Submit) {
    this.#time = time
    this.#random = random
    this.#oracle = oracle
    this.#submit = submit
  }

  /** `count` new requests, spread over the next `ms` milliseconds. */
  plan(count: number, ms: number): void {
    for (let i = 0; i < count; i++) {
      const number = this.#requests.length
      const padding = this.#random.bytes(this.#random.below(40))
      this.ask(concat(new Uint8Array([valid]), utf8(`request ${number} `), padding), ms)
    }
  }

  /** Some time within `ms` milliseconds. */
  ask(bytes: Uint8Array, ms: number): void {
    const request = { id: requestId(bytes), bytes }
    this.#requests.push(request)
    this.#time.after(this.#random.below(ms), () => this.#send(request))
  }

  get submitted(): number {
    return this.#requests.length
  }

  /** Sequence below which all requests so far are agreed, or undefined while one is not. */
  allAgreedAt(): number | undefined {
    let highest = 0
    for (const { id } of this.#requests) {
      const sequence = this.#oracle.sequenceOf(id)
      if (sequence === undefined) return undefined
      highest = Math.max(highest, sequence)
    }
    return highest
  }

  #send(request: ClientRequest): void {
    const sequence = this.#oracle.sequenceOf(request.id)
    if (sequence !== undefined && sequence <= this.#oracle.acknowledged) return
    if (this.#submit(request)) this.#oracle.registers.asksFor(request.id)
    this.#time.after(this.#random.between(300, 1_500), () => this.#send(request))
  }
}
