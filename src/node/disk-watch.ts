// How much room is left on this node's disk. Below what its operator demands the node takes no new transactions, long
// before a write fails; it goes on agreeing with the others, and takes them again once there is room.

import { statfs } from 'node:fs/promises'

export interface DiskEvent {
  readonly type: 'disk'
  /** Whether there is less than demanded. */
  readonly low: boolean
  readonly freeMiB: number
}

export interface DiskRoom {
  readonly freeBytes: number
  readonly low: boolean
  /** At the pace of the last minutes; Infinity while it does not shrink. */
  readonly secondsLeft: number
}

export interface DiskWatchOptions {
  readonly folder: string
  readonly freeBytesMin: number
  readonly onEvent: (event: DiskEvent) => void
  /** Free bytes of the disk that a folder lies on. */
  readonly free?: (folder: string) => Promise<number>
}

interface Look {
  readonly atMs: number
  readonly freeBytes: number
}

const lookMs = 5_000
/** Looks that the pace is taken from: five minutes. */
const looksMax = 60

export class DiskWatch {
  readonly #options: DiskWatchOptions
  readonly #looks: Look[] = []
  readonly #timer: NodeJS.Timeout
  #low = false

  private constructor(options: DiskWatchOptions) {
    this.#options = options
    // A disk that cannot be asked shows itself at the next write, which stops the node; here it is only no news.
    this.#timer = setInterval(() => this.look().catch(() => undefined), lookMs)
  }

  /** Resolves after the first look. */
  static async begin(options: DiskWatchOptions): Promise<DiskWatch> {
    const watch = new DiskWatch(options)
    await watch.look()
    return watch
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get room(): DiskRoom {
    const newest = this.#looks.at(-1)
    const oldest = this.#looks[0]
    if (newest === undefined || oldest === undefined) throw new Error('a watch begins with a look')
    const used = oldest.freeBytes - newest.freeBytes
    const seconds = (newest.atMs - oldest.atMs) / 1000
    return {
      freeBytes: newest.freeBytes,
      low: this.#low,
      secondsLeft: used > 0 && seconds > 0 ? (newest.freeBytes * seconds) / used : Number.POSITIVE_INFINITY,
    }
  }

  async look(): Promise<void> {
    const { folder, freeBytesMin, onEvent, free = freeBytesOf } = this.#options
    const freeBytes = await free(folder)
    this.#looks.push({ atMs: performance.now(), freeBytes })
    if (this.#looks.length > looksMax) this.#looks.shift()
    const low = freeBytes < freeBytesMin
    if (low === this.#low) return
    this.#low = low
    onEvent({ type: 'disk', low, freeMiB: Math.floor(freeBytes / 1_048_576) })
  }
}

/** What is left to this user on the disk that a folder lies on, bytes. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
