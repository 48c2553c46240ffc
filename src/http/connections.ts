// How many connections a node's HTTP server has, and who gets one when all are taken: whoever has asked a whole question keeps
// theirs, those that only hold one open make room for those that come, the oldest first.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { limits } from '../base/limits.ts'
import { retryAfterS } from './problems.ts'

const busy = `HTTP/1.1 503 Service Unavailable\r\nretry-after: ${retryAfterS}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`

export class Connections {
  /** The oldest first; how many answers each waits for. */
  readonly #open = new Map<Socket, number>()

  constructor(server: Server) {
    server.on('connection', (socket) => this.#admit(socket))
    server.on('request', (request, response) => this.#asked(request, response))
  }

  /** Ends all, whatever is under way. */
  destroy(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #admit(socket: Socket): void {
    if (this.#open.size >= limits.httpConnectionsMax && !this.#makeRoom()) {
      // A client that goes on writing meanwhile is no news.
      socket.on('error', () => undefined)
      socket.end(busy, () => socket.destroy())
      return
    }
    this.#open.set(socket, 0)
    socket.once('close', () => this.#open.delete(socket))
  }

  #makeRoom(): boolean {
    for (const [socket, answers] of this.#open) {
      if (answers > 0) continue
      this.#open.delete(socket)
      socket.destroy()
      return true
    }
    return false
  }

  #asked({ socket }: IncomingMessage, response: ServerResponse): void {
    const count = (by: number): void => {
      const answers = this.#open.get(socket)
      if (answers !== undefined) this.#open.set(socket, answers + by)
    }
    count(1)
    response.once('close', () => count(-1))
  }
}
